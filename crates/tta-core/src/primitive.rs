//! The one trait that everything composes through.

use std::any::type_name;

use crate::boxed::Stages;
use crate::context::WorkflowContext;
use crate::error::Result;

/// One asynchronous step of a workflow: an input and a context in, a result out.
///
/// Implement [`execute`](Self::execute) as an `async fn`; nothing else is required. An
/// implementation holds no telemetry of the general kind: whatever is composed into a
/// [`Flow`](crate::Flow) is observed there.
///
/// # Examples
///
/// ```
/// use tta_core::{Flow, Primitive, Result, WorkflowContext};
///
/// struct Translate {
///     language: &'static str,
/// }
///
/// impl Primitive for Translate {
///     type Input = String;
///     type Output = String;
///
///     fn name(&self) -> &str {
///         "translate"
///     }
///
///     async fn execute(&self, text: String, _: &WorkflowContext) -> Result<String> {
///         Ok(format!("[{}] {text}", self.language))
///     }
/// }
///
/// let flow = Flow::new(Translate { language: "fr" });
/// ```
///
/// # Cancellation
///
/// Dropping the future cancels the step. An implementation must leave nothing half done that a
/// destructor does not undo; the span and the metrics of the step say `cancelled`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a primitive",
    label = "this cannot be run as a step",
    note = "make a step of a function with `step(\"name\", function)`, or implement `Primitive`"
)]
pub trait Primitive: Send + Sync {
    /// What it takes.
    type Input: Send;
    /// What it gives back.
    type Output: Send;

    /// Runs the step once.
    fn execute(
        &self,
        input: Self::Input,
        ctx: &WorkflowContext,
    ) -> impl Future<Output = Result<Self::Output>> + Send;

    /// The name of this instance: stable, one of few, the name of its spans and the `primitive`
    /// label of its metrics. The type's name by default.
    fn name(&self) -> &str {
        short_type_name::<Self>()
    }

    /// The name of the type, the `primitive_type` label.
    fn primitive_type(&self) -> &'static str {
        short_type_name::<Self>()
    }

    /// Told when this instance is given another name, so that its own metrics can carry it.
    fn rename(&mut self, name: &str) {
        let _ = name;
    }

    /// How many primitives lie inside one another, this one included. A primitive that holds others
    /// answers one more than the deepest of them, so that a limit can be kept.
    fn depth(&self) -> usize {
        1
    }

    /// Whether running it again does no more than running it once, so that it may be repeated by a
    /// retry or a hedge. A primitive that holds others answers whether all of them may be; a step is
    /// marked with [`Flow::non_idempotent`](crate::Flow::non_idempotent).
    fn is_idempotent(&self) -> bool {
        true
    }

    /// Whether it opens a workflow of its own when it stands outermost.
    #[doc(hidden)]
    fn opens_workflow(&self) -> bool {
        false
    }

    /// Whether it consists of stages that a boxed flow can hold side by side.
    #[doc(hidden)]
    const HAS_STAGES: bool = false;

    /// Whether the first thing that it does is to begin an observed execution, and the last to end
    /// one, so that it can share these moments with what stands beside it.
    #[doc(hidden)]
    const IS_OBSERVED: bool = false;

    /// Takes it apart into stages that run one after the other.
    #[doc(hidden)]
    fn into_stages(self, stages: &mut Stages)
    where
        Self: Sized + 'static,
        Self::Input: 'static,
        Self::Output: 'static,
    {
        stages.push(self);
    }
}

/// The last part of a type's path, without its parameters.
fn short_type_name<T: ?Sized>() -> &'static str {
    let full = type_name::<T>();
    let path = full.split_once('<').map_or(full, |(path, _)| path);
    path.rsplit_once("::").map_or(path, |(_, name)| name)
}
