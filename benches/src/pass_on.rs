//! A primitive that does nothing of its own.

use tta_core::{Primitive, Result, WorkflowContext};

/// A primitive around another that does nothing of its own: what one is held against that does.
#[derive(Debug)]
pub struct PassOn<P>(pub P);

impl<P: Primitive> Primitive for PassOn<P> {
    type Input = P::Input;
    type Output = P::Output;

    async fn execute(&self, input: P::Input, ctx: &WorkflowContext) -> Result<P::Output> {
        self.0.execute(input, ctx).await
    }
}
