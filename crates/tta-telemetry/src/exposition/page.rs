//! A page of metrics while it is written, piece by piece: names, text and numbers in the chosen
//! format.

use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use tta_core::Exemplar;

use super::ExpositionFormat;
use crate::digits::{push_billionths, push_unsigned};

/// A page while it is written.
pub(super) struct Page {
    pub(super) format: ExpositionFormat,
    out: Vec<u8>,
}

/// What stands above the samples of a family.
pub(super) struct Heading<'a> {
    /// The family's name in this format.
    pub(super) name: &'a str,
    /// What the metric means, as its author wrote it.
    pub(super) help: &'a str,
    /// The word for its type in this format.
    pub(super) kind: &'a str,
    /// The unit, where the name ends in it.
    pub(super) unit: Option<&'a str>,
}

impl Page {
    pub(super) fn new(format: ExpositionFormat) -> Self {
        let out = Vec::with_capacity(PIECE + MORE);
        Self { format, out }
    }

    /// What was written since this was last asked for.
    pub(super) fn take(&mut self) -> Vec<u8> {
        std::mem::replace(&mut self.out, Vec::with_capacity(PIECE + MORE))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    /// Whether what was written should be taken before more is.
    pub(super) fn is_long(&self) -> bool {
        self.out.len() >= PIECE
    }

    /// Ends the whole page.
    pub(super) fn end(&mut self) {
        if self.format == ExpositionFormat::OpenMetrics {
            self.raw("# EOF\n");
        }
    }

    pub(super) fn heading(&mut self, heading: &Heading<'_>) {
        if !heading.help.is_empty() {
            self.meta("# HELP ", heading.name);
            let quotes = self.format == ExpositionFormat::OpenMetrics;
            self.escaped(heading.help, quotes);
            self.raw("\n");
        }
        self.meta("# TYPE ", heading.name);
        self.raw(heading.kind);
        self.raw("\n");
        if let (ExpositionFormat::OpenMetrics, Some(unit)) = (self.format, heading.unit) {
            self.meta("# UNIT ", heading.name);
            self.raw(unit);
            self.raw("\n");
        }
    }

    fn meta(&mut self, keyword: &str, name: &str) {
        self.raw(keyword);
        self.raw(name);
        self.raw(" ");
    }

    /// Text that is right as it is.
    pub(super) fn raw(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    /// Bytes that were written by a page's rules before.
    pub(super) fn raw_bytes(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }

    /// Text with backslashes, line ends and, where they would end it, quotes escaped.
    pub(super) fn escaped(&mut self, text: &str, quotes: bool) {
        push_escaped(&mut self.out, text, quotes);
    }

    pub(super) fn integer(&mut self, value: u64) {
        push_unsigned(&mut self.out, value);
    }

    pub(super) fn number(&mut self, value: f64) {
        push_number(&mut self.out, value);
    }

    /// A number that need not be whole: where OpenMetrics is asked for, a whole one has a point too.
    pub(super) fn fraction(&mut self, value: f64) {
        self.number(value);
        let is_bare = value.abs() <= LARGEST_WHOLE && value.fract() == 0.0;
        if is_bare && self.format == ExpositionFormat::OpenMetrics {
            self.raw(".0");
        }
    }

    /// An exemplar after a sample, in the format that has them.
    pub(super) fn exemplar(&mut self, exemplar: Option<&Exemplar>) {
        if let (ExpositionFormat::OpenMetrics, Some(exemplar)) = (self.format, exemplar) {
            self.raw(" # {");
            // Writing into memory cannot fail.
            let _ = write!(self.out, "trace_id=\"{}\"", exemplar.trace_id);
            // An example of a trace that is not recorded has no span.
            if exemplar.span_id.is_valid() {
                let _ = write!(self.out, ",span_id=\"{}\"", exemplar.span_id);
            }
            self.raw("} ");
            self.fraction(exemplar.value);
            self.timestamp(exemplar.at);
        }
    }

    /// Seconds since the epoch with milliseconds; nothing for a clock that stands before it.
    fn timestamp(&mut self, at: SystemTime) {
        if let Ok(since) = at.duration_since(UNIX_EPOCH) {
            let _ = write!(
                self.out,
                " {}.{:03}",
                since.as_secs(),
                since.subsec_millis()
            );
        }
    }
}

/// Appends text with backslashes, line ends and, if asked, quotes escaped.
pub(super) fn push_escaped(out: &mut Vec<u8>, text: &str, quotes: bool) {
    let special = |byte: &u8| matches!(byte, b'\\' | b'\n') || (quotes && *byte == b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(special) {
        let (clean, from) = rest.split_at(at);
        out.extend_from_slice(clean);
        let Some((&byte, after)) = from.split_first() else {
            break;
        };
        out.extend_from_slice(&[b'\\', if byte == b'\n' { b'n' } else { byte }]);
        rest = after;
    }
    out.extend_from_slice(rest);
}

/// Appends a number as Prometheus's own libraries do: whole numbers without a point, very large
/// and very small ones with an exponent, all others with as many digits as bring the value back.
pub(super) fn push_number(out: &mut Vec<u8>, value: f64) {
    let size = value.abs();
    if size <= LARGEST_WHOLE && value.fract() == 0.0 {
        if value < 0.0 {
            out.push(b'-');
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number from 0 to 2^53"
        )]
        push_unsigned(out, size as u64);
        return;
    }
    if value < 0.0 && size < LARGEST_WHOLE {
        out.push(b'-');
        push_number(out, size);
        return;
    }
    if push_billionths(out, value) {
        return;
    }
    // Writing into memory cannot fail.
    let _ = match size {
        _ if value.is_nan() => out.write_all(b"NaN"),
        f64::INFINITY if value > 0.0 => out.write_all(b"+Inf"),
        f64::INFINITY => out.write_all(b"-Inf"),
        1e-4..1e21 => write!(out, "{value}"),
        _ => write!(out, "{value:e}"),
    };
}

/// What a series takes as a rule.
const MORE: usize = 4 << 10;

/// How long a piece of a page is. It is a little more than this: at most one series.
const PIECE: usize = 64 << 10;

/// 2^53: whole numbers up to here are exact.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;
