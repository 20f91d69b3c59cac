//! One after the other.

use crate::boxed::{BoxFlow, Stages};
use crate::context::WorkflowContext;
use crate::error::{Error, ErrorKind, Result};
use crate::primitive::Primitive;

/// Two primitives, the second of which takes what the first gives back; made by `a >> b`.
#[derive(Debug)]
pub struct Sequence<A, B> {
    first: A,
    second: B,
}

impl<A, B> Sequence<A, B> {
    pub(crate) const fn new(first: A, second: B) -> Self {
        Self { first, second }
    }
}

impl<A, B> Primitive for Sequence<A, B>
where
    A: Primitive,
    B: Primitive<Input = A::Output>,
{
    type Input = A::Input;
    type Output = B::Output;

    const HAS_STAGES: bool = true;
    const IS_OBSERVED: bool = A::IS_OBSERVED && B::IS_OBSERVED;

    fn depth(&self) -> usize {
        self.first.depth().max(self.second.depth())
    }

    fn is_idempotent(&self) -> bool {
        self.first.is_idempotent() && self.second.is_idempotent()
    }

    #[expect(clippy::manual_async_fn, reason = "its arguments stay where they are")]
    fn execute(
        &self,
        input: A::Input,
        ctx: &WorkflowContext,
    ) -> impl Future<Output = Result<B::Output>> + Send {
        async move {
            let middle = self.first.execute(input, ctx).await?;
            if A::IS_OBSERVED && B::IS_OBSERVED {
                ctx.share_boundary();
            }
            self.second.execute(middle, ctx).await
        }
    }

    fn into_stages(self, stages: &mut Stages)
    where
        Self: Sized + 'static,
        A::Input: 'static,
        B::Output: 'static,
    {
        self.first.into_stages(stages);
        self.second.into_stages(stages);
    }
}

/// Joins flows of one type, made at run time, one after the other.
///
/// # Errors
///
/// [`ErrorKind::Configuration`] if there are none.
pub fn sequence_all<T: Send + 'static>(
    flows: impl IntoIterator<Item = BoxFlow<T, T>>,
) -> Result<BoxFlow<T, T>> {
    let mut flows = flows.into_iter();
    let none = || {
        Error::new(
            ErrorKind::Configuration,
            "a sequence needs at least one flow",
        )
    };
    let mut all = flows.next().ok_or_else(none)?;
    for flow in flows {
        all = all.then(flow).boxed()?;
    }
    Ok(all)
}
