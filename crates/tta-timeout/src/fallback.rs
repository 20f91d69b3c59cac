//! Answering with something else when time has run out.

use tta_core::{Flow, IntoFlow, Observed, Primitive, Result, WorkflowContext};

use crate::catalog::FALLBACK_SPAN;
use crate::cause::TimeoutCause;
use crate::config::TimeoutConfig;
use crate::policy::{FixedLimit, LimitPolicy};
use crate::timeout::TimeoutPrimitive;

/// Cuts an operation off when it takes too long, and answers with a fallback then, and only then.
///
/// An error of the operation's own passes unchanged, even one of kind
/// [`ErrorKind::Timeout`](tta_core::ErrorKind::Timeout). The fallback has what is left of the
/// context's deadline; when it is the deadline that has passed there is nothing left and nobody
/// waits, so it is not started.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_core::step;
/// use tta_timeout::TimeoutOrPrimitive;
///
/// let model = step("model", async |question: String| Ok(question));
/// let canned = step("canned", async |_: String| Ok("please try again later".to_owned()));
/// let flow = TimeoutOrPrimitive::new(model, Duration::from_secs(2), canned)?;
/// # Ok::<(), tta_core::Error>(())
/// ```
///
/// # Cancellation
///
/// Dropping the future drops whichever of the two is running.
#[derive(Debug)]
pub struct TimeoutOrPrimitive<P, F, L = FixedLimit> {
    timeout: TimeoutPrimitive<P, L>,
    fallback: F,
}

impl<P, F, L> TimeoutOrPrimitive<P, F, L>
where
    P: Primitive,
    P::Input: Clone + Sync,
    F: Primitive<Input = P::Input, Output = P::Output>,
    L: LimitPolicy<P::Input>,
{
    /// Runs `inner` under a limit, and `fallback` on the same input when that has passed.
    ///
    /// # Errors
    ///
    /// As for [`TimeoutPrimitive::new`].
    pub fn new<I, A>(
        inner: I,
        config: impl Into<TimeoutConfig<L>>,
        fallback: A,
    ) -> Result<Flow<Observed<Self>>>
    where
        I: IntoFlow<Primitive = P, Input = P::Input, Output = P::Output>,
        A: IntoFlow<Primitive = F, Input = P::Input, Output = P::Output>,
    {
        let inner = inner.into_flow().into_primitive();
        Ok(Flow::new(Self {
            timeout: TimeoutPrimitive::around(inner, config.into())?,
            fallback: fallback.into_flow().into_primitive(),
        }))
    }
}

impl<P, F, L> Primitive for TimeoutOrPrimitive<P, F, L>
where
    P: Primitive,
    P::Input: Clone + Sync,
    F: Primitive<Input = P::Input, Output = P::Output>,
    L: LimitPolicy<P::Input>,
{
    type Input = P::Input;
    type Output = P::Output;

    fn name(&self) -> &str {
        self.timeout.name()
    }

    fn primitive_type(&self) -> &'static str {
        self.timeout.primitive_type()
    }

    fn rename(&mut self, name: &str) {
        self.timeout.rename(name);
    }

    fn depth(&self) -> usize {
        self.timeout.depth().max(self.fallback.depth() + 1)
    }

    fn is_idempotent(&self) -> bool {
        self.timeout.is_idempotent() && self.fallback.is_idempotent()
    }

    /// If both fail, the error is the timeout, with the fallback's among its
    /// [related](tta_core::Error::related) ones.
    async fn execute(&self, input: P::Input, ctx: &WorkflowContext) -> Result<P::Output> {
        let kept = input.clone();
        let mut out_of_time = None;
        let result = self
            .timeout
            .attempt(input, ctx, |cause| out_of_time = Some(cause))
            .await;
        let late = match (result, out_of_time) {
            (Err(late), Some(TimeoutCause::Limit)) => late,
            (result, _) => return result,
        };
        let fallback = self.fallback.execute(kept, ctx);
        ctx.in_span(&FALLBACK_SPAN, fallback)
            .await
            .map_err(|error| late.with_related(error))
    }
}
