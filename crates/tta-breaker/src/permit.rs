//! The right to one call.

use std::borrow::Cow;

use tta_core::{Result, WorkflowContext};

use crate::breaker::CircuitBreaker;
use crate::failure::Verdict;
use crate::machine::Ticket;
use crate::state::CircuitState;

/// The right to one call, from [`CircuitBreaker::acquire`]; give it back with how the call ended.
///
/// An answer that comes when the breaker has changed its state meanwhile counts for nothing.
///
/// # Examples
///
/// ```
/// use tta_breaker::{CircuitBreaker, CircuitBreakerConfig};
///
/// # async fn fetch() -> tta_core::Result<String> { Ok(String::new()) }
/// async fn guarded(breaker: &CircuitBreaker) -> tta_core::Result<String> {
///     let permit = breaker.acquire()?;
///     let result = fetch().await;
///     permit.record(&result);
///     result
/// }
/// ```
///
/// # Cancellation
///
/// Dropping it, as a panic or a cancelled future does, says that the call was given up, which counts
/// neither as a success nor as a failure.
#[derive(Debug)]
#[must_use = "a permit that is dropped is a call that was given up"]
pub struct Permit<'a> {
    breaker: Cow<'a, CircuitBreaker>,
    ticket: Ticket,
    settled: bool,
}

impl<'a> Permit<'a> {
    #[inline]
    pub(crate) fn new(breaker: Cow<'a, CircuitBreaker>, ticket: Ticket) -> Self {
        Self {
            breaker,
            ticket,
            settled: false,
        }
    }

    /// Where the breaker stood when it admitted the call: half open for a probe.
    pub fn state(&self) -> CircuitState {
        self.ticket.state
    }

    /// The call succeeded.
    #[inline]
    pub fn success(self) {
        self.settle(Verdict::Success, None);
    }

    /// The call failed.
    #[inline]
    pub fn failure(self) {
        self.settle(Verdict::Failure { retry_after: None }, None);
    }

    /// The call ended like this; the configuration says what counts as a failure, and the error is
    /// kept as the [last failure](CircuitBreaker::last_failure) if it does.
    #[inline]
    pub fn record<T>(self, result: &Result<T>) {
        let verdict = self.breaker.judge(&self.ticket, result);
        self.settle(verdict, None);
    }

    /// The same for a call in a workflow, by whose clock it goes.
    #[inline]
    pub(crate) fn record_in<T>(self, result: &Result<T>, ctx: &WorkflowContext) {
        let verdict = self.breaker.judge(&self.ticket, result);
        self.settle(verdict, Some(ctx));
    }

    #[inline]
    fn settle(mut self, verdict: Verdict, ctx: Option<&WorkflowContext>) {
        self.settled = true;
        let now = || ctx.map_or_else(self.breaker.clock(), WorkflowContext::now);
        self.breaker.settle(&self.ticket, verdict, now, ctx);
    }
}

impl Drop for Permit<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.settled {
            let now = self.breaker.clock();
            self.breaker
                .settle(&self.ticket, Verdict::Nothing, now, None);
        }
    }
}
