//! How a route is chosen.

use std::borrow::Cow;

use tta_core::{Result, WorkflowContext};

use crate::decision::Reason;
use crate::router::Route;

/// Chooses a route for an input.
///
/// It is implemented for closures that take an input and a context, and return the name of a route
/// or a [`Choice`]. What it costs to choose, it [reports](WorkflowContext::report_cost) to the
/// context: the router charges it.
///
/// # Examples
///
/// ```
/// use tta_core::{WorkflowContext, step};
/// use tta_router::RouterPrimitive;
///
/// let flow = RouterPrimitive::builder()
///     .route("short", step("short", async |q: String| Ok(q)))
///     .route("long", step("long", async |q: String| Ok(q)))
///     .strategy(|q: &String, _: &WorkflowContext| Ok(if q.len() < 100 { "short" } else { "long" }))
///     .build()?;
/// # Ok::<(), tta_core::Error>(())
/// ```
pub trait RoutingStrategy<I>: Send + Sync {
    /// Chooses one of the routes.
    ///
    /// # Errors
    ///
    /// An error, like a panic, sends the input to the router's default route and is counted.
    fn choose(&self, input: &I, ctx: &WorkflowContext, routes: &Routes<'_>) -> Result<Choice>;
}

impl<I, F, C> RoutingStrategy<I> for F
where
    F: Fn(&I, &WorkflowContext) -> Result<C> + Send + Sync,
    C: Into<Choice>,
{
    fn choose(&self, input: &I, ctx: &WorkflowContext, _: &Routes<'_>) -> Result<Choice> {
        self(input, ctx).map(Into::into)
    }
}

/// The routes of a router, in the order in which they were given.
#[derive(Clone, Copy, Debug)]
pub struct Routes<'a> {
    names: &'a dyn Names,
}

/// Hides the types of what is routed.
pub(crate) trait Names: std::fmt::Debug + Sync {
    fn count(&self) -> usize;
    fn name(&self, index: usize) -> Option<&str>;
}

impl<I, O> Names for Vec<Route<I, O>> {
    fn count(&self) -> usize {
        self.len()
    }

    fn name(&self, index: usize) -> Option<&str> {
        self.get(index).map(|route| &*route.name)
    }
}

impl<'a> Routes<'a> {
    pub(crate) fn new(names: &'a dyn Names) -> Self {
        Self { names }
    }

    /// How many there are; at least one.
    pub fn count(&self) -> usize {
        self.names.count()
    }

    /// The name of the route at this position.
    pub fn name(&self, index: usize) -> Option<&str> {
        self.names.name(index)
    }
}

/// A route that was chosen, and why.
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Choice {
    pub(crate) target: Target,
    pub(crate) reason: Reason,
    pub(crate) score: Option<f64>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Target {
    Named(Cow<'static, str>),
    At(usize),
    Default,
}

impl Choice {
    /// The route of this name.
    pub fn route(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Target::Named(name.into()), Reason::Custom)
    }

    /// The route at this position of [`Routes`].
    pub const fn at(index: usize) -> Self {
        Self::new(Target::At(index), Reason::Custom)
    }

    /// The router's default route.
    pub const fn default_route() -> Self {
        Self::new(Target::Default, Reason::Default)
    }

    /// The same choice with the score that decided it.
    pub fn with_score(mut self, score: f64) -> Self {
        self.score = Some(score);
        self
    }

    pub(crate) const fn with_reason(mut self, reason: Reason) -> Self {
        self.reason = reason;
        self
    }

    const fn new(target: Target, reason: Reason) -> Self {
        Self {
            target,
            reason,
            score: None,
        }
    }
}

impl From<&'static str> for Choice {
    fn from(name: &'static str) -> Self {
        Self::route(name)
    }
}

impl From<String> for Choice {
    fn from(name: String) -> Self {
        Self::route(name)
    }
}

impl From<Cow<'static, str>> for Choice {
    fn from(name: Cow<'static, str>) -> Self {
        Self::route(name)
    }
}
