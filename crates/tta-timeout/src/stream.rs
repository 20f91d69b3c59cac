//! Limits on streams: of tokens, of rows, of events.

mod limits;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_core::Stream;
use futures_core::stream::FusedStream;
use tokio::time::Sleep;
use tta_core::{Error, Result, WorkflowContext};

pub use self::limits::StreamLimits;
use crate::bounds::earlier;
use crate::cause::{TimedOut, TimeoutCause};
use crate::metrics::Metrics;
use crate::timer::{arm, poll_fired, rearm};

/// A timeout for streams: made once, and put around each stream of its kind.
///
/// The stream is polled first, and a timer is armed only while it has nothing; it is one timer for
/// the whole stream. Time that the consumer takes between two items is not the stream's: it counts
/// towards the total alone.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use futures_core::Stream;
/// use tta_core::{Result, WorkflowContext};
/// use tta_timeout::{StreamLimits, StreamTimeout, TimedStream, TimeoutStreamExt};
///
/// fn tokens<S>(answer: S, timeout: &StreamTimeout, ctx: &WorkflowContext) -> TimedStream<S>
/// where
///     S: Stream<Item = Result<String>>,
/// {
///     answer.timed(timeout, ctx)
/// }
///
/// let limits = StreamLimits::new()
///     .with_first_item(Duration::from_secs(20))
///     .with_idle(Duration::from_secs(10))
///     .with_total(Duration::from_secs(120));
/// let timeout = StreamTimeout::new("answer_tokens", limits)?;
/// # Ok::<(), tta_core::Error>(())
/// ```
#[derive(Clone)]
pub struct StreamTimeout {
    shared: Arc<Shared>,
}

struct Shared {
    name: String,
    limits: StreamLimits,
    metrics: Metrics,
}

impl StreamTimeout {
    /// A timeout of this name: the `primitive` label of its metrics, and what its errors name. The
    /// name is one of few.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](tta_core::ErrorKind::Configuration) for a limit of zero, or
    /// where there is none at all.
    pub fn new(name: impl Into<String>, limits: StreamLimits) -> Result<Self> {
        let name = name.into();
        let shared = Shared {
            limits: limits.validated()?,
            metrics: Metrics::of(&name),
            name,
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Puts the limits around a stream; the same as [`timed`](TimeoutStreamExt::timed).
    pub fn around<S: Stream>(&self, stream: S, ctx: &WorkflowContext) -> TimedStream<S> {
        let limits = &self.shared.limits;
        let begun = ctx.now();
        TimedStream {
            stream: Some(Box::pin(stream)),
            timer: None,
            armed: None,
            first: limits.first_item.and_then(|it| begun.checked_add(it)),
            is_first: true,
            waiting: None,
            total: limits.total.and_then(|it| begun.checked_add(it)),
            begun,
            ctx: ctx.clone(),
            timeout: self.clone(),
        }
    }
}

impl fmt::Debug for StreamTimeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamTimeout")
            .field("name", &self.shared.name)
            .field("limits", &self.shared.limits)
            .finish_non_exhaustive()
    }
}

/// Adds [`timed`](Self::timed) to streams of results.
pub trait TimeoutStreamExt: Stream + Sized {
    /// Ends the stream with an error when it is slower than the timeout allows, or when the
    /// context's deadline passes; the time runs from now.
    fn timed(self, timeout: &StreamTimeout, ctx: &WorkflowContext) -> TimedStream<Self>;
}

impl<S, T, E> TimeoutStreamExt for S
where
    S: Stream<Item = std::result::Result<T, E>>,
    E: Into<Error>,
{
    fn timed(self, timeout: &StreamTimeout, ctx: &WorkflowContext) -> TimedStream<Self> {
        timeout.around(self, ctx)
    }
}

/// A stream under a [`StreamTimeout`].
///
/// The stream's own items and errors pass unchanged. When time has run out there is one more item,
/// an error whose [`TimedOut`] names the limit; the stream inside has been dropped by then, and
/// after it comes nothing more.
///
/// A step that returns a stream has ended when it returns, and so has its span: what happens to the
/// stream afterwards shows in the timeout's metrics.
///
/// # Cancellation
///
/// Dropping it drops the stream inside; that is no timeout and not counted as one.
#[must_use = "a stream does nothing until it is polled"]
pub struct TimedStream<S> {
    /// None when it has ended.
    stream: Option<Pin<Box<S>>>,
    timer: Option<Pin<Box<Sleep>>>,
    /// When the timer fires.
    armed: Option<Instant>,
    first: Option<Instant>,
    is_first: bool,
    /// Since when somebody has waited for the next item.
    waiting: Option<Instant>,
    total: Option<Instant>,
    begun: Instant,
    ctx: WorkflowContext,
    timeout: StreamTimeout,
}

impl<S, T, E> Stream for TimedStream<S>
where
    S: Stream<Item = std::result::Result<T, E>>,
    E: Into<Error>,
{
    type Item = Result<T>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<T>>> {
        let this = &mut *self;
        let Some(stream) = &mut this.stream else {
            return Poll::Ready(None);
        };
        match stream.as_mut().poll_next(cx) {
            Poll::Ready(Some(item)) => {
                // A stream that always has something never meets its timer.
                if let Some((end, cause)) = this.end_of_all()
                    && this.ctx.now() > end
                {
                    return Poll::Ready(Some(Err(this.cut_off(cause))));
                }
                this.is_first = false;
                this.waiting = None;
                Poll::Ready(Some(item.map_err(Into::into)))
            }
            Poll::Ready(None) => {
                this.stream = None;
                this.timeout
                    .shared
                    .metrics
                    .within_limit
                    .increment_in(&this.ctx);
                this.record_duration();
                Poll::Ready(None)
            }
            Poll::Pending => this.poll_timer(cx).map(|error| Some(Err(error))),
        }
    }
}

impl<S, T, E> FusedStream for TimedStream<S>
where
    S: Stream<Item = std::result::Result<T, E>>,
    E: Into<Error>,
{
    fn is_terminated(&self) -> bool {
        self.stream.is_none()
    }
}

impl<S> TimedStream<S> {
    /// Ready with an error when time has run out while the stream had nothing.
    fn poll_timer(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        loop {
            let now = self.ctx.now();
            let Some((end, cause)) = self.end_of_waiting(now) else {
                return Poll::Pending;
            };
            // A timer that fires earlier is left as it is: moving it for each item would cost more
            // than finding out that it fired too soon.
            let is_soon_enough = self.armed.is_some_and(|armed| armed <= end);
            if !is_soon_enough && let Err(error) = self.arm(end, now) {
                self.stream = None;
                return Poll::Ready(error);
            }
            let Some(timer) = &mut self.timer else {
                // Armed just above.
                return Poll::Pending;
            };
            if poll_fired(timer.as_mut(), cx).is_pending() {
                return Poll::Pending;
            }
            if self.armed.is_none_or(|armed| armed >= end) {
                return Poll::Ready(self.cut_off(cause));
            }
            self.armed = None;
        }
    }

    fn arm(&mut self, end: Instant, now: Instant) -> Result<()> {
        let left = end.saturating_duration_since(now);
        match &mut self.timer {
            Some(timer) => rearm(timer.as_mut(), left),
            None => self.timer = Some(Box::pin(arm(left)?)),
        }
        self.armed = Some(end);
        Ok(())
    }

    /// What ends the wait for the next item, and when; the stream's own limit where two are one.
    fn end_of_waiting(&mut self, now: Instant) -> Option<(Instant, TimeoutCause)> {
        let waiting = *self.waiting.get_or_insert(now);
        let limits = &self.timeout.shared.limits;
        let own = if self.is_first {
            self.first.map(|end| (end, TimeoutCause::FirstItem))
        } else {
            let end = limits.idle.and_then(|idle| waiting.checked_add(idle));
            end.map(|end| (end, TimeoutCause::Idle))
        };
        match (own, self.end_of_all()) {
            (Some(own), Some(all)) => Some(if own.0 <= all.0 { own } else { all }),
            (own, all) => own.or(all),
        }
    }

    /// What ends the whole stream, and when.
    fn end_of_all(&self) -> Option<(Instant, TimeoutCause)> {
        let end = earlier(self.total, self.ctx.deadline())?;
        let cause = if self.total == Some(end) {
            TimeoutCause::Total
        } else {
            TimeoutCause::Deadline
        };
        Some((end, cause))
    }

    /// Counts, drops the stream and says why.
    fn cut_off(&mut self, cause: TimeoutCause) -> Error {
        let shared = &self.timeout.shared;
        shared.metrics.past(cause).increment_in(&self.ctx);
        self.record_duration();
        self.timer = None;
        let StreamLimits {
            first_item,
            idle,
            total,
        } = shared.limits;
        let name = &shared.name;
        let limit = |limit: Option<Duration>| limit.unwrap_or_default();
        let message = match cause {
            TimeoutCause::FirstItem => {
                format!("`{name}` gave no first item within {:?}", limit(first_item))
            }
            TimeoutCause::Idle => format!("`{name}` gave no next item within {:?}", limit(idle)),
            TimeoutCause::Total => format!("`{name}` did not end within {:?}", limit(total)),
            TimeoutCause::Deadline | TimeoutCause::Limit => {
                format!("`{name}` did not end within the deadline it inherited")
            }
        };
        // Last: its destructors may panic, and it must be gone then too.
        drop(self.stream.take());
        TimedOut::error(cause, message)
    }

    fn record_duration(&self) {
        let took = self.ctx.now().saturating_duration_since(self.begun);
        let metrics = &self.timeout.shared.metrics;
        metrics.duration.record_in(took, &self.ctx);
    }
}

impl<S> fmt::Debug for TimedStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimedStream")
            .field("name", &self.timeout.shared.name)
            .field("has_ended", &self.stream.is_none())
            .finish_non_exhaustive()
    }
}
