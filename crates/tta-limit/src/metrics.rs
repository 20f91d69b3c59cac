//! What a limit measures.

use tta_core::{Counter, Gauge, Histogram, MetricSpec, registry};

use crate::catalog::{CAPACITY, EXECUTIONS, IN_USE, QUEUED, WAIT_DURATION};
use crate::queue::Rejection;

/// Handles of one limit's name; limits of one name share them.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) name: String,
    pub(crate) admitted: Counter,
    pub(crate) queue_full: Counter,
    pub(crate) queue_timeout: Counter,
    pub(crate) deadline: Counter,
    pub(crate) cancelled: Counter,
    pub(crate) wait: Histogram,
    pub(crate) queued: Gauge,
    capacity: (Gauge, i64),
}

impl Metrics {
    pub(crate) fn of(name: String, capacity: usize) -> Self {
        let outcome = |outcome| {
            let counter = registry().counter(&EXECUTIONS, &[&name, outcome]);
            // Only a program that gave the metric's name to another one gets one of its own.
            counter.unwrap_or_else(|_| Counter::detached(EXECUTIONS.unit))
        };
        let wait = registry().histogram(&WAIT_DURATION, &[&name]);
        let metrics = Self {
            admitted: outcome("admitted"),
            queue_full: outcome("queue_full"),
            queue_timeout: outcome("queue_timeout"),
            deadline: outcome("deadline"),
            cancelled: outcome("cancelled"),
            wait: wait.unwrap_or_else(|_| Histogram::detached()),
            queued: gauge(&QUEUED, &name),
            capacity: (gauge(&CAPACITY, &name), signed(capacity)),
            name,
        };
        let (gauge, capacity) = &metrics.capacity;
        gauge.add(*capacity);
        metrics
    }

    /// The gauge of what is given out, where it is kept by hand.
    pub(crate) fn in_use(name: &str) -> Gauge {
        gauge(&IN_USE, name)
    }

    /// The same where it follows from something else, which may be gone.
    pub(crate) fn observe_in_use(
        name: &str,
        in_use: impl Fn() -> Option<u64> + Send + Sync + 'static,
    ) {
        let read = move || in_use().map_or(0.0, |in_use| in_use as f64);
        // As above: a name that is taken leaves this one gauge out.
        let _ = registry().observe_gauge(&IN_USE, &[name], read);
    }

    pub(crate) fn rejected(&self, reason: Rejection) -> &Counter {
        match reason {
            Rejection::QueueFull => &self.queue_full,
            Rejection::QueueTimeout => &self.queue_timeout,
            Rejection::Deadline => &self.deadline,
        }
    }
}

/// A limit that is gone has no capacity.
impl Drop for Metrics {
    fn drop(&mut self) {
        let (gauge, capacity) = &self.capacity;
        gauge.subtract(*capacity);
    }
}

fn gauge(spec: &'static MetricSpec, name: &str) -> Gauge {
    let gauge = registry().gauge(spec, &[name]);
    gauge.unwrap_or_else(|_| Gauge::detached())
}

fn signed(capacity: usize) -> i64 {
    i64::try_from(capacity).unwrap_or(i64::MAX)
}
