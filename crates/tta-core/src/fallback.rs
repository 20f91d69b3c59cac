//! A second try of another kind.

use crate::catalog::{FALLBACK_EXECUTIONS, FALLBACK_FALLBACK_SPAN, FALLBACK_PRIMARY_SPAN};
use crate::context::WorkflowContext;
use crate::error::Result;
use crate::flow::{Flow, IntoFlow};
use crate::instruments::{Counter, registry};
use crate::observe::{Subject, observe};
use crate::observed::Observed;
use crate::primitive::Primitive;

/// Answers with a second flow when the first fails; made by [`fallback`].
#[derive(Debug)]
pub struct FallbackPrimitive<P, F> {
    primary: P,
    fallback: F,
    name: String,
    counts: Counts,
}

/// Which path answered.
#[derive(Debug)]
struct Counts {
    primary: Counter,
    fallback: Counter,
    none: Counter,
}

/// Runs `primary`, and `fallback` on the same input when that fails.
///
/// If both fail, the error is the primary's, with the fallback's among its
/// [related](crate::Error::related) ones.
///
/// # Examples
///
/// ```
/// use tta_core::{Error, ErrorKind, fallback, step};
///
/// let model = step("model", async |_: String| Err(Error::new(ErrorKind::Unavailable, "model is down")));
/// let canned = step("canned", async |_: String| Ok("please try again later".to_owned()));
/// let flow = fallback(model, canned);
/// ```
///
/// # Cancellation
///
/// A primary that is cancelled has not failed: the fallback is not run.
pub fn fallback<P, F>(
    primary: P,
    fallback: F,
) -> Flow<Observed<FallbackPrimitive<P::Primitive, F::Primitive>>>
where
    P: IntoFlow,
    P::Input: Clone + Sync,
    F: IntoFlow<Input = P::Input, Output = P::Output>,
{
    let primary = primary.into_flow().into_primitive();
    let fallback = fallback.into_flow().into_primitive();
    let name = "FallbackPrimitive".to_owned();
    let counts = Counts::of(&name);
    Flow::new(FallbackPrimitive {
        primary,
        fallback,
        name,
        counts,
    })
}

impl<P, F> Primitive for FallbackPrimitive<P, F>
where
    P: Primitive,
    P::Input: Clone + Sync,
    F: Primitive<Input = P::Input, Output = P::Output>,
{
    type Input = P::Input;
    type Output = P::Output;

    fn name(&self) -> &str {
        &self.name
    }

    fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        self.counts = Counts::of(name);
    }

    fn depth(&self) -> usize {
        self.primary.depth().max(self.fallback.depth()) + 1
    }

    fn is_idempotent(&self) -> bool {
        self.primary.is_idempotent() && self.fallback.is_idempotent()
    }

    async fn execute(&self, input: P::Input, ctx: &WorkflowContext) -> Result<P::Output> {
        let kept = input.clone();
        let part = Subject::Part(&FALLBACK_PRIMARY_SPAN);
        let primary = observe(part, ctx, move || self.primary.execute(input, ctx)).await;
        let error = match primary {
            Ok(output) => {
                self.counts.primary.increment_in(ctx);
                return Ok(output);
            }
            Err(error) => error,
        };
        let part = Subject::Part(&FALLBACK_FALLBACK_SPAN);
        let reason = error.kind().as_str();
        let second = observe(part, ctx, move || async move {
            ctx.set_attribute("fallback.reason", reason);
            self.fallback.execute(kept, ctx).await
        });
        match second.await {
            Ok(output) => {
                self.counts.fallback.increment_in(ctx);
                Ok(output)
            }
            Err(second) => {
                self.counts.none.increment_in(ctx);
                Err(error.with_related(second))
            }
        }
    }
}

impl Counts {
    fn of(name: &str) -> Self {
        let path = |path| registry().declared_counter(&FALLBACK_EXECUTIONS, &[name, path]);
        Self {
            primary: path("primary"),
            fallback: path("fallback"),
            none: path("none"),
        }
    }
}
