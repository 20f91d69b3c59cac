//! Running an operation under a limit.

use std::future::poll_fn;
use std::panic::catch_unwind;
use std::pin::pin;
use std::sync::OnceLock;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::task::coop::unconstrained;
use tokio::time::Sleep;
use tta_core::{Error, ErrorKind, Flow, IntoFlow, Observed, Primitive, Result, WorkflowContext};

use crate::catalog::{CANCEL_SPAN, EXECUTE_SPAN};
use crate::config::TimeoutConfig;
use crate::metrics::Metrics;

/// Cuts an operation off when it takes too long.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_core::step;
/// use tta_timeout::{TimeoutConfig, TimeoutPrimitive};
///
/// let model = step("model", async |question: String| Ok(question.len()));
/// let config = TimeoutConfig::new(Duration::from_secs(2)).with_grace(Duration::from_millis(500));
/// let flow = TimeoutPrimitive::new(model, config)?;
/// # Ok::<(), tta_core::Error>(())
/// ```
///
/// # Cancellation
///
/// Dropping the future drops the operation; that is no timeout and not counted as one.
#[derive(Debug)]
pub struct TimeoutPrimitive<P> {
    inner: P,
    config: TimeoutConfig,
    name: String,
    /// Resolved at the first execution, when the primitive has its name.
    metrics: OnceLock<Metrics>,
}

impl<P: Primitive> TimeoutPrimitive<P> {
    /// Runs `inner` under a limit: a [`Duration`], or a [`TimeoutConfig`] for more than that.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for a limit of zero. A [`Duration`] cannot be negative.
    pub fn new<F>(inner: F, config: impl Into<TimeoutConfig>) -> Result<Flow<Observed<Self>>>
    where
        F: IntoFlow<Primitive = P, Input = P::Input, Output = P::Output>,
    {
        Ok(Flow::new(Self {
            inner: inner.into_flow().into_primitive(),
            config: config.into().validated()?,
            name: "TimeoutPrimitive".to_owned(),
            metrics: OnceLock::new(),
        }))
    }

    /// Runs the operation and counts how it ended.
    async fn run(
        &self,
        input: P::Input,
        ctx: &WorkflowContext,
        bounds: &Bounds,
    ) -> Result<P::Output> {
        bounds.describe(self.config, ctx);
        let metrics = self.metrics();
        if bounds.stop.is_some_and(|stop| stop <= bounds.begun) {
            metrics.past_deadline.increment_in(ctx);
            metrics.duration.record_in(Duration::ZERO, ctx);
            return Err(self.out_of_time(bounds, Lateness::NotStarted));
        }
        let limited = bounds.limit.map(|limit| ctx.with_deadline(limit));
        let inner_ctx = limited.as_ref().unwrap_or(ctx);
        let mut operation = pin!(Some(self.inner.execute(input, inner_ctx)));
        let mut timer = pin!(None);
        // Most operations that are ready at once never see a timer, which costs more than they do.
        let ended = poll_fn(|cx| {
            if let Some(operation) = operation.as_mut().as_pin_mut()
                && let Poll::Ready(result) = operation.poll(cx)
            {
                return Poll::Ready(result.map(Some));
            }
            let Some(stop) = bounds.stop else {
                return Poll::Pending;
            };
            if timer.is_none() {
                let left = stop.saturating_duration_since(ctx.now());
                // An operation that uses up the task's budget must not keep the timer from firing.
                timer.set(Some(unconstrained(arm(left)?)));
            }
            match timer.as_mut().as_pin_mut() {
                Some(timer) => timer.poll(cx).map(|()| Ok(None)),
                // Set just above.
                None => Poll::Pending,
            }
        })
        .await;

        let now = ctx.now();
        let took = now.saturating_duration_since(bounds.begun);
        match ended {
            Ok(Some(output)) if bounds.is_within_limit(now) => {
                metrics.within_limit.increment_in(ctx);
                metrics.duration.record_in(took, ctx);
                ctx.set_attribute("timeout.within", "limit");
                Ok(output)
            }
            Ok(Some(output)) if bounds.is_within_grace(now) => {
                metrics.within_grace.increment_in(ctx);
                metrics.duration.record_in(took, ctx);
                ctx.set_attribute("timeout.within", "grace");
                Ok(output)
            }
            Ok(output) => {
                // Counted before the operation is dropped: its destructors may panic.
                metrics.past(bounds.cause).increment_in(ctx);
                metrics.duration.record_in(took, ctx);
                let lateness = match output {
                    Some(_) => Lateness::Overran(took),
                    None => Lateness::CutOff,
                };
                ctx.in_span_now(&CANCEL_SPAN, || {
                    ctx.set_attribute("timeout.cause", bounds.cause.as_str());
                    drop(output);
                    operation.set(None);
                });
                Err(self.out_of_time(bounds, lateness))
            }
            Err(error) => {
                metrics.duration.record_in(took, ctx);
                Err(error)
            }
        }
    }

    fn metrics(&self) -> &Metrics {
        self.metrics.get_or_init(|| Metrics::of(&self.name))
    }

    fn out_of_time(&self, bounds: &Bounds, lateness: Lateness) -> Error {
        let operation = self.inner.name();
        let limit = match (bounds.cause, self.config.grace) {
            (Cause::Deadline, _) => {
                let limit = self.config.limit;
                format!("the deadline it inherited, earlier than its own limit of {limit:?}")
            }
            (Cause::Limit, Duration::ZERO) => format!("its limit of {:?}", self.config.limit),
            (Cause::Limit, grace) => {
                let limit = self.config.limit;
                format!("its limit of {limit:?} and the grace period of {grace:?}")
            }
        };
        let message = match lateness {
            Lateness::NotStarted => format!("`{operation}` was not started: past {limit}"),
            Lateness::CutOff => format!("`{operation}` did not end within {limit}"),
            Lateness::Overran(took) => format!(
                "`{operation}` did not end within {limit}: it held its thread and ended after \
                 {took:?}, when it could be stopped no more"
            ),
        };
        Error::new(ErrorKind::Timeout, message)
    }
}

impl<P: Primitive> Primitive for TimeoutPrimitive<P> {
    type Input = P::Input;
    type Output = P::Output;

    fn name(&self) -> &str {
        &self.name
    }

    fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        self.metrics = OnceLock::new();
    }

    fn depth(&self) -> usize {
        self.inner.depth() + 1
    }

    fn is_idempotent(&self) -> bool {
        self.inner.is_idempotent()
    }

    async fn execute(&self, input: P::Input, ctx: &WorkflowContext) -> Result<P::Output> {
        let bounds = Bounds::new(self.config, ctx);
        ctx.in_span(&EXECUTE_SPAN, self.run(input, ctx, &bounds))
            .await
    }
}

/// The points in time that matter to one execution.
struct Bounds {
    begun: Instant,
    /// The operation's deadline; none if it lies beyond the end of time.
    limit: Option<Instant>,
    /// When the operation is dropped.
    stop: Option<Instant>,
    cause: Cause,
}

/// What the time runs out by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// The limit of this primitive.
    Limit,
    /// An earlier deadline of the context.
    Deadline,
}

/// How an operation was late.
#[derive(Clone, Copy)]
enum Lateness {
    NotStarted,
    CutOff,
    Overran(Duration),
}

impl Bounds {
    fn new(config: TimeoutConfig, ctx: &WorkflowContext) -> Self {
        let begun = ctx.now();
        let own = begun.checked_add(config.limit);
        let own_stop = own.and_then(|limit| limit.checked_add(config.grace));
        let earlier = |own: Option<Instant>| match (own, ctx.deadline()) {
            (Some(own), Some(inherited)) => Some(own.min(inherited)),
            (own, inherited) => own.or(inherited),
        };
        let limit = earlier(own);
        Self {
            begun,
            limit,
            stop: earlier(own_stop),
            cause: if limit == own {
                Cause::Limit
            } else {
                Cause::Deadline
            },
        }
    }

    fn is_within_limit(&self, at: Instant) -> bool {
        self.limit.is_none_or(|limit| at <= limit)
    }

    fn is_within_grace(&self, at: Instant) -> bool {
        self.stop.is_none_or(|stop| at <= stop)
    }

    fn describe(&self, config: TimeoutConfig, ctx: &WorkflowContext) {
        if !ctx.is_sampled() {
            return;
        }
        ctx.set_attribute("timeout.limit_ms", millis(config.limit));
        ctx.set_attribute("timeout.deadline_inherited", self.cause == Cause::Deadline);
        if !config.grace.is_zero() {
            ctx.set_attribute("timeout.grace_ms", millis(config.grace));
        }
        if let Some(stop) = self.stop {
            let budget = stop.saturating_duration_since(self.begun);
            ctx.set_attribute("timeout.budget_ms", millis(budget));
        }
    }
}

impl Cause {
    fn as_str(self) -> &'static str {
        match self {
            Self::Limit => "limit",
            Self::Deadline => "deadline",
        }
    }
}

/// A timer, or an error that says what is missing where tokio would panic.
fn arm(left: Duration) -> Result<Sleep> {
    let armed = Handle::try_current()
        .ok()
        // A runtime that was built without its timer panics here, and there is no way to ask it.
        .and_then(|_| catch_unwind(|| tokio::time::sleep(left)).ok());
    armed.ok_or_else(|| {
        Error::new(
            ErrorKind::Configuration,
            "a timeout needs a tokio runtime with its timer on; run the flow inside one, built \
             with `enable_time` or `enable_all`",
        )
    })
}

/// Whole milliseconds, rounded up so that a limit is never shown as nothing.
fn millis(duration: Duration) -> u64 {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).unwrap_or(u64::MAX)
}
