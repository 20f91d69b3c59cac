//! Objectives, and the rules that tell when their error budget burns too fast.
//!
//! An objective is a share of good events over a window; the rest is the budget. At a burn rate of 1
//! the budget lasts exactly the window. Each alert asks for a burn rate over a long window, so that
//! it means something, and over a short one, so that it ends soon after the fault does.
//!
//! ```
//! use tta_catalog::slo::{Slos, rules};
//!
//! let slos = Slos::parse(
//!     r#"
//!     [[slo]]
//!     name = "answers"
//!     selector = 'workflow_executions_total{workflow="assistant"}'
//!     objective = 99.5
//!     window = "30d"
//!     "#,
//! )?;
//! assert!(rules(&slos).yaml().contains("slo: \"answers\""));
//! # Ok::<(), tta_catalog::slo::SloError>(())
//! ```
//!
//! # Source
//!
//! Beyer, Murphy, Rensin, Kawahara and Thorne (2018): The Site Reliability Workbook, chapter 5,
//! "Multiwindow, Multi-Burn-Rate Alerts".

mod parse;
mod rules;

use std::fmt;

pub use rules::rules;

/// Objectives, as a file has them.
#[derive(Clone, Debug, PartialEq)]
pub struct Slos {
    slos: Vec<Slo>,
}

/// An objective.
#[derive(Clone, Debug, PartialEq)]
struct Slo {
    name: String,
    metric: &'static str,
    /// The matchers in braces, without the braces.
    matchers: String,
    indicator: Indicator,
    /// The label that tells apart what is measured, besides the job.
    subject: &'static str,
    /// The share of events that may be bad.
    budget: f64,
    window: Window,
}

/// What makes an event bad.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Indicator {
    /// Its status is error.
    Failed,
    /// It took longer than this many seconds.
    Slow(f64),
}

/// A window, as it was written and in hours.
#[derive(Clone, Debug, PartialEq)]
struct Window {
    text: String,
    hours: f64,
}

impl Slos {
    /// Reads the text of a `slo.toml`.
    ///
    /// # Errors
    ///
    /// Where it is no TOML, has a field that there is not, or asks for what cannot be.
    pub fn parse(toml: &str) -> Result<Self, SloError> {
        parse::parse(toml).map(|slos| Self { slos })
    }
}

/// What is wrong with a file of objectives, and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SloError {
    message: String,
}

impl SloError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

impl fmt::Display for SloError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for SloError {}
