//! The method on flows.

use tta_core::{Error, Flow, Observed, Primitive, Result};

use crate::breaker::CircuitBreaker;
use crate::primitive::CircuitBreakerPrimitive;

/// Adds [`circuit_breaker`](Self::circuit_breaker) to flows.
pub trait CircuitBreakerExt {
    /// What the flow consists of.
    type Primitive: Primitive;

    /// Stops calling the flow when it keeps failing: by a
    /// [`CircuitBreakerConfig`](crate::CircuitBreakerConfig) of its own, or by a [`CircuitBreaker`]
    /// that other flows share.
    ///
    /// # Examples
    ///
    /// ```
    /// use tta_breaker::{CircuitBreakerConfig, CircuitBreakerExt};
    /// use tta_core::step;
    ///
    /// let model = step("model", async |question: String| Ok(question.len()));
    /// let flow = model.circuit_breaker(CircuitBreakerConfig::standard())?;
    /// # Ok::<(), tta_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](tta_core::ErrorKind::Configuration) for a breaker that could not
    /// open, or not close again.
    fn circuit_breaker<B>(
        self,
        breaker: B,
    ) -> Result<Flow<Observed<CircuitBreakerPrimitive<Self::Primitive>>>>
    where
        B: TryInto<CircuitBreaker>,
        B::Error: Into<Error>;
}

impl<P: Primitive> CircuitBreakerExt for Flow<P> {
    type Primitive = P;

    fn circuit_breaker<B>(self, breaker: B) -> Result<Flow<Observed<CircuitBreakerPrimitive<P>>>>
    where
        B: TryInto<CircuitBreaker>,
        B::Error: Into<Error>,
    {
        CircuitBreakerPrimitive::new(self, breaker)
    }
}
