//! A flow that must not run twice.

use crate::boxed::Stages;
use crate::context::WorkflowContext;
use crate::error::Result;
use crate::primitive::Primitive;

/// A flow that must not run twice for one input; made by
/// [`Flow::non_idempotent`](crate::Flow::non_idempotent).
///
/// It adds nothing to what it holds but the mark.
#[derive(Clone, Debug)]
pub struct NonIdempotent<P> {
    primitive: P,
}

impl<P> NonIdempotent<P> {
    pub(crate) const fn new(primitive: P) -> Self {
        Self { primitive }
    }
}

impl<P: Primitive> Primitive for NonIdempotent<P> {
    type Input = P::Input;
    type Output = P::Output;

    const HAS_STAGES: bool = P::HAS_STAGES;
    const IS_OBSERVED: bool = P::IS_OBSERVED;

    fn name(&self) -> &str {
        self.primitive.name()
    }

    fn primitive_type(&self) -> &'static str {
        self.primitive.primitive_type()
    }

    fn rename(&mut self, name: &str) {
        self.primitive.rename(name);
    }

    fn depth(&self) -> usize {
        self.primitive.depth()
    }

    fn is_idempotent(&self) -> bool {
        false
    }

    fn opens_workflow(&self) -> bool {
        self.primitive.opens_workflow()
    }

    fn execute(
        &self,
        input: P::Input,
        ctx: &WorkflowContext,
    ) -> impl Future<Output = Result<P::Output>> + Send {
        self.primitive.execute(input, ctx)
    }

    /// A boxed flow remembers the mark before it takes this apart.
    fn into_stages(self, stages: &mut Stages)
    where
        Self: Sized + 'static,
        P::Input: 'static,
        P::Output: 'static,
    {
        self.primitive.into_stages(stages);
    }
}
