//! What retries measure.

use tta_core::{Counter, Histogram, registry};

use crate::catalog::{ATTEMPTS, BACKOFF, EXECUTIONS};
use crate::outcome::Outcome;

/// Handles of one primitive's name; primitives of one name share them.
#[derive(Debug)]
pub(crate) struct Metrics {
    executions: [Counter; Outcome::ALL.len()],
    pub(crate) attempts: Histogram,
    pub(crate) backoff: Histogram,
}

impl Metrics {
    pub(crate) fn of(name: &str) -> Self {
        let registry = registry();
        let executions = Outcome::ALL.map(|outcome| {
            let registered = registry.counter(&EXECUTIONS, &[name, outcome.as_str()]);
            // Only a program that gave the metric's name to another one gets here.
            registered.unwrap_or_else(|_| Counter::detached(EXECUTIONS.unit))
        });
        let histogram = |spec| {
            let registered = registry.histogram(spec, &[name]);
            registered.unwrap_or_else(|_| Histogram::detached())
        };
        Self {
            executions,
            attempts: histogram(&ATTEMPTS),
            backoff: histogram(&BACKOFF),
        }
    }

    /// The counter of executions that ended so.
    pub(crate) fn ended(&self, outcome: Outcome) -> &Counter {
        let [first_try, recovered, exhausted, not_retryable, budget] = &self.executions;
        match outcome {
            Outcome::FirstTry => first_try,
            Outcome::Recovered => recovered,
            Outcome::Exhausted => exhausted,
            Outcome::NotRetryable => not_retryable,
            Outcome::Budget => budget,
        }
    }
}
