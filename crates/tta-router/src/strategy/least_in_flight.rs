//! Where the fewest wait.

use std::sync::atomic::{AtomicUsize, Ordering};

use tta_core::{Result, WorkflowContext};

use super::{RoutingStrategy, nothing_to_choose};
use crate::decision::Choice;
use crate::reason::RouteReason;
use crate::routes::Routes;

/// Takes the route that is working on the fewest of this router's calls; among equals each in turn.
///
/// For routes of the same kind, such as several deployments of one model.
#[derive(Debug, Default)]
pub struct LeastInFlight {
    next: AtomicUsize,
}

impl LeastInFlight {
    /// Among equals begins with the first route.
    pub const fn new() -> Self {
        Self {
            next: AtomicUsize::new(0),
        }
    }
}

impl<I> RoutingStrategy<I> for LeastInFlight {
    fn choose<'a>(
        &'a self,
        _: &I,
        ctx: &WorkflowContext,
        routes: Routes<'a>,
    ) -> Result<Choice<'a>> {
        let fewest = routes.iter().map(|route| route.in_flight()).min();
        let fewest = fewest.ok_or_else(nothing_to_choose)?;
        // Others may begin and end meanwhile: who has become busier since is passed over, unless
        // that leaves nobody.
        let equals = || routes.iter().filter(|route| route.in_flight() <= fewest);
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % equals().count().max(1);
        let route = equals().nth(turn).or_else(|| routes.at(0));
        if ctx.is_sampled() {
            ctx.set_attribute("route.in_flight", fewest);
        }
        let route = route.ok_or_else(nothing_to_choose)?;
        Ok(route.choose(RouteReason::LeastInFlight))
    }
}
