//! What is fast enough, for the least money.

use std::time::Duration;

use tta_core::{Error, ErrorKind, Result, WorkflowContext};

use super::lowest_latency::{RETRY_IDLE, check_idle, fastest, is_idle};
use super::{RoutingStrategy, millis, nothing_to_choose};
use crate::decision::Choice;
use crate::reason::RouteReason;
use crate::routes::Routes;

/// Takes the cheapest route of those that answer within a target, or the fastest if none does.
///
/// Latency is what [`Candidate::latency`](crate::Candidate::latency) says. A route that has not
/// answered yet is taken to be in time; one that was too slow is given one call after it has been
/// idle for a while, if it is the cheapest. A route whose price is not known counts as dearest.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_router::CheapestWithin;
///
/// let strategy = CheapestWithin::new(Duration::from_secs(2));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct CheapestWithin {
    target: Duration,
    retry_idle: Duration,
}

impl CheapestWithin {
    /// The target; zero is refused when the router is built.
    pub const fn new(target: Duration) -> Self {
        Self {
            target,
            retry_idle: RETRY_IDLE,
        }
    }

    /// How long a route that was too slow may be idle until it is tried again; 30 s by default.
    #[must_use]
    pub const fn with_retry_idle(mut self, idle: Duration) -> Self {
        self.retry_idle = idle;
        self
    }
}

impl<I> RoutingStrategy<I> for CheapestWithin {
    fn choose<'a>(
        &'a self,
        _: &I,
        ctx: &WorkflowContext,
        routes: Routes<'a>,
    ) -> Result<Choice<'a>> {
        let mut best = None;
        for route in routes.iter() {
            let in_time = route.latency().is_none_or(|it| it <= self.target);
            let may_probe = is_idle(&route, self.retry_idle) && !route.is_probed();
            if !in_time && !may_probe {
                continue;
            }
            let price = route.expected_cost().unwrap_or(f64::INFINITY);
            if best.is_none_or(|(_, least, _)| price < least) {
                best = Some((route, price, !in_time));
            }
        }
        let (route, is_probe) = match best {
            Some((route, _, is_probe)) => (route, is_probe),
            None => (fastest(routes).ok_or_else(nothing_to_choose)?, false),
        };
        if ctx.is_sampled() {
            ctx.set_attribute("route.latency_target_ms", millis(self.target));
            if let Some(latency) = route.latency() {
                ctx.set_attribute("route.latency_ms", millis(latency));
            }
        }
        let choice = route.choose(RouteReason::CheapestWithin);
        Ok(if is_probe { choice.as_probe() } else { choice })
    }

    fn validate(&self, _: Routes<'_>) -> Result<()> {
        if self.target.is_zero() {
            let message =
                "nothing answers within no time; give `CheapestWithin` a target above zero";
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        check_idle(self.retry_idle)
    }
}
