//! One way or the other.

use std::borrow::Cow;
use std::marker::PhantomData;

use crate::catalog::CONDITIONAL_PASSED_THROUGH;
use crate::context::WorkflowContext;
use crate::error::Result;
use crate::flow::{Flow, IntoFlow};
use crate::observed::Observed;
use crate::primitive::Primitive;
use crate::record::{Level, LogField};

/// Runs one of two flows, as a predicate of the input decides; made by [`conditional`] and
/// [`if_else`].
#[derive(Debug)]
pub struct ConditionalPrimitive<C, T, E> {
    predicate: C,
    then: T,
    otherwise: E,
}

/// Runs `then` where `predicate` says yes, and passes the input on unchanged where it says no.
///
/// An error of the predicate is the error of the step.
///
/// # Examples
///
/// ```
/// use tta_core::{conditional, step};
///
/// let shorten = step("shorten", async |text: String| Ok(text.chars().take(80).collect()));
/// let flow = conditional(|text: &String, _| text.chars().count() > 80, shorten);
/// ```
pub fn conditional<C, V, T>(
    predicate: C,
    then: T,
) -> Flow<Observed<ConditionalPrimitive<C, T::Primitive, PassThrough<T::Input>>>>
where
    C: Fn(&T::Input, &WorkflowContext) -> V + Send + Sync,
    V: Verdict,
    T: IntoFlow<Output = <T as IntoFlow>::Input>,
    T::Input: Sync,
{
    let then = then.into_flow().into_primitive();
    Flow::new(ConditionalPrimitive {
        predicate,
        then,
        otherwise: PassThrough {
            conditional: Cow::Borrowed("ConditionalPrimitive"),
            value: PhantomData,
        },
    })
}

/// Runs `then` where `predicate` says yes, and `otherwise` where it says no.
///
/// An error of the predicate is the error of the step.
pub fn if_else<C, V, T, E>(
    predicate: C,
    then: T,
    otherwise: E,
) -> Flow<Observed<ConditionalPrimitive<C, T::Primitive, E::Primitive>>>
where
    C: Fn(&T::Input, &WorkflowContext) -> V + Send + Sync,
    V: Verdict,
    T: IntoFlow,
    T::Input: Sync,
    E: IntoFlow<Input = T::Input, Output = T::Output>,
{
    let then = then.into_flow().into_primitive();
    let otherwise = otherwise.into_flow().into_primitive();
    Flow::new(ConditionalPrimitive {
        predicate,
        then,
        otherwise,
    })
}

impl<C, V, T, E> Primitive for ConditionalPrimitive<C, T, E>
where
    C: Fn(&T::Input, &WorkflowContext) -> V + Send + Sync,
    V: Verdict,
    T: Primitive,
    T::Input: Sync,
    E: Primitive<Input = T::Input, Output = T::Output>,
{
    type Input = T::Input;
    type Output = T::Output;

    fn rename(&mut self, name: &str) {
        self.otherwise.rename(name);
    }

    fn depth(&self) -> usize {
        self.then.depth().max(self.otherwise.depth()) + 1
    }

    fn is_idempotent(&self) -> bool {
        self.then.is_idempotent() && self.otherwise.is_idempotent()
    }

    async fn execute(&self, input: T::Input, ctx: &WorkflowContext) -> Result<T::Output> {
        let yes = (self.predicate)(&input, ctx).verdict()?;
        ctx.set_attribute("condition", yes);
        if yes {
            self.then.execute(input, ctx).await
        } else {
            self.otherwise.execute(input, ctx).await
        }
    }
}

/// What a predicate may return: a `bool`, or a `Result<bool>`.
pub trait Verdict: Send {
    /// The decision, or why there is none.
    fn verdict(self) -> Result<bool>;
}

impl Verdict for bool {
    fn verdict(self) -> Result<bool> {
        Ok(self)
    }
}

impl Verdict for Result<bool> {
    fn verdict(self) -> Result<bool> {
        self
    }
}

/// Gives its input back.
#[derive(Debug)]
pub struct PassThrough<I> {
    /// The name of the conditional that it is the other branch of.
    conditional: Cow<'static, str>,
    value: PhantomData<fn(I) -> I>,
}

impl<I: Send> Primitive for PassThrough<I> {
    type Input = I;
    type Output = I;

    fn rename(&mut self, name: &str) {
        self.conditional = Cow::Owned(name.to_owned());
    }

    async fn execute(&self, input: I, ctx: &WorkflowContext) -> Result<I> {
        let fields = [LogField::new("primitive", &*self.conditional)];
        ctx.log(&CONDITIONAL_PASSED_THROUGH, Level::Debug, &fields);
        Ok(input)
    }
}
