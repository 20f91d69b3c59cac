//! Running an operation under a limit.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::OnceLock;
use std::task::Poll;
use std::time::Duration;

use tta_core::{Canceller, Flow, IntoFlow, Moment, Observed, Primitive, Result, WorkflowContext};

use crate::bounds::{Bounds, millis};
use crate::catalog::{CANCEL_SPAN, EXECUTE_SPAN};
use crate::cause::{TimedOut, TimeoutCause};
use crate::config::TimeoutConfig;
use crate::metrics::Metrics;
use crate::policy::{Ending, FixedLimit, LimitPolicy};
use crate::timer::{arm, poll_fired, rearm};

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
/// Dropping the future drops the operation; that is no timeout and not counted as one. Work that an
/// operation with a grace period has moved to other tasks is told through the context's
/// [signal](WorkflowContext::cancelled) then too.
#[derive(Debug)]
pub struct TimeoutPrimitive<P, L = FixedLimit> {
    inner: P,
    config: TimeoutConfig<L>,
    name: String,
    /// Resolved at the first execution, when the primitive has its name.
    metrics: OnceLock<Metrics>,
}

impl<P: Primitive, L: LimitPolicy<P::Input>> TimeoutPrimitive<P, L> {
    /// Runs `inner` under a limit: a [`Duration`], or a [`TimeoutConfig`] for more than that.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](tta_core::ErrorKind::Configuration) for a limit of zero, a
    /// minimum above the limit, and what the [`LimitPolicy`] refuses. A [`Duration`] cannot be
    /// negative.
    pub fn new<F>(inner: F, config: impl Into<TimeoutConfig<L>>) -> Result<Flow<Observed<Self>>>
    where
        F: IntoFlow<Primitive = P, Input = P::Input, Output = P::Output>,
    {
        let inner = inner.into_flow().into_primitive();
        Ok(Flow::new(Self::around(inner, config.into())?))
    }

    pub(crate) fn around(inner: P, config: TimeoutConfig<L>) -> Result<Self> {
        Ok(Self {
            inner,
            config: config.validated::<P::Input>()?,
            name: "TimeoutPrimitive".to_owned(),
            metrics: OnceLock::new(),
        })
    }

    /// Runs the operation, and says by `past` whether this limit or deadline ended it: an error of the
    /// operation's own may look the same.
    #[inline]
    #[expect(
        clippy::manual_async_fn,
        reason = "a block leaves what it is given where it lies, and an `async fn` moves it first"
    )]
    pub(crate) fn attempt(
        &self,
        input: P::Input,
        ctx: &WorkflowContext,
        mut past: impl FnMut(TimeoutCause) + Send,
    ) -> impl Future<Output = Result<P::Output>> + Send {
        async move {
            let begun = ctx.step_begun();
            let config = &self.config;
            let limit = config.policy.limit(&input, ctx);
            let minimum = config.policy.minimum().max(config.minimum);
            let mut call = Call {
                timeout: self,
                metrics: self.metrics.get_or_init(|| Metrics::of(&self.name)),
                shares: P::IS_OBSERVED && begun.is_some(),
                bounds: Bounds::begin(limit, minimum, begun.unwrap_or_else(|| ctx.moment())),
                ctx,
            };
            call.bounds.end(config.grace, ctx);
            // What is around this sees to panics, so that nothing is needed where nothing is recorded.
            if ctx.is_sampled() {
                let call = &call;
                ctx.in_span_with(&EXECUTE_SPAN, move || call.run(input, past))
                    .await
            } else {
                call.run(input, &mut past).await
            }
        }
    }
}

impl<P: Primitive, L: LimitPolicy<P::Input>> Primitive for TimeoutPrimitive<P, L> {
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

    fn execute(
        &self,
        input: P::Input,
        ctx: &WorkflowContext,
    ) -> impl Future<Output = Result<P::Output>> + Send {
        self.attempt(input, ctx, |_| ())
    }
}

/// One execution.
struct Call<'a, P, L> {
    timeout: &'a TimeoutPrimitive<P, L>,
    metrics: &'a Metrics,
    /// Whether the operation begins and ends at the moments at which this does.
    shares: bool,
    bounds: Bounds,
    ctx: &'a WorkflowContext,
}

/// How an operation was late.
#[derive(Clone, Copy)]
enum Lateness {
    NotStarted,
    CutOff,
    Overran(Duration),
}

impl<P: Primitive, L: LimitPolicy<P::Input>> Call<'_, P, L> {
    /// Runs the operation and counts how it ended.
    #[inline]
    #[expect(
        clippy::manual_async_fn,
        reason = "a block leaves what it is given where it lies, and an `async fn` moves it first"
    )]
    fn run(
        &self,
        input: P::Input,
        mut past: impl FnMut(TimeoutCause) + Send,
    ) -> impl Future<Output = Result<P::Output>> + Send {
        async move {
            let Self {
                metrics,
                bounds,
                ctx,
                ..
            } = self;
            if ctx.is_sampled() {
                bounds.describe(self.timeout.config.grace, ctx);
            }
            if bounds.is_too_short() {
                past(bounds.cause);
                metrics.past(bounds.cause).increment_in(ctx);
                metrics.duration.record_in(Duration::ZERO, ctx);
                return self.late(Lateness::NotStarted);
            }
            let mut inner_ctx = None;
            let mut signal = Signal::default();
            if bounds.has_grace() {
                let (told, canceller) = ctx.cancellable();
                signal.canceller = Some(canceller);
                inner_ctx = Some(match bounds.deadline {
                    Some(deadline) => told.until(deadline),
                    None => told,
                });
            } else if let Some(deadline) = bounds.deadline {
                inner_ctx = Some(ctx.with_deadline(deadline));
            }
            let result = {
                let inner_ctx = inner_ctx.as_ref().unwrap_or(ctx);
                let mut operation = pin!(Some(self.timeout.inner.execute(input, inner_ctx)));
                let mut timer = pin!(None);
                let mut next = bounds.limit();
                if self.shares {
                    ctx.share_boundary();
                }
                // Most operations that are ready at once never see a timer, which costs more than
                // they do.
                let ended = poll_fn(|cx| {
                    loop {
                        if let Some(operation) = operation.as_mut().as_pin_mut()
                            && let Poll::Ready(result) = operation.poll(cx)
                        {
                            return Poll::Ready(Some(result));
                        }
                        let Some(end) = next else {
                            return Poll::Pending;
                        };
                        if timer.is_none() {
                            match arm(self.left_until(end)) {
                                Ok(armed) => timer.set(Some(armed)),
                                Err(error) => return Poll::Ready(Some(Err(error))),
                            }
                        }
                        let Some(armed) = timer.as_mut().as_pin_mut() else {
                            // Set just above.
                            return Poll::Pending;
                        };
                        if poll_fired(armed, cx).is_pending() {
                            return Poll::Pending;
                        }
                        if !signal.raise() {
                            return Poll::Ready(None);
                        }
                        // Told, the operation is asked at once: it may have nothing left to do.
                        next = bounds.stop();
                        if let (Some(stop), Some(armed)) = (next, timer.as_mut().as_pin_mut()) {
                            rearm(armed, self.left_until(stop));
                        }
                    }
                })
                .await;
                let was_told = bounds.has_grace() && signal.canceller.is_none();
                signal.canceller = None;
                match ended {
                    Some(Ok(output)) => self.answered(output, was_told, past),
                    Some(Err(error)) => {
                        self.observe(self.ended(), Ending::Error);
                        Err(error)
                    }
                    None => {
                        past(bounds.cause);
                        self.give_up(Lateness::CutOff, ctx.moment(), || operation.set(None))
                    }
                }
            };
            if let Some(inner_ctx) = inner_ctx {
                inner_ctx.give_back();
            }
            result
        }
    }

    /// How long until a point in time that is so long after the beginning.
    fn left_until(&self, end: Duration) -> Duration {
        let elapsed = self.bounds.elapsed(self.ctx.moment(), self.ctx);
        end.saturating_sub(Duration::from_nanos(elapsed))
    }

    /// When the operation ended, which has just given its answer.
    #[inline]
    fn ended(&self) -> Moment {
        let ended = self.ctx.step_ended().filter(|_| self.shares);
        ended.unwrap_or_else(|| self.ctx.moment())
    }

    /// Takes an answer that is in time.
    #[inline]
    fn answered(
        &self,
        output: P::Output,
        was_told: bool,
        mut past: impl FnMut(TimeoutCause),
    ) -> Result<P::Output> {
        let Self {
            metrics,
            bounds,
            ctx,
            ..
        } = self;
        let ended = self.ended();
        let elapsed = bounds.elapsed(ended, ctx);
        if !bounds.is_within_grace(elapsed) {
            past(bounds.cause);
            let took = Duration::from_nanos(ended.nanos_since(bounds.begun));
            return self.give_up(Lateness::Overran(took), ended, || drop(output));
        }
        let (counter, within) = if bounds.is_within_limit(elapsed) && !was_told {
            (&metrics.within_limit, "limit")
        } else {
            (&metrics.within_grace, "grace")
        };
        counter.increment_in(ctx);
        self.observe(ended, Ending::Success);
        if ctx.is_sampled() {
            ctx.set_attribute("timeout.within", within);
        }
        if self.shares {
            ctx.share_boundary();
        }
        Ok(output)
    }

    /// Counts an operation that ran out of time, and drops what is left of it: in this order, since
    /// its destructors may panic.
    #[cold]
    fn give_up(
        &self,
        lateness: Lateness,
        ended: Moment,
        drop_it: impl FnOnce(),
    ) -> Result<P::Output> {
        let Self {
            metrics,
            bounds,
            ctx,
            ..
        } = self;
        let overrun = bounds.overrun(bounds.elapsed(ended, ctx));
        metrics.past(bounds.cause).increment_in(ctx);
        self.observe(
            ended,
            match bounds.cause {
                TimeoutCause::Deadline => Ending::PastDeadline,
                _ => Ending::PastLimit,
            },
        );
        if overrun >= PROMPT || matches!(lateness, Lateness::Overran(_)) {
            ctx.set_attribute("timeout.overrun_ms", millis(overrun));
        }
        ctx.in_span_now(&CANCEL_SPAN, || {
            ctx.set_attribute("timeout.cause", bounds.cause.label());
            drop_it();
        });
        self.late(lateness)
    }

    #[inline]
    fn observe(&self, ended: Moment, ending: Ending) {
        let nanos = ended.nanos_since(self.bounds.begun);
        self.metrics.duration.record_nanos_in(nanos, self.ctx);
        let took = Duration::from_nanos(nanos);
        self.timeout.config.policy.observe(took, ending);
    }

    #[cold]
    fn late(&self, lateness: Lateness) -> Result<P::Output> {
        let Bounds {
            own,
            minimum,
            cause,
            ..
        } = &self.bounds;
        let grace = &self.timeout.config.grace;
        let operation = self.timeout.inner.name();
        let limit = match (cause, grace) {
            (TimeoutCause::Deadline, _) => {
                format!("the deadline it inherited, earlier than its own limit of {own:?}")
            }
            (_, &Duration::ZERO) => format!("its limit of {own:?}"),
            (_, grace) => format!("its limit of {own:?} and the grace period of {grace:?}"),
        };
        let left = self.bounds.left();
        let message = match lateness {
            Lateness::NotStarted if left.is_zero() => {
                format!("`{operation}` was not started: past {limit}")
            }
            Lateness::NotStarted => format!(
                "`{operation}` was not started: it needs {minimum:?}, and {left:?} is left of \
                 {limit}"
            ),
            Lateness::CutOff => format!("`{operation}` did not end within {limit}"),
            Lateness::Overran(took) => format!(
                "`{operation}` did not end within {limit}: it held its thread and ended after \
                 {took:?}, when it could be stopped no more"
            ),
        };
        Err(TimedOut::error(*cause, message))
    }
}

/// What tells the operation that it is past its limit, or that its caller has gone.
#[derive(Default)]
struct Signal {
    canceller: Option<Canceller>,
}

impl Signal {
    /// Tells the operation, if there is something to tell it with and it has not been told.
    fn raise(&mut self) -> bool {
        let canceller = self.canceller.take();
        if let Some(canceller) = &canceller {
            canceller.cancel();
        }
        canceller.is_some()
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        self.raise();
    }
}

/// How late a timer may be for no one to wonder.
const PROMPT: Duration = Duration::from_millis(5);
