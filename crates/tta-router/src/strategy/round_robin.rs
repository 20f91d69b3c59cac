//! Each in turn.

use std::sync::atomic::{AtomicUsize, Ordering};

use tta_core::{Error, Result, WorkflowContext};

use super::{RouteNames, RoutingStrategy};
use crate::decision::{Choice, RouteReason};

/// Gives each route its turn, in the order in which they were added.
#[derive(Debug, Default)]
pub struct RoundRobin {
    next: AtomicUsize,
}

impl RoundRobin {
    /// Begins with the first route.
    pub fn new() -> Self {
        Self::default()
    }
}

impl<I> RoutingStrategy<I> for RoundRobin {
    fn choose(&self, _: &I, _: &WorkflowContext, routes: RouteNames<'_>) -> Result<Choice> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed) % routes.count().max(1);
        let route = routes
            .at(turn)
            .ok_or_else(|| Error::msg("there is no route"))?;
        Ok(Choice::new(route.to_owned(), RouteReason::RoundRobin))
    }
}
