//! The methods on flows.

use tta_core::{Flow, IntoFlow, Observed, Primitive, Result};

use crate::blocking::BlockingPrimitive;
use crate::config::TimeoutConfig;
use crate::fallback::TimeoutOrPrimitive;
use crate::policy::LimitPolicy;
use crate::timeout::TimeoutPrimitive;

/// Adds [`timeout`](Self::timeout) to flows.
pub trait TimeoutExt {
    /// What the flow consists of.
    type Primitive: Primitive;

    /// Cuts the flow off when it takes longer than a limit: a [`Duration`](std::time::Duration), or
    /// a [`TimeoutConfig`] for more than that.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tta_core::step;
    /// use tta_timeout::TimeoutExt;
    ///
    /// let model = step("model", async |question: String| Ok(question.len()));
    /// let flow = model.timeout(Duration::from_secs(2))?;
    /// # Ok::<(), tta_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`TimeoutPrimitive::new`].
    fn timeout<L>(
        self,
        config: impl Into<TimeoutConfig<L>>,
    ) -> Result<Flow<Observed<TimeoutPrimitive<Self::Primitive, L>>>>
    where
        L: LimitPolicy<<Self::Primitive as Primitive>::Input>;

    /// The same, and answers with `fallback` when the limit has passed; any other error passes
    /// unchanged.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use tta_core::step;
    /// use tta_timeout::TimeoutExt;
    ///
    /// let model = step("model", async |question: String| Ok(question));
    /// let canned = step("canned", async |_: String| Ok("please try again later".to_owned()));
    /// let flow = model.timeout_or(Duration::from_secs(2), canned)?;
    /// # Ok::<(), tta_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`timeout`](Self::timeout).
    fn timeout_or<L, F>(
        self,
        config: impl Into<TimeoutConfig<L>>,
        fallback: F,
    ) -> Result<Flow<Observed<TimeoutOrPrimitive<Self::Primitive, F::Primitive, L>>>>
    where
        <Self::Primitive as Primitive>::Input: Clone + Sync,
        F: IntoFlow<
                Input = <Self::Primitive as Primitive>::Input,
                Output = <Self::Primitive as Primitive>::Output,
            >,
        L: LimitPolicy<<Self::Primitive as Primitive>::Input>;
}

impl<P: Primitive> TimeoutExt for Flow<P> {
    type Primitive = P;

    fn timeout<L>(
        self,
        config: impl Into<TimeoutConfig<L>>,
    ) -> Result<Flow<Observed<TimeoutPrimitive<P, L>>>>
    where
        L: LimitPolicy<P::Input>,
    {
        TimeoutPrimitive::new(self, config)
    }

    fn timeout_or<L, F>(
        self,
        config: impl Into<TimeoutConfig<L>>,
        fallback: F,
    ) -> Result<Flow<Observed<TimeoutOrPrimitive<P, F::Primitive, L>>>>
    where
        P::Input: Clone + Sync,
        F: IntoFlow<Input = P::Input, Output = P::Output>,
        L: LimitPolicy<P::Input>,
    {
        TimeoutOrPrimitive::new(self, config, fallback)
    }
}

/// Adds [`on_blocking_thread`](Self::on_blocking_thread) to flows.
pub trait BlockingExt {
    /// What the flow consists of.
    type Primitive: Primitive;

    /// Runs the flow on a thread of tokio's blocking pool: for steps that block or compute for long.
    fn on_blocking_thread(self) -> Flow<Observed<BlockingPrimitive<Self::Primitive>>>;
}

impl<P> BlockingExt for Flow<P>
where
    P: Primitive + 'static,
    P::Input: 'static,
    P::Output: 'static,
{
    type Primitive = P;

    fn on_blocking_thread(self) -> Flow<Observed<BlockingPrimitive<P>>> {
        BlockingPrimitive::new(self)
    }
}
