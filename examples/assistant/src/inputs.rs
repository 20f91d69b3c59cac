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

use std::time::Duration;

use crate::arrivals::{Arrival, Poisson, Trace};
use crate::injected::{self, Fault, Injected, covers};
use crate::model::Model;
use crate::options::{Options, Routing};
use crate::outage;
use crate::positive::Positive;
use crate::profile::{Pair, Tier};
use crate::questions::Questions;
use crate::rejected::InputError;
use crate::verifier;
use crate::workload::{Request, Workload};
use crate::world::{Truth, World};

/// The questions and the arrivals of a run.
#[derive(Debug)]
pub struct Inputs {
    questions: Questions,
    trace: Option<Trace>,
    total: u64,
    rate: Positive,
    seed: u64,
    pair: Pair,
    is_reliable: bool,
    injected: Vec<Injected>,
    speed: Positive,
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
        let can_verify = questions
            .as_slice()
            .iter()
            .all(|it| verifier::can_judge(it));
        if let (Routing::Cascade, false, Some(path)) =
            (options.router, can_verify, &options.questions)
        {
            let file = path.display().to_string();
            return Err(InputError::NothingToVerify { file });
        }
        let trace = match &options.trace {
            Some(path) => Some(Trace::open(path, on_bad_line)?),
            None => None,
        };
        let rows = trace
            .as_ref()
            .map_or(u64::MAX, |trace| trace.arrivals().len() as u64);
        let total = options.request_limit().unwrap_or(u64::MAX).min(rows);
        let is_judged = questions.as_slice().iter().any(|it| it.verdict.is_some());
        let fitting = if is_judged {
            Pair::Routellm
        } else {
            Pair::Gpt4o
        };
        Ok(Self {
            pair: options.models.unwrap_or(fitting),
            is_reliable: options.no_failures,
            injected: options.inject.clone(),
            speed: options.speed,
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

    /// Where it is known from which answers are right.
    pub fn truth(&self) -> Truth {
        World::truth(self.questions.as_slice())
    }

    /// The trace, if there is one.
    pub fn trace(&self) -> Option<&Trace> {
        self.trace.as_ref()
    }

    /// The models, the cheap one first, each down for a while unless failures are off, and at the
    /// times that were asked for.
    pub fn models(&self) -> [Model; 2] {
        [Tier::Cheap, Tier::Premium].map(|tier| {
            let injected = |fault| injected::during(&self.injected, fault, self.speed);
            let model = Model::new(self.pair, tier, self.seed)
                .with_injected(injected(Fault::down(tier)), injected(Fault::slow(tier)));
            if self.is_reliable {
                return model.reliable();
            }
            let down = outage::draw(self.seed, tier, self.duration());
            model.with_outage(down)
        })
    }

    /// How long the requests go on, at normal speed: by the trace, or else by the mean rate.
    pub fn duration(&self) -> Duration {
        let last = usize::try_from(self.total.saturating_sub(1)).unwrap_or(usize::MAX);
        match &self.trace {
            Some(trace) => trace
                .arrivals()
                .get(last)
                .map_or(Duration::ZERO, |arrival| arrival.at),
            None => self.rate.compress(Duration::from_secs(self.total)),
        }
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
        let new = injected::during(&self.injected, Fault::NewQuestions, self.speed);
        let workload = Workload::new(&self.questions, arrivals, self.seed).take(total);
        workload.map(move |request| {
            if covers(&new, request.at) {
                request.never_asked_before()
            } else {
                request
            }
        })
    }
}
