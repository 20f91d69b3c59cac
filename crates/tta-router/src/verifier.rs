//! Whether an answer is good enough.

use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;

use tta_core::{Result, WorkflowContext};

/// Decides whether the answer of a cheap route is good enough, in a
/// [cascade](crate::RouterBuilder::cascade).
///
/// Implemented for functions `Fn(&Input, &Output) -> bool` and for async functions
/// `async |&Input, &Output, &WorkflowContext| -> Result<bool>`; instead of `bool` either may return a
/// [`Verification`] with a score. `M` tells the two apart, and is left out by types that implement
/// the trait.
///
/// A verifier that calls a model reports what that cost to the context it is given, as any step does;
/// the router is charged for it. An error says that it could not be found out whether the answer is
/// good: the call is escalated then.
///
/// # Examples
///
/// ```
/// use tta_core::{Result, WorkflowContext};
/// use tta_router::{Verification, Verifier};
///
/// struct Judge;
///
/// impl Verifier<String, String> for Judge {
///     async fn verify(&self, question: &String, answer: &String, ctx: &WorkflowContext) -> Result<Verification> {
///         ctx.report_cost(0.000_02);
///         let overlap = question.split(' ').filter(|word| answer.contains(*word)).count();
///         Ok(Verification::from(overlap > 0).with_score(overlap as f64))
///     }
/// }
/// ```
///
/// # Cancellation
///
/// A verifier is dropped with the call; what it reported to have cost by then is charged.
pub trait Verifier<I, O, M = ()>: Send + Sync {
    /// Decides about one answer.
    fn verify(
        &self,
        input: &I,
        answer: &O,
        ctx: &WorkflowContext,
    ) -> impl Future<Output = Result<Verification>> + Send;
}

/// What a [`Verifier`] says of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Verification {
    /// Whether the answer is good enough.
    pub accepted: bool,
    /// The number that decided, if one did.
    pub score: Option<f64>,
}

impl Verification {
    /// The same with the number that decided.
    #[must_use]
    pub fn with_score(mut self, score: f64) -> Self {
        self.score = Some(score);
        self
    }
}

impl From<bool> for Verification {
    fn from(accepted: bool) -> Self {
        Self {
            accepted,
            score: None,
        }
    }
}

/// Tells verifiers of the signature `(input, answer)` apart.
#[derive(Debug)]
pub struct OfAnswer;

/// Tells async verifiers of the signature `(input, answer, context)` apart.
#[derive(Debug)]
pub struct OfAnswerAndContext;

impl<F, I, O, V> Verifier<I, O, OfAnswer> for F
where
    F: Fn(&I, &O) -> V + Send + Sync,
    I: Sync,
    O: Sync,
    V: Into<Verification>,
{
    async fn verify(&self, input: &I, answer: &O, _: &WorkflowContext) -> Result<Verification> {
        Ok(self(input, answer).into())
    }
}

impl<F, I, O> Verifier<I, O, OfAnswerAndContext> for F
where
    F: for<'a> AsyncVerifier<'a, I, O>,
    I: Sync,
    O: Sync,
{
    async fn verify(&self, input: &I, answer: &O, ctx: &WorkflowContext) -> Result<Verification> {
        self.call(input, answer, ctx).await
    }
}

/// An async function that is a [`Verifier`]; implemented for all of them.
pub trait AsyncVerifier<'a, I, O>: Send + Sync {
    /// Calls it.
    fn call(
        &self,
        input: &'a I,
        answer: &'a O,
        ctx: &'a WorkflowContext,
    ) -> impl Future<Output = Result<Verification>> + Send;
}

impl<'a, F, R, V, I, O> AsyncVerifier<'a, I, O> for F
where
    F: Fn(&'a I, &'a O, &'a WorkflowContext) -> R + Send + Sync,
    R: Future<Output = Result<V>> + Send + 'a,
    V: Into<Verification>,
    I: 'a,
    O: 'a,
{
    fn call(
        &self,
        input: &'a I,
        answer: &'a O,
        ctx: &'a WorkflowContext,
    ) -> impl Future<Output = Result<Verification>> + Send {
        let verdict = self(input, answer, ctx);
        async move { verdict.await.map(Into::into) }
    }
}

/// A [`Verifier`] with its type erased.
pub(crate) struct BoxVerifier<I, O>(Box<dyn DynVerifier<I, O>>);

impl<I, O> BoxVerifier<I, O> {
    pub(crate) fn new<V, M>(verifier: V) -> Self
    where
        V: Verifier<I, O, M> + 'static,
        I: Sync + 'static,
        O: Sync + 'static,
        M: 'static,
    {
        Self(Box::new(Typed(verifier, PhantomData)))
    }

    pub(crate) fn verify<'a>(
        &'a self,
        input: &'a I,
        answer: &'a O,
        ctx: &'a WorkflowContext,
    ) -> BoxFuture<'a, Verification> {
        self.0.verify_boxed(input, answer, ctx)
    }
}

impl<I, O> fmt::Debug for BoxVerifier<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BoxVerifier")
    }
}

pub(crate) type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;

trait DynVerifier<I, O>: Send + Sync {
    fn verify_boxed<'a>(
        &'a self,
        input: &'a I,
        answer: &'a O,
        ctx: &'a WorkflowContext,
    ) -> BoxFuture<'a, Verification>;
}

struct Typed<V, M>(V, PhantomData<fn(M)>);

impl<V, M, I, O> DynVerifier<I, O> for Typed<V, M>
where
    V: Verifier<I, O, M>,
    I: Sync,
    O: Sync,
{
    fn verify_boxed<'a>(
        &'a self,
        input: &'a I,
        answer: &'a O,
        ctx: &'a WorkflowContext,
    ) -> BoxFuture<'a, Verification> {
        Box::pin(self.0.verify(input, answer, ctx))
    }
}
