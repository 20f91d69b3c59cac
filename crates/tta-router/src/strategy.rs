//! How a route is chosen.

mod by_complexity;
mod by_rule;
mod cheapest_within;
mod health_aware;
mod least_in_flight;
mod lowest_latency;
mod round_robin;
mod sticky;
mod weighted;

pub use by_complexity::ByComplexity;
pub use by_rule::ByRule;
pub use cheapest_within::CheapestWithin;
pub use health_aware::HealthAware;
pub use least_in_flight::LeastInFlight;
pub use lowest_latency::LowestLatency;
pub use round_robin::RoundRobin;
pub use sticky::Sticky;
pub use weighted::Weighted;

use tta_core::{Error, ErrorKind, Result, WorkflowContext};

use crate::decision::Choice;
use crate::routes::Routes;

/// Chooses a route for an input.
///
/// Implemented for functions `Fn(&Input, &WorkflowContext) -> Result<route>`, where the route is a
/// name or a [`Choice`]. An error, or a name that no route has, leads to the router's default.
///
/// A strategy runs on the caller's thread and must not wait. What it decides from it may set as
/// attributes of the context while [sampled](WorkflowContext::is_sampled): they appear on the span
/// `router.select_route`.
pub trait RoutingStrategy<I>: Send + Sync {
    /// Chooses one of `routes`.
    fn choose<'a>(
        &'a self,
        input: &I,
        ctx: &WorkflowContext,
        routes: Routes<'a>,
    ) -> Result<Choice<'a>>;

    /// Refuses a router that it cannot choose for, such as one that lacks a route that it names.
    fn validate(&self, routes: Routes<'_>) -> Result<()> {
        let _ = routes;
        Ok(())
    }
}

impl<I, F, C> RoutingStrategy<I> for F
where
    F: Fn(&I, &WorkflowContext) -> Result<C> + Send + Sync,
    C: Into<Choice<'static>>,
{
    fn choose<'a>(&'a self, input: &I, ctx: &WorkflowContext, _: Routes<'a>) -> Result<Choice<'a>> {
        self(input, ctx).map(Into::into)
    }
}

/// Refuses a name that no route has.
fn known<'n>(names: impl IntoIterator<Item = &'n str>, routes: Routes<'_>) -> Result<()> {
    for name in names {
        if routes.named(name).is_none() {
            let message = format!(
                "the strategy names a route `{name}` and the router has {}; add it or mend the name",
                routes.listed()
            );
            return Err(Error::new(ErrorKind::Configuration, message));
        }
    }
    Ok(())
}

/// What a strategy says that was left without a route.
fn nothing_to_choose() -> Error {
    Error::msg("there is no route to choose")
}

/// Whole and broken milliseconds, for an attribute.
fn millis(duration: std::time::Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}
