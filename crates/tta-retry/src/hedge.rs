//! Asking twice when the first answer takes long.

mod config;
mod latency;
mod metrics;

pub use config::HedgeConfig;

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tta_core::{Error, Flow, IntoFlow, Observed, Primitive, Result, WorkflowContext};

use self::latency::Latency;
use self::metrics::HedgeMetrics;
use crate::budget::RetryBudget;
use crate::catalog::{CANCEL_SPAN, HEDGE_SPAN};
use crate::config::refuse_non_idempotent;
use crate::wait::{arm, millis};

/// Starts a second attempt when the first one takes longer than most, and answers with the first
/// answer.
///
/// An attempt that fails while the other one runs does not decide: the other one may still answer.
/// If both fail, the error is the first attempt's, with the second's as a related one. An attempt
/// that fails before a second one is due is not repeated; that is what a retry is for. The input is
/// cloned for every execution.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_core::step;
/// use tta_retry::{HedgeConfig, HedgePrimitive};
///
/// let search = step("search", async |query: String| Ok(query.len()));
/// let flow = HedgePrimitive::new(search, HedgeConfig::new(Duration::from_millis(200)))?;
/// assert_eq!(flow.delay(), Duration::from_millis(200));
/// # Ok::<(), tta_core::Error>(())
/// ```
///
/// # Cancellation
///
/// The attempt that loses is dropped; what it has reported as its cost stays charged. Dropping the
/// future drops both, and is counted by none of the hedge's own metrics.
///
/// # Source
///
/// [The Tail at Scale](https://research.google/pubs/the-tail-at-scale/), Dean and Barroso, 2013.
#[derive(Debug)]
pub struct HedgePrimitive<P> {
    inner: P,
    config: HedgeConfig,
    budget: RetryBudget,
    latency: Option<Latency>,
    name: String,
    /// Resolved at the first execution, when the primitive has its name.
    metrics: OnceLock<HedgeMetrics>,
}

impl<P: Primitive> HedgePrimitive<P>
where
    P::Input: Clone,
{
    /// Hedges `inner` as the [`HedgeConfig`] says.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](tta_core::ErrorKind::Configuration) for a flow that is
    /// [marked](Flow::non_idempotent) non-idempotent or holds one that is, for a delay of zero, a
    /// percentile that is none, or a cost below zero.
    pub fn new<F>(inner: F, config: HedgeConfig) -> Result<Flow<Observed<Self>>>
    where
        F: IntoFlow<Primitive = P, Input = P::Input, Output = P::Output>,
    {
        let inner = inner.into_flow().into_primitive();
        refuse_non_idempotent(inner.is_idempotent(), inner.name(), "hedged")?;
        let config = config.validated()?;
        let latency = config.min_samples;
        Ok(Flow::new(Self {
            inner,
            budget: config
                .budget
                .clone()
                .unwrap_or_else(RetryBudget::for_hedges),
            latency: latency.map(|samples| Latency::new(config.percentile, samples)),
            config,
            name: "HedgePrimitive".to_owned(),
            metrics: OnceLock::new(),
        }))
    }

    /// How long the first attempt is given at present.
    pub fn delay(&self) -> Duration {
        self.due().0
    }

    fn due(&self) -> (Duration, &'static str) {
        match &self.latency {
            None => (self.config.initial_delay, "fixed"),
            Some(latency) => match latency.percentile() {
                Some(delay) => (delay, "percentile"),
                None => (self.config.initial_delay, "initial"),
            },
        }
    }

    async fn run(&self, input: P::Input, ctx: &WorkflowContext) -> Result<P::Output> {
        let metrics = self.metrics.get_or_init(|| HedgeMetrics::of(&self.name));
        let begun = ctx.now();
        self.budget.deposit(begun);
        let (delay, reason) = self.due();
        let spare = input.clone();
        let (ctx_one, ctx_two) = (ctx.metered(), ctx.metered());
        let mut one = pin!(Some(self.attempt(input, &ctx_one, None)));
        if let Some(result) = self.alone(one.as_mut(), delay, ctx).await? {
            metrics.not_hedged.increment_in(ctx);
            self.learn(result.is_ok(), begun, ctx);
            return result;
        }
        metrics.delay.record_in(delay, ctx);
        if !self.budget.withdraw(ctx.now()) {
            metrics.budget.increment_in(ctx);
            let result = poll_fn(|cx| poll(one.as_mut(), cx)).await;
            self.learn(result.is_ok(), begun, ctx);
            return result;
        }
        let mut two = pin!(Some(self.attempt(spare, &ctx_two, Some((delay, reason)))));
        let (mut one_failed, mut two_failed) = (None, None);
        let winner = poll_fn(|cx| {
            if let Poll::Ready(result) = poll(one.as_mut(), cx) {
                match result {
                    Ok(output) => return Poll::Ready(Some((Winner::First, output))),
                    Err(error) => one_failed = Some(error),
                }
                one.set(None);
            }
            if let Poll::Ready(result) = poll(two.as_mut(), cx) {
                match result {
                    Ok(output) => return Poll::Ready(Some((Winner::Second, output))),
                    Err(error) => two_failed = Some(error),
                }
                two.set(None);
            }
            if one_failed.is_some() && two_failed.is_some() {
                return Poll::Ready(None);
            }
            Poll::Pending
        })
        .await;

        match (winner, one_failed, two_failed) {
            (Some((Winner::First, output)), _, two_failed) => {
                metrics.first.increment_in(ctx);
                self.learn(true, begun, ctx);
                let is_cancelled = two_failed.is_none();
                self.charge(2, is_cancelled, &ctx_two, metrics, || two.set(None));
                Ok(output)
            }
            (Some((Winner::Second, output)), one_failed, _) => {
                metrics.second.increment_in(ctx);
                // It would have taken longer still, which is beyond the percentile either way.
                self.learn(one_failed.is_none(), begun, ctx);
                let is_cancelled = one_failed.is_none();
                self.charge(1, is_cancelled, &ctx_one, metrics, || one.set(None));
                Ok(output)
            }
            (None, Some(error), Some(second)) => {
                metrics.failed.increment_in(ctx);
                Err(error.with_related(second))
            }
            // There is a winner unless both failed.
            (None, ..) => Err(Error::msg("neither attempt of a hedge has ended")),
        }
    }

    async fn attempt(
        &self,
        input: P::Input,
        ctx: &WorkflowContext,
        hedge: Option<(Duration, &'static str)>,
    ) -> Result<P::Output> {
        let attempt = move || async move {
            if ctx.is_sampled() {
                ctx.set_attribute("hedge.attempt", if hedge.is_none() { 1_u64 } else { 2 });
                if let Some((delay, reason)) = hedge {
                    ctx.set_attribute("hedge.delay_ms", millis(delay));
                    ctx.set_attribute("hedge.delay_reason", reason);
                }
            }
            self.inner.execute(input, ctx).await
        };
        ctx.in_span_with(&HEDGE_SPAN, attempt).await
    }

    /// How the first attempt ended, unless a second one is due before that.
    async fn alone<F>(
        &self,
        mut first: Pin<&mut Option<F>>,
        delay: Duration,
        ctx: &WorkflowContext,
    ) -> Result<Option<Result<P::Output>>>
    where
        F: Future<Output = Result<P::Output>>,
    {
        // Nobody would wait for an attempt that begins past the deadline.
        let is_possible = ctx.remaining().is_none_or(|left| delay < left);
        let mut timer = pin!(None);
        poll_fn(|cx| {
            if let Poll::Ready(result) = poll(first.as_mut(), cx) {
                return Poll::Ready(Ok(Some(result)));
            }
            if !is_possible {
                return Poll::Pending;
            }
            if timer.is_none() {
                timer.set(Some(arm(delay, "a hedge around what has to wait")?));
            }
            match timer.as_mut().as_pin_mut() {
                Some(timer) => timer.poll(cx).map(|()| Ok(None)),
                // Set just above.
                None => Poll::Pending,
            }
        })
        .await
    }

    /// Notes how long the first attempt took.
    fn learn(&self, counts: bool, begun: Instant, ctx: &WorkflowContext) {
        if let (true, Some(latency)) = (counts, &self.latency) {
            latency.record(ctx.now().saturating_duration_since(begun));
        }
    }

    /// Accounts for the attempt that lost, and drops it if it still runs.
    fn charge(
        &self,
        number: u64,
        is_cancelled: bool,
        loser: &WorkflowContext,
        metrics: &HedgeMetrics,
        drop_it: impl FnOnce(),
    ) {
        if let (true, None, Some(usd)) = (
            is_cancelled,
            loser.usage().cost_nano_usd,
            self.config.cost_per_call,
        ) {
            loser.report_cost(usd);
        }
        let usage = loser.usage();
        metrics.wasted.add(usage.cost_usd().unwrap_or_default());
        loser.in_span_now(&CANCEL_SPAN, || {
            if loser.is_sampled() {
                let tokens = usage.input_tokens.saturating_add(usage.output_tokens);
                loser.set_attribute("hedge.attempt", number);
                loser.set_attribute("hedge.wasted_tokens", tokens);
                if let Some(usd) = usage.cost_usd() {
                    loser.set_attribute("hedge.wasted_cost_usd", usd);
                }
            }
            drop_it();
        });
    }
}

impl<P: Primitive> Primitive for HedgePrimitive<P>
where
    P::Input: Clone,
{
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
        self.run(input, ctx)
    }
}

enum Winner {
    First,
    Second,
}

/// Pending where there is nothing to poll any more.
fn poll<F: Future>(future: Pin<&mut Option<F>>, cx: &mut Context<'_>) -> Poll<F::Output> {
    match future.as_pin_mut() {
        Some(future) => future.poll(cx),
        None => Poll::Pending,
    }
}
