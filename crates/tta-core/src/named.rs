//! A flow with a name.

use crate::context::WorkflowContext;
use crate::error::Result;
use crate::observe::{Seam, Subject, observe};
use crate::primitive::Primitive;

/// A flow with a name; made by [`Flow::named`](crate::Flow::named).
///
/// Outermost it is a workflow of that name, inside another flow a step.
#[derive(Debug)]
pub struct Named<P> {
    primitive: P,
    step: Seam,
    workflow: Seam,
}

impl<P: Primitive> Named<P> {
    pub(crate) fn new(primitive: P, name: &str) -> Self {
        let step = Seam::step(name, "Flow");
        let workflow = Seam::workflow(name);
        Self {
            primitive,
            step,
            workflow,
        }
    }
}

impl<P: Primitive> Primitive for Named<P> {
    type Input = P::Input;
    type Output = P::Output;

    const IS_OBSERVED: bool = true;

    fn name(&self) -> &str {
        self.step.name()
    }

    fn depth(&self) -> usize {
        self.primitive.depth() + 1
    }

    fn is_idempotent(&self) -> bool {
        self.primitive.is_idempotent()
    }

    fn opens_workflow(&self) -> bool {
        true
    }

    async fn execute(&self, input: P::Input, ctx: &WorkflowContext) -> Result<P::Output> {
        let seam = if ctx.is_at_root() {
            &self.workflow
        } else {
            &self.step
        };
        observe(Subject::around::<P>(seam), ctx, move || {
            self.primitive.execute(input, ctx)
        })
        .await
    }
}
