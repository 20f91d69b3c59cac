//! Composition.

use std::borrow::Cow;
use std::ops::Deref;
use std::sync::LazyLock;

use crate::boxed::{BoxFlow, BoxPrimitive};
use crate::context::WorkflowContext;
use crate::error::Result;
use crate::fallback::FallbackPrimitive;
use crate::named::Named;
use crate::non_idempotent::NonIdempotent;
use crate::observe::{Seam, Subject, observe};
use crate::observed::Observed;
use crate::primitive::Primitive;
use crate::saga::SagaPrimitive;
use crate::sequence::Sequence;

/// A composition of primitives, and what carries the operators: `a >> b` runs one after the other,
/// `a | b` both at once.
///
/// # Examples
///
/// ```
/// use tta_core::step;
///
/// let words = step("words", async |text: String| Ok(text.split_whitespace().count()));
/// let bytes = step("bytes", async |text: String| Ok(text.len()));
/// let average = step("average", async |(words, bytes): (usize, usize)| Ok(bytes / words.max(1)));
///
/// let flow = (words | bytes) >> average;
/// # let _ = async { flow.run("how long is a word".to_owned()).await };
/// ```
///
/// A flow that is run from outside any workflow is a workflow: its root span is called after its
/// [name](Self::named), or `workflow.execute`.
#[must_use = "a flow does nothing until it is run"]
#[derive(Debug)]
pub struct Flow<P> {
    primitive: P,
}

impl<P: Primitive> Flow<Observed<P>> {
    /// A flow of one observed primitive.
    pub fn new(primitive: P) -> Self {
        Self::from_observed(Observed::new(primitive))
    }

    /// The same primitive under another name.
    pub fn with_name(self, name: impl Into<Cow<'static, str>>) -> Self {
        let name = name.into();
        Self::from_observed(self.primitive.renamed(&name))
    }

    /// The same primitive with these bounds of its exported duration buckets, in seconds and
    /// ascending. All primitives of one name share the bounds of the first that is run.
    pub fn with_duration_buckets(self, bounds: &[f64]) -> Self {
        Self::from_observed(self.primitive.map_seam(|seam| seam.with_bounds(bounds)))
    }

    /// The same primitive, with the time inside its polls measured as well: what it computes rather
    /// than waits. Costs two readings of the clock for each poll.
    pub fn with_busy_time(self) -> Self {
        Self::from_observed(self.primitive.map_seam(Seam::measuring_busy))
    }

    fn from_observed(observed: Observed<P>) -> Self {
        Self {
            primitive: observed,
        }
    }
}

impl<P: Primitive> Flow<P> {
    /// Runs the flow in a context of its own.
    ///
    /// # Cancellation
    ///
    /// Dropping the future drops every step that has begun; their spans say `cancelled`.
    pub async fn run(&self, input: P::Input) -> Result<P::Output> {
        let ctx = WorkflowContext::new();
        self.execute(input, &ctx).await
    }

    /// Runs the flow in this context: as a workflow if nothing of it has begun around the caller,
    /// otherwise as a part.
    ///
    /// # Cancellation
    ///
    /// As for [`run`](Self::run).
    pub async fn execute(&self, input: P::Input, ctx: &WorkflowContext) -> Result<P::Output> {
        static UNNAMED: LazyLock<Seam> = LazyLock::new(|| Seam::workflow("workflow"));
        if !self.primitive.opens_workflow() && ctx.is_at_root() {
            observe(Subject::around::<P>(&UNNAMED), ctx, move || {
                self.primitive.execute(input, ctx)
            })
            .await
        } else {
            self.primitive.execute(input, ctx).await
        }
    }

    /// Runs `next` on what this flow gives back; the same as `self >> next`.
    pub fn then<N>(self, next: N) -> Flow<Sequence<P, N::Primitive>>
    where
        N: IntoFlow<Input = P::Output>,
    {
        Flow::from_primitive(Sequence::new(self.primitive, next.into_flow().primitive))
    }

    /// Gives the flow a name: the name of its root span as a workflow, and a span of its own as a
    /// part of another one.
    pub fn named(self, name: impl Into<Cow<'static, str>>) -> Flow<Named<P>> {
        Flow::from_primitive(Named::new(self.primitive, &name.into()))
    }

    /// Marks the flow as one that must not run twice for one input: it charges a card, sends a
    /// message. Retries and hedges refuse it, also as a part of a larger flow.
    ///
    /// # Examples
    ///
    /// ```
    /// use tta_core::{Primitive, step};
    ///
    /// let price = step("price", async |item: u32| Ok(item * 2));
    /// let charge = step("charge", async |cents: u32| Ok(cents)).non_idempotent();
    /// let order = price >> charge;
    /// assert!(!order.into_primitive().is_idempotent());
    /// ```
    pub fn non_idempotent(self) -> Flow<NonIdempotent<P>> {
        Flow::from_primitive(NonIdempotent::new(self.primitive))
    }

    /// Answers with `fallback`, given the same input, when this flow fails.
    pub fn with_fallback<F>(self, fallback: F) -> Flow<Observed<FallbackPrimitive<P, F::Primitive>>>
    where
        P::Input: Clone + Sync,
        F: IntoFlow<Input = P::Input, Output = P::Output>,
    {
        crate::fallback::fallback(self, fallback)
    }

    /// Runs `compensation` on the same input when this flow fails, and fails all the same.
    pub fn with_compensation<C>(
        self,
        compensation: C,
    ) -> Flow<Observed<SagaPrimitive<P, C::Primitive>>>
    where
        P::Input: Clone + Sync,
        C: IntoFlow<Input = P::Input>,
    {
        crate::saga::saga(self, compensation)
    }

    /// The same flow with its type erased, so that flows of different make can stand in one place.
    ///
    /// Sequences are held flat: ten thousand steps joined one by one run and drop without deep
    /// recursion.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](crate::ErrorKind::Configuration) if primitives lie more than
    /// [`MAX_DEPTH`](crate::MAX_DEPTH) deep inside one another.
    pub fn boxed(self) -> Result<BoxFlow<P::Input, P::Output>>
    where
        P: 'static,
        P::Input: 'static,
        P::Output: 'static,
    {
        Ok(Flow::from_primitive(BoxPrimitive::new(self.primitive)?))
    }

    /// The flow's outermost primitive.
    pub fn into_primitive(self) -> P {
        self.primitive
    }
}

/// Reaches the primitive's own methods, such as a router's `decide_route`.
impl<P> Deref for Flow<Observed<P>> {
    type Target = P;

    fn deref(&self) -> &P {
        self.primitive.primitive()
    }
}

impl<P> Flow<Observed<P>> {
    /// What has been measured of the primitive, since the process began or the last reset.
    pub fn metrics(&self) -> crate::PrimitiveMetrics {
        self.primitive.metrics()
    }
}

impl<P> Flow<P> {
    pub(crate) const fn from_primitive(primitive: P) -> Self {
        Self { primitive }
    }

    pub(crate) fn map(self, change: impl FnOnce(P) -> P) -> Self {
        Self {
            primitive: change(self.primitive),
        }
    }
}

impl<P: Clone> Clone for Flow<P> {
    fn clone(&self) -> Self {
        Self {
            primitive: self.primitive.clone(),
        }
    }
}

/// What can stand as an operand of a flow: a [`Flow`], or any [`Primitive`], which is observed then.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be part of a flow",
    label = "this is neither a flow nor a primitive",
    note = "make a step of a function with `step(\"name\", function)`, or implement `Primitive`"
)]
pub trait IntoFlow {
    /// What it takes.
    type Input: Send;
    /// What it gives back.
    type Output: Send;
    /// What the flow consists of.
    type Primitive: Primitive<Input = Self::Input, Output = Self::Output>;

    /// The flow.
    fn into_flow(self) -> Flow<Self::Primitive>;
}

impl<P: Primitive> IntoFlow for Flow<P> {
    type Input = P::Input;
    type Output = P::Output;
    type Primitive = P;

    fn into_flow(self) -> Self {
        self
    }
}

impl<P: Primitive> IntoFlow for P {
    type Input = P::Input;
    type Output = P::Output;
    type Primitive = Observed<P>;

    fn into_flow(self) -> Flow<Observed<P>> {
        Flow::new(self)
    }
}
