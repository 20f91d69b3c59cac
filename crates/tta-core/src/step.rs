//! A primitive made of a function.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use crate::context::WorkflowContext;
use crate::error::Result;
use crate::flow::Flow;
use crate::observed::Observed;
use crate::primitive::Primitive;

/// A primitive made of a function; made by [`step`] and [`step_with`].
pub struct StepPrimitive<S, F, I, O, M> {
    name: Cow<'static, str>,
    state: S,
    function: F,
    signature: PhantomData<fn(I, M) -> O>,
}

/// Makes a step of an async function or closure.
///
/// The function takes an input, and after it a `&WorkflowContext` if it wants one. Name the input's
/// type where the compiler asks for it. A closure that needs something from outside is given it by
/// [`step_with`].
///
/// # Examples
///
/// ```
/// use tta_core::{Result, WorkflowContext, step};
///
/// async fn search(question: String, ctx: &WorkflowContext) -> Result<Vec<String>> {
///     ctx.set_attribute("index", "wiki");
///     Ok(vec![question])
/// }
///
/// let flow = step("search", search) >> step("count", async |found: Vec<String>| Ok(found.len()));
/// ```
pub fn step<F, I, O, M>(
    name: impl Into<Cow<'static, str>>,
    function: F,
) -> Flow<Observed<StepPrimitive<(), F, I, O, M>>>
where
    F: for<'a> StepFunction<'a, (), I, M, Output = O>,
    I: Send,
    O: Send,
{
    step_with(name, (), function)
}

/// Makes a step of an async function or closure that is lent some state: a client, a pool, a table.
///
/// The function takes the state by reference, an input, and after it a `&WorkflowContext` if it
/// wants one; a method of the state is such a function.
///
/// # Examples
///
/// ```
/// use tta_core::{Result, step_with};
///
/// struct Model {
///     prompt: String,
/// }
///
/// impl Model {
///     async fn ask(&self, question: String) -> Result<String> {
///         Ok(format!("{} {question}", self.prompt))
///     }
/// }
///
/// let model = Model { prompt: "Be brief.".to_owned() };
/// let flow = step_with("model", model, Model::ask);
/// ```
pub fn step_with<S, F, I, O, M>(
    name: impl Into<Cow<'static, str>>,
    state: S,
    function: F,
) -> Flow<Observed<StepPrimitive<S, F, I, O, M>>>
where
    S: Send + Sync,
    F: for<'a> StepFunction<'a, S, I, M, Output = O>,
    I: Send,
    O: Send,
{
    Flow::new(StepPrimitive {
        name: name.into(),
        state,
        function,
        signature: PhantomData,
    })
}

impl<S, F, I, O, M> Primitive for StepPrimitive<S, F, I, O, M>
where
    S: Send + Sync,
    F: for<'a> StepFunction<'a, S, I, M, Output = O>,
    I: Send,
    O: Send,
{
    type Input = I;
    type Output = O;

    fn name(&self) -> &str {
        &self.name
    }

    // A block where an `async fn` would do: that one moves its arguments once more.
    #[expect(clippy::manual_async_fn, reason = "its arguments stay where they are")]
    fn execute(&self, input: I, ctx: &WorkflowContext) -> impl Future<Output = Result<O>> + Send {
        async move { self.function.call(&self.state, input, ctx).await }
    }
}

impl<S, F, I, O, M> fmt::Debug for StepPrimitive<S, F, I, O, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepPrimitive")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// An async function that can be made a step: with or without state, with or without a context.
///
/// It is implemented for all such functions; `M` tells the four signatures apart.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be made a step",
    label = "not an async function of an input and, if wanted, a `&WorkflowContext`",
    note = "write `async |input: Input| …` or `async |input: Input, ctx: &WorkflowContext| …`, \
            with the types named, returning `tta_core::Result`",
    note = "a closure that captures its surroundings is written with `step_with(name, state, \
            async |state: &State, input: Input| …)`"
)]
pub trait StepFunction<'a, S, I, M>: Send + Sync {
    /// What it gives back.
    type Output: Send;
    /// The future it returns.
    type Future: Future<Output = Result<Self::Output>> + Send;

    /// Calls it.
    fn call(&self, state: &'a S, input: I, ctx: &'a WorkflowContext) -> Self::Future;
}

/// Tells functions of the signature `(input)` apart.
#[derive(Debug)]
pub struct OfInput;

/// Tells functions of the signature `(input, context)` apart.
#[derive(Debug)]
pub struct OfInputAndContext;

/// Tells functions of the signature `(state, input)` apart.
#[derive(Debug)]
pub struct OfStateAndInput;

/// Tells functions of the signature `(state, input, context)` apart.
#[derive(Debug)]
pub struct OfStateInputAndContext;

impl<'a, F, R, I, O> StepFunction<'a, (), I, OfInput> for F
where
    F: Fn(I) -> R + Send + Sync,
    R: Future<Output = Result<O>> + Send + 'a,
    O: Send,
{
    type Output = O;
    type Future = R;

    fn call(&self, (): &'a (), input: I, _: &'a WorkflowContext) -> R {
        self(input)
    }
}

impl<'a, F, R, I, O> StepFunction<'a, (), I, OfInputAndContext> for F
where
    F: Fn(I, &'a WorkflowContext) -> R + Send + Sync,
    R: Future<Output = Result<O>> + Send + 'a,
    O: Send,
{
    type Output = O;
    type Future = R;

    fn call(&self, (): &'a (), input: I, ctx: &'a WorkflowContext) -> R {
        self(input, ctx)
    }
}

impl<'a, S, F, R, I, O> StepFunction<'a, S, I, OfStateAndInput> for F
where
    S: 'a,
    F: Fn(&'a S, I) -> R + Send + Sync,
    R: Future<Output = Result<O>> + Send + 'a,
    O: Send,
{
    type Output = O;
    type Future = R;

    fn call(&self, state: &'a S, input: I, _: &'a WorkflowContext) -> R {
        self(state, input)
    }
}

impl<'a, S, F, R, I, O> StepFunction<'a, S, I, OfStateInputAndContext> for F
where
    S: 'a,
    F: Fn(&'a S, I, &'a WorkflowContext) -> R + Send + Sync,
    R: Future<Output = Result<O>> + Send + 'a,
    O: Send,
{
    type Output = O;
    type Future = R;

    fn call(&self, state: &'a S, input: I, ctx: &'a WorkflowContext) -> R {
        self(state, input, ctx)
    }
}
