//! Where answers come fastest.

use std::time::Duration;

use tta_core::{Error, ErrorKind, Result, WorkflowContext};

use super::{RoutingStrategy, millis, nothing_to_choose};
use crate::decision::Choice;
use crate::reason::RouteReason;
use crate::routes::{Candidate, Routes};

/// Takes the route that has answered fastest of late.
///
/// The latency of a route is a mean in which older answers count for less and less (see
/// [`latency_half_life`](crate::RouterBuilder::latency_half_life)). A route that has never been tried,
/// or not for a while, is given one call, so that a route that was slow once is not shunned for ever;
/// others go on with what is known until that call has ended.
///
/// Errors have no latency: put [`HealthAware`](crate::HealthAware) around, so that a route that fails
/// fast is not taken for a fast one.
#[derive(Clone, Copy, Debug)]
pub struct LowestLatency {
    retry_idle: Duration,
}

impl LowestLatency {
    /// Tries a route again that has been idle for 30 s.
    pub const fn new() -> Self {
        Self {
            retry_idle: RETRY_IDLE,
        }
    }

    /// How long a route may be idle until it is tried again; 30 s by default. Zero is refused when
    /// the router is built.
    #[must_use]
    pub const fn with_retry_idle(mut self, idle: Duration) -> Self {
        self.retry_idle = idle;
        self
    }
}

impl Default for LowestLatency {
    fn default() -> Self {
        Self::new()
    }
}

impl<I> RoutingStrategy<I> for LowestLatency {
    fn choose<'a>(
        &'a self,
        _: &I,
        ctx: &WorkflowContext,
        routes: Routes<'a>,
    ) -> Result<Choice<'a>> {
        let idle = routes
            .iter()
            .find(|route| is_idle(route, self.retry_idle) && !route.is_probed());
        if let Some(route) = idle {
            return Ok(route.choose(RouteReason::Probe).as_probe());
        }
        let route = fastest(routes).ok_or_else(nothing_to_choose)?;
        if let (true, Some(latency)) = (ctx.is_sampled(), route.latency()) {
            ctx.set_attribute("route.latency_ms", millis(latency));
        }
        Ok(route.choose(RouteReason::LowestLatency))
    }

    fn validate(&self, _: Routes<'_>) -> Result<()> {
        check_idle(self.retry_idle)
    }
}

/// The route with the lowest latency, or of those without one that with the fewest calls.
pub(super) fn fastest(routes: Routes<'_>) -> Option<Candidate<'_>> {
    routes.iter().min_by_key(|route| {
        let latency = route.latency().unwrap_or(Duration::MAX);
        (latency, route.in_flight())
    })
}

/// Whether nobody knows how the route does at present.
pub(super) fn is_idle(route: &Candidate<'_>, retry_idle: Duration) -> bool {
    let idle = route.since_tried().is_none_or(|idle| idle >= retry_idle);
    idle && route.in_flight() == 0
}

pub(super) fn check_idle(retry_idle: Duration) -> Result<()> {
    if retry_idle.is_zero() {
        let message = "routes that are tried again after no time at all are tried at every call; \
                       give `with_retry_idle` a time above zero";
        return Err(Error::new(ErrorKind::Configuration, message));
    }
    Ok(())
}

pub(super) const RETRY_IDLE: Duration = Duration::from_secs(30);
