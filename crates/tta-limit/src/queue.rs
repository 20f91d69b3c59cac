//! Waiting for one's turn: bounded in number and in time, and counted however it ends.

use std::future::poll_fn;
use std::panic::catch_unwind;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::coop::unconstrained;
use tokio::time::Sleep;
use tta_core::{Error, ErrorKind, Result, WorkflowContext};

use crate::config::QueueConfig;
use crate::metrics::Metrics;

/// The places of a queue.
#[derive(Debug)]
pub(crate) struct Queue {
    config: QueueConfig,
    waiting: AtomicUsize,
}

/// Why a call was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rejection {
    QueueFull,
    QueueTimeout,
    Deadline,
}

/// How long a call may wait, and what ends the wait then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    pub(crate) time: Option<Duration>,
    pub(crate) ends_by: Rejection,
}

impl Queue {
    pub(crate) fn new(config: QueueConfig) -> Self {
        Self {
            config,
            waiting: AtomicUsize::new(0),
        }
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    /// The shorter of the queue's timeout and what is left until the deadline.
    pub(crate) fn budget(&self, ctx: &WorkflowContext) -> Budget {
        let (timeout, left) = (self.config.timeout, ctx.remaining());
        let timeout_first = match (timeout, left) {
            (Some(timeout), Some(left)) => timeout <= left,
            (timeout, _) => timeout.is_some(),
        };
        Budget {
            time: if timeout_first { timeout } else { left },
            ends_by: if timeout_first {
                Rejection::QueueTimeout
            } else {
                Rejection::Deadline
            },
        }
    }

    /// A place in the queue, if there is one.
    pub(crate) fn enter<'a>(
        &'a self,
        metrics: &'a Metrics,
        ctx: &'a WorkflowContext,
    ) -> Option<Place<'a>> {
        let free = |waiting| (waiting < self.config.places).then_some(waiting + 1);
        let before = self
            .waiting
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, free)
            .ok()?;
        metrics.queued.add(1);
        Some(Place {
            queue: self,
            metrics,
            ctx,
            begun: ctx.now(),
            before,
            ended: false,
        })
    }
}

/// A place in a queue, which is free again when this is dropped.
pub(crate) struct Place<'a> {
    queue: &'a Queue,
    metrics: &'a Metrics,
    ctx: &'a WorkflowContext,
    begun: Instant,
    /// How many waited already.
    pub(crate) before: usize,
    ended: bool,
}

impl Place<'_> {
    /// Waits for `served`; nothing if the budget is used up first.
    pub(crate) async fn wait<T>(
        &mut self,
        budget: Budget,
        served: impl Future<Output = Result<T>>,
    ) -> Result<Option<T>> {
        if self.ctx.is_sampled() {
            self.ctx
                .set_attribute("limit.queued_before", self.before as u64);
            if let Some(time) = budget.time {
                let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
                self.ctx.set_attribute("limit.budget_ms", millis);
            }
        }
        let waited = within(budget.time, served).await;
        self.ended = true;
        waited
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.queue.waiting.fetch_sub(1, Ordering::AcqRel);
        self.metrics.queued.subtract(1);
        let waited = self.ctx.now().saturating_duration_since(self.begun);
        self.metrics.wait.record_in(waited, self.ctx);
        if !self.ended {
            self.metrics.cancelled.increment_in(self.ctx);
        }
    }
}

/// Waits for a future, first of all, and no longer than the time it is given.
async fn within<T>(
    time: Option<Duration>,
    future: impl Future<Output = Result<T>>,
) -> Result<Option<T>> {
    let mut future = pin!(future);
    let mut timer = pin!(None);
    poll_fn(|cx| {
        if let Poll::Ready(result) = future.as_mut().poll(cx) {
            return Poll::Ready(result.map(Some));
        }
        let Some(time) = time else {
            return Poll::Pending;
        };
        if timer.is_none() {
            // What uses up the task's budget must not keep the timer from firing.
            timer.set(Some(unconstrained(sleep(time)?)));
        }
        match timer.as_mut().as_pin_mut() {
            Some(timer) => timer.poll(cx).map(|()| Ok(None)),
            // Set just above.
            None => Poll::Pending,
        }
    })
    .await
}

/// A timer, or an error that says what is missing where tokio would panic.
pub(crate) fn sleep(time: Duration) -> Result<Sleep> {
    let armed = Handle::try_current()
        .ok()
        // A runtime that was built without its timer panics here, and there is no way to ask it.
        .and_then(|_| catch_unwind(|| tokio::time::sleep(time)).ok());
    armed.ok_or_else(|| {
        Error::new(
            ErrorKind::Configuration,
            "a limit whose callers wait needs a tokio runtime with its timer on; run the flow \
             inside one, built with `enable_time` or `enable_all`",
        )
    })
}
