//! Each in turn.

use std::sync::atomic::{AtomicUsize, Ordering};

use tta_core::{Result, WorkflowContext};

use super::{RoutingStrategy, nothing_to_choose};
use crate::decision::Choice;
use crate::reason::RouteReason;
use crate::routes::Routes;

/// Gives each route its turn, in the order in which they were added.
#[derive(Debug, Default)]
pub struct RoundRobin {
    next: AtomicUsize,
}

impl RoundRobin {
    /// Begins with the first route.
    pub const fn new() -> Self {
        Self {
            next: AtomicUsize::new(0),
        }
    }
}

impl<I> RoutingStrategy<I> for RoundRobin {
    fn choose<'a>(
        &'a self,
        _: &I,
        ctx: &WorkflowContext,
        routes: Routes<'a>,
    ) -> Result<Choice<'a>> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let route = routes
            .at(turn % routes.count().max(1))
            .ok_or_else(nothing_to_choose)?;
        if ctx.is_sampled() {
            ctx.set_attribute("route.turn", turn);
        }
        Ok(route.choose(RouteReason::RoundRobin))
    }
}
