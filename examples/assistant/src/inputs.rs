//! What a run works on, as the command line asks for it.
//!
//! ```
//! use assistant::inputs::Inputs;
//! use assistant::options::Options;
//! use clap::Parser;
//!
//! let options = Options::try_parse_from(["assistant", "--requests", "5"]).unwrap();
//! let inputs = Inputs::load(&options)?;
//! assert_eq!(inputs.total(), 5);
//! assert_eq!(inputs.requests().count(), 5);
//! # Ok::<(), assistant::rejected::InputError>(())
//! ```

use crate::arrivals::{Arrival, Poisson, Trace};
use crate::options::Options;
use crate::positive::Positive;
use crate::questions::Questions;
use crate::rejected::InputError;
use crate::workload::{Request, Workload};

/// The questions and the arrivals of a run.
#[derive(Debug)]
pub struct Inputs {
    questions: Questions,
    trace: Option<Trace>,
    total: u64,
    rate: Positive,
    seed: u64,
}

impl Inputs {
    /// Reads the files that `options` name, and takes the built-in questions and random arrivals
    /// where they name none.
    ///
    /// # Errors
    ///
    /// When a file cannot be opened or used; see [`InputError`].
    pub fn load(options: &Options) -> Result<Self, InputError> {
        let on_bad_line = options.on_bad_line();
        let questions = match &options.questions {
            Some(path) => Questions::open(path, on_bad_line)?,
            None => Questions::built_in(),
        };
        let trace = match &options.trace {
            Some(path) => Some(Trace::open(path, on_bad_line)?),
            None => None,
        };
        let rows = trace
            .as_ref()
            .map_or(u64::MAX, |trace| trace.arrivals().len() as u64);
        let total = options.request_limit().unwrap_or(u64::MAX).min(rows);
        Ok(Self {
            questions,
            trace,
            total,
            rate: options.rate,
            seed: options.seed,
        })
    }

    /// The questions.
    pub fn questions(&self) -> &Questions {
        &self.questions
    }

    /// The trace, if there is one.
    pub fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    /// How many requests the run has.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The requests of the run, in the order they come; the same at each call.
    pub fn requests(&self) -> impl Iterator<Item = Request> + Send + use<> {
        let arrivals: Box<dyn Iterator<Item = Arrival> + Send> = match &self.trace {
            Some(trace) => Box::new(trace.arrivals().to_vec().into_iter()),
            None => Box::new(Poisson::new(self.rate, self.seed)),
        };
        let total = usize::try_from(self.total).unwrap_or(usize::MAX);
        Workload::new(&self.questions, arrivals, self.seed).take(total)
    }
}
