//! When requests come: as recorded in a trace, or as a Poisson process.
//!
//! ```
//! use assistant::arrivals::Trace;
//! use assistant::rejected::OnBadLine;
//! use std::time::Duration;
//!
//! let file = "TIMESTAMP,ContextTokens,GeneratedTokens\n\
//!             2023-11-16 18:15:46.6805900,374,44\n\
//!             2023-11-16 18:15:50.9951690,396,109\n";
//! let trace = Trace::read(file.as_bytes(), "trace.csv", OnBadLine::Refuse)?;
//! assert_eq!(trace.arrivals()[1].at, Duration::from_nanos(4_314_579_000));
//! # Ok::<(), assistant::rejected::InputError>(())
//! ```

use std::io::Read;
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, Exp1};

use crate::positive::Positive;
use crate::random;
use crate::records::{self, Records, Unusable};
use crate::rejected::{InputError, OnBadLine, Rejected};

/// One request's coming.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// When, counted from the first request of the run.
    pub at: Duration,
    /// How many tokens the model read, if that was recorded.
    pub context_tokens: Option<u32>,
    /// How many tokens the model wrote, if that was recorded.
    pub generated_tokens: Option<u32>,
}

/// The recorded arrivals of a real service.
///
/// # Source
///
/// The format of the Azure LLM inference traces: the header
/// `TIMESTAMP,ContextTokens,GeneratedTokens`, then one request a row. A timestamp without an
/// offset is taken as UTC; only differences matter.
#[derive(Clone, Debug)]
pub struct Trace {
    arrivals: Vec<Arrival>,
    out_of_order: u64,
    rejected: Rejected,
}

impl Trace {
    /// Reads the trace at `path`. See [`Trace::read`].
    pub fn open(path: &Path, on_bad_line: OnBadLine) -> Result<Self, InputError> {
        records::open(path, on_bad_line, row).map(Self::from_records)
    }

    /// Reads a trace, plain or gzip; errors call the source `file`.
    ///
    /// Rows may be out of order: they are counted, and sorted.
    ///
    /// # Errors
    ///
    /// When the header is another one, when a row is bad and bad rows are refused, and when there
    /// is not one row.
    pub fn read(source: impl Read, file: &str, on_bad_line: OnBadLine) -> Result<Self, InputError> {
        records::read(source, file, on_bad_line, row).map(Self::from_records)
    }

    /// The arrivals, the earliest first and at zero; at least one.
    pub fn arrivals(&self) -> &[Arrival] {
        &self.arrivals
    }

    /// How many rows had an earlier timestamp than the row before them.
    pub fn out_of_order(&self) -> u64 {
        self.out_of_order
    }

    /// The rows of the file that were skipped.
    pub fn rejected(&self) -> &Rejected {
        &self.rejected
    }

    fn from_records(records: Records<Row>) -> Self {
        let Records {
            usable: mut rows,
            rejected,
        } = records;
        let out_of_order = rows
            .iter()
            .zip(rows.iter().skip(1))
            .filter(|(before, row)| row.when < before.when);
        let out_of_order = out_of_order.count() as u64;
        rows.sort_by_key(|row| row.when);
        let first = rows.first().map_or(Timestamp::UNIX_EPOCH, |row| row.when);
        let arrivals = rows
            .into_iter()
            .map(|row| Arrival {
                // Sorted, no row is earlier than the first, so the difference is never negative.
                at: row.when.duration_since(first).unsigned_abs(),
                context_tokens: Some(row.context_tokens),
                generated_tokens: Some(row.generated_tokens),
            })
            .collect();
        Self {
            arrivals,
            out_of_order,
            rejected,
        }
    }
}

/// Arrivals without memory, at a given mean rate: an endless Poisson process.
///
/// ```
/// use assistant::arrivals::Poisson;
/// use assistant::positive::Positive;
///
/// let per_second = Positive::new(25.0)?;
/// let hundred: Vec<_> = Poisson::new(per_second, 42).take(100).collect();
/// assert!(hundred.is_sorted_by_key(|arrival| arrival.at));
/// # Ok::<(), assistant::positive::NotPositive>(())
/// ```
#[derive(Debug)]
pub struct Poisson {
    per_second: Positive,
    at: Duration,
    generator: ChaCha8Rng,
}

impl Poisson {
    /// Arrivals at a mean of `per_second`, the first one at zero.
    pub fn new(per_second: Positive, seed: u64) -> Self {
        let generator = random::stream(seed, "arrivals", 0);
        Self {
            per_second,
            at: Duration::ZERO,
            generator,
        }
    }
}

impl Iterator for Poisson {
    type Item = Arrival;

    fn next(&mut self) -> Option<Arrival> {
        let at = self.at;
        let gap: f64 = Exp1.sample(&mut self.generator);
        let gap = self.per_second.compress(Duration::from_secs_f64(gap));
        self.at = at.saturating_add(gap);
        Some(Arrival {
            at,
            context_tokens: None,
            generated_tokens: None,
        })
    }
}

/// A row of a trace.
struct Row {
    when: Timestamp,
    context_tokens: u32,
    generated_tokens: u32,
}

fn row(number: u64, line: &str) -> Result<Option<Row>, Unusable> {
    if number == 1 {
        return if line.trim().eq_ignore_ascii_case(HEADER) {
            Ok(None)
        } else {
            Err(Unusable::File(format!("the header must be {HEADER}")))
        };
    }
    if line.trim().is_empty() {
        return Ok(None);
    }
    let fields: Vec<&str> = line.split(',').map(str::trim).collect();
    let [when, context_tokens, generated_tokens] = fields[..] else {
        return Err(Unusable::Line(format!(
            "{} fields instead of 3",
            fields.len()
        )));
    };
    Ok(Some(Row {
        when: timestamp(when)?,
        context_tokens: tokens("ContextTokens", context_tokens)?,
        generated_tokens: tokens("GeneratedTokens", generated_tokens)?,
    }))
}

/// Reads `2023-11-16 18:15:46.6805900`, or the same with an offset such as `Z` or `+00:00`.
fn timestamp(text: &str) -> Result<Timestamp, Unusable> {
    text.parse()
        .or_else(|_| {
            text.parse::<DateTime>()
                .and_then(|when| TimeZone::UTC.to_timestamp(when))
        })
        .map_err(|_| {
            Unusable::Line(format!(
                "'{text}' is no timestamp like 2023-11-16 18:15:46.6805900"
            ))
        })
}

fn tokens(column: &str, text: &str) -> Result<u32, Unusable> {
    text.parse()
        .ok()
        .filter(|tokens| *tokens <= MAX_TOKENS)
        .ok_or_else(|| {
            Unusable::Line(format!(
                "{column} must be a whole number up to {MAX_TOKENS}, not '{text}'"
            ))
        })
}

/// The most tokens that a row may claim: above what any model takes, and small enough that the
/// cost of the longest trace fits [`crate::money::NanoUsd`].
pub const MAX_TOKENS: u32 = 10_000_000;

const HEADER: &str = "TIMESTAMP,ContextTokens,GeneratedTokens";
