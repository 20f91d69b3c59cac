//! Running so many in a time.

use tta_core::{Error, Flow, IntoFlow, Observed, Primitive, Result, WorkflowContext};

use crate::rate_limit::RateLimit;

/// Limits how many executions begin in a time; the others wait their turn, or are rejected.
///
/// # Examples
///
/// ```
/// use tta_core::step;
/// use tta_limit::{RateLimitConfig, RateLimitPrimitive};
///
/// let model = step("model", async |question: String| Ok(question.len()));
/// let flow = RateLimitPrimitive::new(model, RateLimitConfig::per_minute(500))?;
/// # Ok::<(), tta_core::Error>(())
/// ```
///
/// # Cancellation
///
/// Dropping the future while it waits leaves the queue and takes no token; later it drops the
/// execution, whose token is spent.
#[derive(Debug)]
pub struct RateLimitPrimitive<P> {
    inner: P,
    limit: RateLimit,
    name: String,
    /// Whether the limit was made for this primitive, and is called like it.
    owns_limit: bool,
}

impl<P: Primitive> RateLimitPrimitive<P> {
    /// Runs `inner` at a rate: a [`RateLimit`] that others may share, or a
    /// [`RateLimitConfig`](crate::RateLimitConfig) for one of its own.
    ///
    /// A shared limit keeps its name when the primitive is given another one.
    ///
    /// # Errors
    ///
    /// As for [`RateLimit::new`].
    pub fn new<F, B>(inner: F, limit: B) -> Result<Flow<Observed<Self>>>
    where
        F: IntoFlow<Primitive = P, Input = P::Input, Output = P::Output>,
        B: TryInto<RateLimit>,
        B::Error: Into<Error>,
    {
        let limit = limit.try_into().map_err(Into::into)?;
        Ok(Flow::new(Self {
            inner: inner.into_flow().into_primitive(),
            name: limit.name(),
            owns_limit: limit.is_unshared(),
            limit,
        }))
    }

    /// The limit: how many wait, and tokens for others.
    pub fn rate_limit(&self) -> &RateLimit {
        &self.limit
    }
}

impl<P: Primitive> Primitive for RateLimitPrimitive<P> {
    type Input = P::Input;
    type Output = P::Output;

    fn name(&self) -> &str {
        &self.name
    }

    fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        if self.owns_limit {
            self.limit.rename(name);
        }
    }

    fn depth(&self) -> usize {
        self.inner.depth() + 1
    }

    fn is_idempotent(&self) -> bool {
        self.inner.is_idempotent()
    }

    async fn execute(&self, input: P::Input, ctx: &WorkflowContext) -> Result<P::Output> {
        self.limit.acquire(ctx).await?;
        self.inner.execute(input, ctx).await
    }
}
