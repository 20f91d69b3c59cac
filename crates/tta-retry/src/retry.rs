//! Running a step again when it fails.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tta_core::{Error, ErrorKind, Flow, IntoFlow, Observed, Primitive, Result, WorkflowContext};

use crate::budget::RetryBudget;
use crate::catalog::ATTEMPT_SPAN;
use crate::config::{RetryConfig, refuse_non_idempotent};
use crate::metrics::Metrics;
use crate::outcome::{Outcome, Stop};
use crate::policy::{FailedAttempt, RetryDecision};
use crate::random::Random;
use crate::wait::{arm, millis};

/// Runs a step again when it fails in a way that may pass.
///
/// The input is cloned for every attempt but the last one allowed.
///
/// # Examples
///
/// ```
/// use tta_core::step;
/// use tta_retry::{RetryConfig, RetryPrimitive};
///
/// let model = step("model", async |question: String| Ok(question.len()));
/// let flow = RetryPrimitive::new(model, RetryConfig::llm())?;
/// # Ok::<(), tta_core::Error>(())
/// ```
///
/// # Cancellation
///
/// Dropping the future drops the attempt or the wait that is under way. It is counted as cancelled
/// by `primitive_executions_total` and by none of the retry's own metrics; what the budget gave for
/// the attempts so far stays spent, since they were made.
#[derive(Debug)]
pub struct RetryPrimitive<P> {
    inner: P,
    config: RetryConfig,
    budget: Option<RetryBudget>,
    random: Random,
    name: String,
    /// Resolved at the first execution, when the primitive has its name.
    metrics: OnceLock<Metrics>,
}

impl<P: Primitive> RetryPrimitive<P>
where
    P::Input: Clone,
{
    /// Runs `inner` again as the [`RetryConfig`] says; a number stands for that many retries.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for a flow that is [marked](Flow::non_idempotent)
    /// non-idempotent or holds one that is, and for a backoff that cannot be.
    pub fn new<F>(inner: F, config: impl Into<RetryConfig>) -> Result<Flow<Observed<Self>>>
    where
        F: IntoFlow<Primitive = P, Input = P::Input, Output = P::Output>,
    {
        let inner = inner.into_flow().into_primitive();
        refuse_non_idempotent(inner.is_idempotent(), inner.name(), "retried")?;
        let config = config.into().validated()?;
        Ok(Flow::new(Self {
            inner,
            budget: config.budget.resolved(),
            random: Random::new(config.seed),
            config,
            name: "RetryPrimitive".to_owned(),
            metrics: OnceLock::new(),
        }))
    }

    /// Makes attempts until one succeeds or none may follow.
    async fn run(&self, input: P::Input, ctx: &WorkflowContext) -> Result<P::Output> {
        let metrics = self.metrics.get_or_init(|| Metrics::of(&self.name));
        let mut progress = Progress::new(ctx.now());
        if ctx.remaining().is_some_and(|left| left.is_zero()) {
            metrics.ended(Outcome::Exhausted).increment_in(ctx);
            return Err(self.not_begun());
        }
        if let Some(budget) = &self.budget {
            budget.deposit(progress.begun);
        }
        let mut input = input;
        loop {
            let (given, kept) = if progress.number > self.config.max_retries {
                (input, None)
            } else {
                (input.clone(), Some(input))
            };
            let (error, next) = match self.attempt(given, ctx, &progress).await {
                (Ok(output), _) => {
                    let outcome = match progress.number {
                        1 => Outcome::FirstTry,
                        _ => Outcome::Recovered,
                    };
                    metrics.end(outcome, progress.number, ctx);
                    return Ok(output);
                }
                (Err(error), next) => (error, next),
            };
            let pause = match (next, kept) {
                (Ok(pause), Some(kept)) => {
                    input = kept;
                    pause
                }
                (next, _) => {
                    let stop = next.err().unwrap_or(Stop::Attempts);
                    metrics.end(stop.outcome(), progress.number, ctx);
                    return Err(progress.give_up(error, stop));
                }
            };
            if let Err(missing) = pause.wait(ctx, metrics).await {
                metrics.end(Outcome::NotRetryable, progress.number, ctx);
                return Err(missing.with_related(error));
            }
            // A timer may fire late.
            if let Some(stop) = self.past_deadline(Duration::ZERO, ctx) {
                metrics.end(stop.outcome(), progress.number, ctx);
                return Err(progress.give_up(error, stop));
            }
            progress.failed(error, pause);
        }
    }

    /// Makes one attempt, and decides what follows if it fails.
    async fn attempt(
        &self,
        input: P::Input,
        ctx: &WorkflowContext,
        progress: &Progress,
    ) -> (Result<P::Output>, Result<Pause, Stop>) {
        let mut next = Err(Stop::NotRetryable);
        let decided = &mut next;
        let attempt = move || async move {
            progress.describe(self.config.max_retries, ctx);
            let result = self.inner.execute(input, ctx).await;
            if let Err(error) = &result {
                *decided = self.decide(error, progress, ctx);
                if ctx.is_sampled() {
                    describe_decision(decided, ctx);
                }
            }
            result
        };
        let result = ctx.in_span_with(&ATTEMPT_SPAN, attempt).await;
        (result, next)
    }

    /// How long to wait before the next attempt, or why there is none.
    fn decide(
        &self,
        error: &Error,
        progress: &Progress,
        ctx: &WorkflowContext,
    ) -> Result<Pause, Stop> {
        let may_help = match &self.config.policy {
            Some(_) => error.marked_retryable() != Some(false),
            None => error.is_retryable(),
        };
        if !may_help {
            return Err(Stop::NotRetryable);
        }
        if progress.number > self.config.max_retries {
            return Err(Stop::Attempts);
        }
        let pause = self.pause(error, progress, ctx)?;
        if let Some(stop) = self.past_deadline(pause.wait, ctx) {
            return Err(stop);
        }
        match &self.budget {
            Some(budget) if !budget.withdraw(ctx.now()) => Err(Stop::Budget {
                share: budget.share(),
                floor: budget.floor(),
            }),
            _ => Ok(pause),
        }
    }

    /// How long the policy, the other side or the backoff says to wait, in this order.
    fn pause(
        &self,
        error: &Error,
        progress: &Progress,
        ctx: &WorkflowContext,
    ) -> Result<Pause, Stop> {
        let backoff = &self.config.backoff;
        let own = backoff.wait(progress.number, progress.last_backoff, &self.random);
        let of = |wait, reason| Pause {
            wait,
            reason,
            backoff: own,
        };
        if let Some(policy) = &self.config.policy {
            let failed = FailedAttempt {
                number: progress.number,
                error,
                elapsed: ctx.now().saturating_duration_since(progress.begun),
                backoff: own,
            };
            // What a policy that panicked has changed is its own to guard.
            let decision = catch_unwind(AssertUnwindSafe(|| policy.decide(&failed, ctx)));
            match decision.map_err(|_| Stop::PolicyPanicked)? {
                RetryDecision::Retry => {}
                RetryDecision::RetryAfter(wait) => return Ok(of(wait, "policy")),
                RetryDecision::Stop => return Err(Stop::NotRetryable),
            }
        }
        let most = self.config.max_retry_after;
        match error.retry_after() {
            None => Ok(of(own, "backoff")),
            Some(asked) if asked > most => Err(Stop::RetryAfter { asked, most }),
            Some(asked) => {
                let least = asked.max(backoff.base());
                let wait = least.saturating_add(backoff.spread(&self.random));
                Ok(of(wait, "retry_after"))
            }
        }
    }

    /// Why an attempt after this wait cannot end before the deadline, if it cannot.
    fn past_deadline(&self, wait: Duration, ctx: &WorkflowContext) -> Option<Stop> {
        let left = ctx.remaining()?;
        let least = self.config.attempt_time.max(SHORTEST);
        (wait.saturating_add(least) > left).then_some(Stop::Deadline { wait, left })
    }

    fn not_begun(&self) -> Error {
        let inner = self.inner.name();
        let message = format!("`{inner}` was not started: past the deadline it inherited");
        Error::new(ErrorKind::Timeout, message)
    }
}

impl<P: Primitive> Primitive for RetryPrimitive<P>
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

/// How far an execution has come.
struct Progress {
    begun: Instant,
    /// Which attempt it is, counted from 1.
    number: u32,
    /// What was waited before it.
    pause: Option<Pause>,
    last_backoff: Option<Duration>,
    /// How the attempts before it failed; the first ones, if there are many.
    earlier: Vec<Error>,
}

/// A wait before an attempt.
#[derive(Clone, Copy)]
struct Pause {
    wait: Duration,
    reason: &'static str,
    /// What the backoff alone would have waited, from which the next one grows.
    backoff: Duration,
}

impl Progress {
    const fn new(begun: Instant) -> Self {
        Self {
            begun,
            number: 1,
            pause: None,
            last_backoff: None,
            earlier: Vec::new(),
        }
    }

    fn failed(&mut self, error: Error, pause: Pause) {
        if self.earlier.len() < MOST_KEPT {
            self.earlier.push(error);
        }
        self.number = self.number.saturating_add(1);
        self.last_backoff = Some(pause.backoff);
        self.pause = Some(pause);
    }

    /// The last error, with all that came before it and why nothing came after.
    fn give_up(self, last: Error, stop: Stop) -> Error {
        let next = self.number.saturating_add(1);
        let before = self.number.saturating_sub(1) as usize;
        let forgotten = before.saturating_sub(self.earlier.len());
        let mut error = last;
        for earlier in self.earlier {
            error = error.with_related(earlier);
        }
        if forgotten > 0 {
            let message = format!("{forgotten} more attempts failed");
            error = error.with_related(Error::msg(message));
        }
        match stop.note(next) {
            Some(note) => error.with_related(note),
            None => error,
        }
    }

    fn describe(&self, max_retries: u32, ctx: &WorkflowContext) {
        if !ctx.is_sampled() {
            return;
        }
        ctx.set_attribute("retry.attempt", u64::from(self.number));
        let most = u64::from(max_retries) + 1;
        ctx.set_attribute("retry.max_attempts", most);
        if let Some(pause) = &self.pause {
            ctx.set_attribute("retry.backoff_ms", millis(pause.wait));
            ctx.set_attribute("retry.wait_reason", pause.reason);
        }
    }
}

impl Pause {
    async fn wait(&self, ctx: &WorkflowContext, metrics: &Metrics) -> Result<()> {
        let begun = ctx.now();
        if !self.wait.is_zero() {
            arm(self.wait, "a retry that waits")?.await;
        }
        let waited = ctx.now().saturating_duration_since(begun);
        metrics.backoff.record_in(waited, ctx);
        Ok(())
    }
}

impl Metrics {
    fn end(&self, outcome: Outcome, attempts: u32, ctx: &WorkflowContext) {
        self.ended(outcome).increment_in(ctx);
        self.attempts.record_value(f64::from(attempts));
    }
}

fn describe_decision(next: &Result<Pause, Stop>, ctx: &WorkflowContext) {
    match next {
        Ok(pause) => {
            ctx.set_attribute("retry.decision", "retry");
            ctx.set_attribute("retry.next_backoff_ms", millis(pause.wait));
        }
        Err(stop) => ctx.set_attribute("retry.decision", stop.as_str()),
    }
}

/// An attempt takes some time, however little.
const SHORTEST: Duration = Duration::from_nanos(1);

/// How many errors of earlier attempts are kept; whoever retries more often has seen enough of them.
const MOST_KEPT: usize = 32;
