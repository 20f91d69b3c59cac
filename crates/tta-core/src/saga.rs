//! Undoing what was done when a later part fails.

use crate::catalog::{
    SAGA_COMPENSATION_FAILED, SAGA_COMPENSATION_SPAN, SAGA_COMPENSATIONS, SAGA_FORWARD_SPAN,
};
use crate::context::WorkflowContext;
use crate::error::{Error, Result};
use crate::flow::{Flow, IntoFlow};
use crate::instruments::{Counter, registry};
use crate::observe::{Subject, observe};
use crate::observed::Observed;
use crate::primitive::Primitive;
use crate::record::{Level, LogField};

/// Runs a compensation when its flow fails; made by [`saga`].
#[derive(Debug)]
pub struct SagaPrimitive<F, C> {
    forward: F,
    compensation: C,
    name: String,
    counts: Counts,
}

/// How compensations ended.
#[derive(Debug)]
struct Counts {
    success: Counter,
    error: Counter,
}

/// Runs `forward`; when it fails, runs `compensation` on the same input and returns the failure.
///
/// Nested sagas compensate from the inside out. A compensation that fails is counted, logged, and
/// stands among the [related](Error::related) errors of the one that is returned.
///
/// # Examples
///
/// Right: each step lies inside the saga whose compensation undoes it, together with all that
/// follows.
///
/// ```
/// use tta_core::{Flow, saga, step};
///
/// let reserve = || step("reserve", async |trip: String| Ok(trip));
/// let release = || step("release", async |_trip: String| Ok(()));
/// let charge = || step("charge", async |trip: String| Ok(trip));
/// let refund = || step("refund", async |_trip: String| Ok(()));
///
/// let book = saga(reserve() >> saga(charge(), refund()), release());
/// ```
///
/// Wrong: side by side, a failing charge leaves the reservation in place.
///
/// ```
/// # use tta_core::{Flow, saga, step};
/// # let reserve = || step("reserve", async |trip: String| Ok(trip));
/// # let release = || step("release", async |_trip: String| Ok(()));
/// # let charge = || step("charge", async |trip: String| Ok(trip));
/// # let refund = || step("refund", async |_trip: String| Ok(()));
/// let book = saga(reserve(), release()) >> saga(charge(), refund());
/// ```
///
/// # Cancellation
///
/// A destructor cannot wait, so a saga that is dropped does not compensate. Run it on a task of its
/// own where its caller may go away.
pub fn saga<F, C>(
    forward: F,
    compensation: C,
) -> Flow<Observed<SagaPrimitive<F::Primitive, C::Primitive>>>
where
    F: IntoFlow,
    F::Input: Clone + Sync,
    C: IntoFlow<Input = F::Input>,
{
    let forward = forward.into_flow().into_primitive();
    let compensation = compensation.into_flow().into_primitive();
    let name = "SagaPrimitive".to_owned();
    let counts = Counts::of(&name);
    Flow::new(SagaPrimitive {
        forward,
        compensation,
        name,
        counts,
    })
}

impl<F, C> Primitive for SagaPrimitive<F, C>
where
    F: Primitive,
    F::Input: Clone + Sync,
    C: Primitive<Input = F::Input>,
{
    type Input = F::Input;
    type Output = F::Output;

    fn name(&self) -> &str {
        &self.name
    }

    fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        self.counts = Counts::of(name);
    }

    fn depth(&self) -> usize {
        self.forward.depth().max(self.compensation.depth()) + 1
    }

    fn is_idempotent(&self) -> bool {
        self.forward.is_idempotent() && self.compensation.is_idempotent()
    }

    async fn execute(&self, input: F::Input, ctx: &WorkflowContext) -> Result<F::Output> {
        let kept = input.clone();
        let part = Subject::Part(&SAGA_FORWARD_SPAN);
        let forward = observe(part, ctx, move || self.forward.execute(input, ctx)).await;
        let error = match forward {
            Ok(output) => return Ok(output),
            Err(error) => error,
        };
        let part = Subject::Part(&SAGA_COMPENSATION_SPAN);
        match observe(part, ctx, move || self.compensation.execute(kept, ctx)).await {
            Ok(_) => {
                self.counts.success.increment_in(ctx);
                Err(error)
            }
            Err(second) => {
                self.counts.error.increment_in(ctx);
                self.report(&second, ctx);
                Err(error.with_related(second))
            }
        }
    }
}

impl<F, C> SagaPrimitive<F, C> {
    fn report(&self, error: &Error, ctx: &WorkflowContext) {
        let message = error.to_string();
        let fields = [
            LogField::new("primitive", self.name.as_str()),
            LogField::new("error_type", error.kind().as_str()),
            LogField::new("error", message.as_str()),
        ];
        ctx.log(&SAGA_COMPENSATION_FAILED, Level::Error, &fields);
    }
}

impl Counts {
    fn of(name: &str) -> Self {
        let outcome = |outcome| registry().declared_counter(&SAGA_COMPENSATIONS, &[name, outcome]);
        Self {
            success: outcome("success"),
            error: outcome("error"),
        }
    }
}
