//! The method on flows.

use tta_core::{Flow, IntoFlow, Observed, Primitive, Result};

use crate::cost::CostModel;
use crate::router::RouterPrimitive;
use crate::verifier::Verifier;

/// Adds [`cascade`](Self::cascade) to flows.
pub trait CascadeExt {
    /// What the flow takes.
    type Input;
    /// What the flow answers.
    type Output;

    /// Answers with this flow where a [`Verifier`] accepts that, and with `premium` where not.
    ///
    /// The routes are called `cheap` and `premium`; what they cost is what their steps report. For
    /// prices, other names and more use
    /// [`RouterBuilder::cascade`](crate::RouterBuilder::cascade).
    ///
    /// # Examples
    ///
    /// ```
    /// use tta_core::step;
    /// use tta_router::CascadeExt;
    ///
    /// let small = step("small", async |question: String| Ok(format!("{question}? Not sure")));
    /// let large = step("large", async |question: String| Ok(format!("{question}? Yes")));
    /// let flow = small.cascade(large, |_: &String, answer: &String| !answer.contains("Not sure"))?;
    /// # Ok::<(), tta_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](tta_core::ErrorKind::Configuration) for a flow that lies too
    /// deep (see [`Flow::boxed`]).
    fn cascade<F, V, M>(
        self,
        premium: F,
        verifier: V,
    ) -> Result<Flow<Observed<RouterPrimitive<Self::Input, Self::Output>>>>
    where
        F: IntoFlow<Input = Self::Input, Output = Self::Output>,
        F::Primitive: 'static,
        V: Verifier<Self::Input, Self::Output, M> + 'static,
        M: 'static;
}

impl<P> CascadeExt for Flow<P>
where
    P: Primitive + 'static,
    P::Input: Clone + Sync + 'static,
    P::Output: Sync + 'static,
{
    type Input = P::Input;
    type Output = P::Output;

    fn cascade<F, V, M>(
        self,
        premium: F,
        verifier: V,
    ) -> Result<Flow<Observed<RouterPrimitive<P::Input, P::Output>>>>
    where
        F: IntoFlow<Input = P::Input, Output = P::Output>,
        F::Primitive: 'static,
        V: Verifier<P::Input, P::Output, M> + 'static,
        M: 'static,
    {
        RouterPrimitive::builder()
            .route("cheap", self, CostModel::unknown())
            .route("premium", premium, CostModel::unknown())
            .cascade("cheap", "premium", verifier)
            .build()
    }
}
