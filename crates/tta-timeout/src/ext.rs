//! The method on flows.

use tta_core::{Flow, Observed, Primitive, Result};

use crate::config::TimeoutConfig;
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
    /// [`ErrorKind::Configuration`](tta_core::ErrorKind::Configuration) for a limit of zero.
    fn timeout(
        self,
        config: impl Into<TimeoutConfig>,
    ) -> Result<Flow<Observed<TimeoutPrimitive<Self::Primitive>>>>;
}

impl<P: Primitive> TimeoutExt for Flow<P> {
    type Primitive = P;

    fn timeout(
        self,
        config: impl Into<TimeoutConfig>,
    ) -> Result<Flow<Observed<TimeoutPrimitive<P>>>> {
        TimeoutPrimitive::new(self, config)
    }
}
