//! The breaker itself, which several primitives may share.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tta_core::{
    Attribute, Clock, Error, ErrorKind, Level, LogField, LogRecord, Result, Value, WorkflowContext,
    log_globally,
};

use crate::catalog::{EXECUTION_SPAN, STATE_CHANGED};
use crate::config::{CircuitBreakerConfig, Predicate};
use crate::failure::{LastFailure, Verdict};
use crate::gate::Gate;
use crate::machine::Ticket;
use crate::metrics::Metrics;
use crate::permit::Permit;
use crate::state::{Change, CircuitState, Refusal};

/// A circuit breaker: a handle to its state, which clones share.
///
/// Give clones of one breaker to all primitives that call the same service, or ask it for
/// [permits](Self::acquire) where no primitive stands.
///
/// # Examples
///
/// ```
/// use tta_breaker::{CircuitBreaker, CircuitBreakerConfig, CircuitBreakerExt, CircuitState};
/// use tta_core::step;
///
/// let provider = CircuitBreaker::new("provider", CircuitBreakerConfig::llm())?;
/// let chat = step("chat", async |question: String| Ok(question)).circuit_breaker(provider.clone())?;
/// let embed = step("embed", async |text: String| Ok(text.len())).circuit_breaker(provider.clone())?;
///
/// provider.isolate(); // neither is called from here on
/// assert_eq!(chat.breaker().state(), CircuitState::Isolated);
/// provider.reset();
/// # Ok::<(), tta_core::Error>(())
/// ```
#[derive(Clone)]
pub struct CircuitBreaker {
    inner: Arc<Inner>,
}

struct Inner {
    gate: Gate,
    counts: Arc<Predicate>,
    clock: Clock,
    name: Mutex<String>,
    /// Resolved when the breaker is first used, and has its name.
    metrics: OnceLock<Metrics>,
    last: Mutex<Option<LastFailure>>,
}

impl CircuitBreaker {
    /// A closed breaker of this name, which is the `primitive` label of its metrics.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for a breaker that could not open, or not close again.
    pub fn new(name: impl Into<String>, config: CircuitBreakerConfig) -> Result<Self> {
        let CircuitBreakerConfig {
            criteria,
            counts,
            clock,
        } = config.validated()?;
        let inner = Inner {
            gate: Gate::new(criteria, clock()),
            counts,
            clock,
            name: Mutex::new(name.into()),
            metrics: OnceLock::new(),
            last: Mutex::new(None),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Where the breaker stands. One whose wait is over is open until the next call.
    pub fn state(&self) -> CircuitState {
        self.inner.gate.state()
    }

    /// The failure that was counted last, since the breaker was made or reset.
    pub fn last_failure(&self) -> Option<LastFailure> {
        self.last().clone()
    }

    /// The right to one call, where no primitive asks for it.
    ///
    /// # Cancellation
    ///
    /// A permit that is dropped is a call that was given up: it counts for nothing, and the probe
    /// that it may have been is free for the next caller.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rejected`], with the [last failure](LastFailure) as its source and, where it is
    /// known, what is left of the wait as its `retry_after`.
    #[inline]
    pub fn acquire(&self) -> Result<Permit<'_>> {
        let ticket = self.admit(self.inner.clock, None)?;
        Ok(Permit::new(Cow::Borrowed(self), ticket))
    }

    /// The same as [`acquire`](Self::acquire), for a permit that outlives the handle: one that
    /// goes to another task, or lives as long as a stream.
    ///
    /// # Errors
    ///
    /// As for [`acquire`](Self::acquire).
    pub fn acquire_owned(&self) -> Result<Permit<'static>> {
        let ticket = self.admit(self.inner.clock, None)?;
        Ok(Permit::new(Cow::Owned(self.clone()), ticket))
    }

    /// The right to one call in a workflow, by whose clock it goes.
    #[inline]
    pub(crate) fn acquire_in(&self, ctx: &WorkflowContext) -> Result<Permit<'_>> {
        let ticket = self.admit(|| ctx.now(), Some(ctx))?;
        Ok(Permit::new(Cow::Borrowed(self), ticket))
    }

    /// Opens the breaker until it is [reset](Self::reset). What calls under way answer counts no
    /// more.
    pub fn isolate(&self) {
        self.metrics();
        if let Some(change) = self.inner.gate.isolate() {
            self.tell(&change, None);
        }
    }

    /// Closes the breaker and forgets what it has seen. What calls under way answer counts no more.
    pub fn reset(&self) {
        self.metrics();
        *self.last() = None;
        let change = self.inner.gate.reset((self.inner.clock)());
        self.tell(&change, None);
    }

    /// The breaker under another name, if it has not been used under its own.
    pub(crate) fn rename(&self, name: &str) {
        name.clone_into(&mut *locked(&self.inner.name));
    }

    /// Whether nobody holds another handle.
    pub(crate) fn is_unshared(&self) -> bool {
        Arc::strong_count(&self.inner) == 1
    }

    pub(crate) fn name(&self) -> String {
        locked(&self.inner.name).clone()
    }

    #[inline]
    pub(crate) fn settle(
        &self,
        ticket: &Ticket,
        verdict: Verdict,
        now: impl FnOnce() -> Instant,
        ctx: Option<&WorkflowContext>,
    ) {
        if let Some(change) = self.inner.gate.settle(ticket, verdict, now) {
            self.tell(&change, ctx);
        }
    }

    /// The verdict on the result of a ticket's call. An error that counts is kept, unless it is
    /// late.
    #[inline]
    pub(crate) fn judge<T>(&self, ticket: &Ticket, result: &Result<T>) -> Verdict {
        let verdict = Verdict::on(result, |error| (self.inner.counts)(error));
        if let (Verdict::Failure { .. }, Err(error)) = (verdict, result)
            && self.inner.gate.is_current(ticket)
        {
            let failure = LastFailure::of(error);
            *self.last() = Some(failure);
        }
        verdict
    }

    #[inline]
    pub(crate) fn clock(&self) -> Clock {
        self.inner.clock
    }

    #[inline]
    fn admit(
        &self,
        now: impl FnOnce() -> Instant,
        ctx: Option<&WorkflowContext>,
    ) -> Result<Ticket> {
        self.metrics();
        let (ticket, change) = self.inner.gate.admit(now);
        if let Some(change) = change {
            self.tell(&change, ctx);
        }
        ticket.map_err(|refusal| self.rejection(&refusal, ctx))
    }

    #[cold]
    fn rejection(&self, refusal: &Refusal, ctx: Option<&WorkflowContext>) -> Error {
        let metrics = self.metrics();
        match ctx {
            Some(ctx) => metrics.rejections.increment_in(ctx),
            None => metrics.rejections.increment(),
        }
        if let Some(ctx) = ctx {
            describe(refusal, ctx);
        }
        let error = Error::new(ErrorKind::Rejected, message(&metrics.name, refusal));
        let error = match (refusal.state, refusal.retry_after) {
            (_, Some(left)) => error.with_retry_after(left),
            // The probes under way may close it at any moment.
            (CircuitState::HalfOpen, None) => error.with_retryable(true),
            _ => error,
        };
        match self.last_failure() {
            Some(last) => error.with_source(last),
            None => error,
        }
    }

    /// Counts and logs a change, with no lock held.
    #[cold]
    fn tell(&self, change: &Change, ctx: Option<&WorkflowContext>) {
        if change.from == change.to {
            return;
        }
        let metrics = self.metrics();
        metrics.changed(change);
        let (from, to) = (change.from.as_str(), change.to.as_str());
        let reason = change.cause.reason.as_str();
        let mut fields = vec![
            LogField::new("primitive", metrics.name.as_str()),
            LogField::new("from", from),
            LogField::new("to", to),
            LogField::new("reason", reason),
        ];
        if change.cause.calls > 0 {
            fields.push(LogField::new("failures", change.cause.bad));
            fields.push(LogField::new("calls", change.cause.calls));
        }
        let mut level = Level::Info;
        if change.to.label() == "open" {
            level = Level::Warn;
            if let Some(wait) = change.wait {
                fields.push(LogField::new("wait_ms", millis(wait)));
            }
            if let Some(last) = &*self.last() {
                fields.push(LogField::new("error_type", last.kind().as_str()));
            }
        }
        let Some(ctx) = ctx else {
            log_globally(&LogRecord::new(&STATE_CHANGED, level, &fields));
            return;
        };
        ctx.log(&STATE_CHANGED, level, &fields);
        if ctx.is_sampled() {
            let attributes = [("from", from), ("to", to), ("reason", reason)];
            let attributes = attributes.map(|(key, value)| Attribute::new(key, value));
            ctx.event(STATE_CHANGED.name, attributes.into());
        }
    }

    #[inline]
    fn metrics(&self) -> &Metrics {
        self.inner.metrics.get_or_init(|| Metrics::of(self.name()))
    }

    fn last(&self) -> MutexGuard<'_, Option<LastFailure>> {
        locked(&self.inner.last)
    }
}

/// A configuration stands for a breaker that nobody else has.
impl TryFrom<CircuitBreakerConfig> for CircuitBreaker {
    type Error = Error;

    fn try_from(config: CircuitBreakerConfig) -> Result<Self> {
        Self::new("CircuitBreakerPrimitive", config)
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreaker")
            .field("name", &self.name())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        if let Some(metrics) = self.metrics.get() {
            metrics.leave(self.gate.state());
        }
    }
}

/// Sets an attribute that is declared.
pub(crate) fn set_attribute(ctx: &WorkflowContext, key: &'static str, value: impl Into<Value>) {
    debug_assert!(EXECUTION_SPAN.attributes.contains(&key), "`{key}`");
    ctx.set_attribute(key, value);
}

/// Says on the span why the call was rejected.
fn describe(refusal: &Refusal, ctx: &WorkflowContext) {
    if !ctx.is_sampled() {
        return;
    }
    set_attribute(ctx, "circuit_breaker.state", refusal.state.as_str());
    let reason = refusal.cause.reason.as_str();
    set_attribute(ctx, "circuit_breaker.reason", reason);
    if refusal.cause.calls > 0 {
        set_attribute(ctx, "circuit_breaker.failures", refusal.cause.bad);
    }
    if let Some(left) = refusal.retry_after {
        set_attribute(ctx, "circuit_breaker.retry_after_ms", millis(left));
    }
}

fn message(name: &str, refusal: &Refusal) -> String {
    let cause = refusal.cause;
    match (refusal.state, refusal.retry_after) {
        (CircuitState::Isolated, _) => {
            format!("`{name}` is isolated by hand; reset it to let calls through")
        }
        (CircuitState::HalfOpen, _) => {
            format!(
                "`{name}` is half open, and its probes are under way; it opened because {cause}"
            )
        }
        (_, Some(left)) => {
            let left = Duration::from_millis(millis(left));
            format!("`{name}` is open because {cause}; it admits a probe in {left:?}")
        }
        (_, None) => format!("`{name}` is open because {cause}, until it is reset"),
    }
}

/// Whole milliseconds, rounded up so that who waits that long does not come too early.
fn millis(duration: Duration) -> u64 {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).unwrap_or(u64::MAX)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What is under these locks is replaced in a single step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
