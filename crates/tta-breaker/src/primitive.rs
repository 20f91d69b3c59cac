//! Calling through a breaker.

use tta_core::{Error, Flow, IntoFlow, Observed, Primitive, Result, WorkflowContext};

use crate::breaker::{CircuitBreaker, set_attribute};

/// Stops calling what keeps failing, and probes when it may be called again.
///
/// # Examples
///
/// ```
/// use tta_breaker::{CircuitBreakerConfig, CircuitBreakerPrimitive};
/// use tta_core::step;
///
/// let model = step("model", async |question: String| Ok(question.len()));
/// let flow = CircuitBreakerPrimitive::new(model, CircuitBreakerConfig::llm())?;
/// # Ok::<(), tta_core::Error>(())
/// ```
///
/// # Cancellation
///
/// Dropping the future drops the call, which then counts neither as a success nor as a failure; a
/// probe's place is free again.
#[derive(Debug)]
pub struct CircuitBreakerPrimitive<P> {
    inner: P,
    breaker: CircuitBreaker,
    name: String,
    /// Whether the breaker was made for this primitive, and is called like it.
    owns_breaker: bool,
}

impl<P: Primitive> CircuitBreakerPrimitive<P> {
    /// Calls `inner` through a breaker: a [`CircuitBreaker`] that others may share, or a
    /// [`CircuitBreakerConfig`](crate::CircuitBreakerConfig) for one of its own.
    ///
    /// A shared breaker keeps its name when the primitive is given another one.
    ///
    /// # Errors
    ///
    /// As for [`CircuitBreaker::new`].
    pub fn new<F, B>(inner: F, breaker: B) -> Result<Flow<Observed<Self>>>
    where
        F: IntoFlow<Primitive = P, Input = P::Input, Output = P::Output>,
        B: TryInto<CircuitBreaker>,
        B::Error: Into<Error>,
    {
        let breaker = breaker.try_into().map_err(Into::into)?;
        Ok(Flow::new(Self {
            inner: inner.into_flow().into_primitive(),
            name: breaker.name(),
            owns_breaker: breaker.is_unshared(),
            breaker,
        }))
    }

    /// The breaker: its state, and the ways to change it by hand.
    pub fn breaker(&self) -> &CircuitBreaker {
        &self.breaker
    }
}

impl<P: Primitive> Primitive for CircuitBreakerPrimitive<P> {
    type Input = P::Input;
    type Output = P::Output;

    fn name(&self) -> &str {
        &self.name
    }

    fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        if self.owns_breaker {
            self.breaker.rename(name);
        }
    }

    fn depth(&self) -> usize {
        self.inner.depth() + 1
    }

    fn is_idempotent(&self) -> bool {
        self.inner.is_idempotent()
    }

    async fn execute(&self, input: P::Input, ctx: &WorkflowContext) -> Result<P::Output> {
        let permit = self.breaker.acquire_in(ctx)?;
        if ctx.is_sampled() {
            set_attribute(ctx, "circuit_breaker.state", permit.state().as_str());
        }
        let result = self.inner.execute(input, ctx).await;
        permit.record_in(&result, ctx);
        result
    }
}
