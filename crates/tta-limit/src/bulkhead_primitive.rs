//! Running so many at once.

use tta_core::{Error, Flow, IntoFlow, Observed, Primitive, Result, WorkflowContext};

use crate::bulkhead::Bulkhead;

/// Limits how many executions are under way at once; the others wait their turn, or are rejected.
///
/// # Examples
///
/// ```
/// use tta_core::step;
/// use tta_limit::{BulkheadConfig, BulkheadPrimitive};
///
/// let model = step("model", async |question: String| Ok(question.len()));
/// let flow = BulkheadPrimitive::new(model, BulkheadConfig::new(8).with_queue(16))?;
/// # Ok::<(), tta_core::Error>(())
/// ```
///
/// # Cancellation
///
/// Dropping the future while it waits leaves the queue; later it drops the execution and frees its
/// place.
#[derive(Debug)]
pub struct BulkheadPrimitive<P> {
    inner: P,
    bulkhead: Bulkhead,
    name: String,
    /// Whether the bulkhead was made for this primitive, and is called like it.
    owns_bulkhead: bool,
}

impl<P: Primitive> BulkheadPrimitive<P> {
    /// Runs `inner` in a bulkhead: a [`Bulkhead`] that others may share, or a
    /// [`BulkheadConfig`](crate::BulkheadConfig) for one of its own.
    ///
    /// A shared bulkhead keeps its name when the primitive is given another one.
    ///
    /// # Errors
    ///
    /// As for [`Bulkhead::new`].
    pub fn new<F, B>(inner: F, bulkhead: B) -> Result<Flow<Observed<Self>>>
    where
        F: IntoFlow<Primitive = P, Input = P::Input, Output = P::Output>,
        B: TryInto<Bulkhead>,
        B::Error: Into<Error>,
    {
        let bulkhead = bulkhead.try_into().map_err(Into::into)?;
        Ok(Flow::new(Self {
            inner: inner.into_flow().into_primitive(),
            name: bulkhead.name(),
            owns_bulkhead: bulkhead.is_unshared(),
            bulkhead,
        }))
    }

    /// The bulkhead: how many are under way, and how many wait.
    pub fn bulkhead(&self) -> &Bulkhead {
        &self.bulkhead
    }
}

impl<P: Primitive> Primitive for BulkheadPrimitive<P> {
    type Input = P::Input;
    type Output = P::Output;

    fn name(&self) -> &str {
        &self.name
    }

    fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        if self.owns_bulkhead {
            self.bulkhead.rename(name);
        }
    }

    fn depth(&self) -> usize {
        self.inner.depth() + 1
    }

    fn is_idempotent(&self) -> bool {
        self.inner.is_idempotent()
    }

    async fn execute(&self, input: P::Input, ctx: &WorkflowContext) -> Result<P::Output> {
        let _permit = self.bulkhead.acquire(ctx).await?;
        self.inner.execute(input, ctx).await
    }
}
