//! What a timeout measures.

use tta_core::{Counter, Histogram, MetricSpec, registry};

use crate::catalog::{DURATION, FAILURES, RATE, SUCCESSES};
use crate::cause::TimeoutCause;

/// Handles of one primitive's name; primitives of one name share them.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) within_limit: Counter,
    pub(crate) within_grace: Counter,
    pub(crate) past_limit: Counter,
    pub(crate) past_deadline: Counter,
    pub(crate) duration: Histogram,
}

impl Metrics {
    pub(crate) fn of(name: &str) -> Self {
        let registry = registry();
        let counter = |spec: &'static MetricSpec, label| {
            let registered = registry.counter(spec, &[name, label]);
            // Only a program that gave the metric's name to another one gets here.
            registered.unwrap_or_else(|_| Counter::detached(spec.unit))
        };
        let metrics = Self {
            within_limit: counter(&SUCCESSES, "limit"),
            within_grace: counter(&SUCCESSES, "grace"),
            past_limit: counter(&FAILURES, "limit"),
            past_deadline: counter(&FAILURES, "deadline"),
            duration: registry
                .histogram(&DURATION, &[name])
                .unwrap_or_else(|_| Histogram::detached()),
        };
        let failures = [metrics.past_limit.clone(), metrics.past_deadline.clone()];
        let all = metrics.duration.clone();
        let rate = move || {
            let failed: f64 = failures.iter().map(Counter::total).sum();
            match all.distribution().count() {
                0 => 0.0,
                // A failure is counted shortly before its duration.
                count => failed.min(count as f64) / count as f64,
            }
        };
        // As above: a name that is taken leaves this one gauge out.
        let _ = registry.observe_gauge(&RATE, &[name], rate);
        metrics
    }

    /// The counter of executions that ran out of time.
    pub(crate) fn past(&self, cause: TimeoutCause) -> &Counter {
        match cause {
            TimeoutCause::Deadline => &self.past_deadline,
            _ => &self.past_limit,
        }
    }
}
