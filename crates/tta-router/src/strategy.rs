//! How a route is chosen.

mod complexity;
mod round_robin;
mod rules;

pub use complexity::{ByComplexity, Complexity, complexity};
pub use round_robin::RoundRobin;
pub use rules::ByRule;

use tta_core::{Result, WorkflowContext};

use crate::decision::Choice;

/// Chooses a route for an input.
///
/// Implemented for functions `Fn(&Input, &WorkflowContext) -> Result<route>`, where the route is a
/// name or a [`Choice`]. An error, or a name that no route has, leads to the router's default.
///
/// A strategy runs on the caller's thread and must not wait.
pub trait RoutingStrategy<I>: Send + Sync {
    /// Chooses one of `routes`.
    fn choose(&self, input: &I, ctx: &WorkflowContext, routes: RouteNames<'_>) -> Result<Choice>;
}

impl<I, F, C> RoutingStrategy<I> for F
where
    F: Fn(&I, &WorkflowContext) -> Result<C> + Send + Sync,
    C: Into<Choice>,
{
    fn choose(&self, input: &I, ctx: &WorkflowContext, _: RouteNames<'_>) -> Result<Choice> {
        self(input, ctx).map(Into::into)
    }
}

/// The names of a router's routes, in the order in which they were added.
#[derive(Clone, Copy, Debug)]
pub struct RouteNames<'r> {
    pub(crate) names: &'r [String],
}

impl<'r> RouteNames<'r> {
    /// How many routes there are; at least one.
    pub fn count(&self) -> usize {
        self.names.len()
    }

    /// The name at a place.
    pub fn at(&self, index: usize) -> Option<&'r str> {
        self.names.get(index).map(String::as_str)
    }

    /// All names.
    pub fn iter(&self) -> impl Iterator<Item = &'r str> + use<'r> {
        self.names.iter().map(String::as_str)
    }
}
