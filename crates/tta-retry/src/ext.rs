//! The methods on flows.

use tta_core::{Flow, Observed, Primitive, Result};

use crate::config::RetryConfig;
use crate::hedge::{HedgeConfig, HedgePrimitive};
use crate::retry::RetryPrimitive;

/// Adds [`retry`](Self::retry) and [`hedged`](Self::hedged) to flows.
pub trait RetryExt {
    /// What the flow consists of.
    type Primitive: Primitive;

    /// Runs the flow again when it fails in a way that may pass: so many times, or as a
    /// [`RetryConfig`] says.
    ///
    /// # Examples
    ///
    /// ```
    /// use tta_core::step;
    /// use tta_retry::{RetryConfig, RetryExt};
    ///
    /// let model = step("model", async |question: String| Ok(question.len()));
    /// let flow = model.retry(RetryConfig::llm())?;
    /// # Ok::<(), tta_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](tta_core::ErrorKind::Configuration) for a flow that is marked
    /// [non-idempotent](Flow::non_idempotent), and for a backoff that cannot be.
    fn retry(
        self,
        config: impl Into<RetryConfig>,
    ) -> Result<Flow<Observed<RetryPrimitive<Self::Primitive>>>>
    where
        <Self::Primitive as Primitive>::Input: Clone;

    /// Starts a second attempt when the first one takes longer than most, and answers with the
    /// first answer.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tta_core::step;
    /// use tta_retry::{HedgeConfig, RetryExt};
    ///
    /// let search = step("search", async |query: String| Ok(query.len()));
    /// let flow = search.hedged(HedgeConfig::new(Duration::from_millis(200)))?;
    /// # Ok::<(), tta_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](tta_core::ErrorKind::Configuration) for a flow that is marked
    /// [non-idempotent](Flow::non_idempotent), and for options that cannot be.
    fn hedged(self, config: HedgeConfig) -> Result<Flow<Observed<HedgePrimitive<Self::Primitive>>>>
    where
        <Self::Primitive as Primitive>::Input: Clone;
}

impl<P: Primitive> RetryExt for Flow<P> {
    type Primitive = P;

    fn retry(self, config: impl Into<RetryConfig>) -> Result<Flow<Observed<RetryPrimitive<P>>>>
    where
        P::Input: Clone,
    {
        RetryPrimitive::new(self, config)
    }

    fn hedged(self, config: HedgeConfig) -> Result<Flow<Observed<HedgePrimitive<P>>>>
    where
        P::Input: Clone,
    {
        HedgePrimitive::new(self, config)
    }
}
