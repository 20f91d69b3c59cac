//! What a strategy sees of a router.

use std::time::Duration;

use tta_core::Usage;

use crate::cost::CostModel;
use crate::decision::Choice;
use crate::live::{Present, RouteRow, RouteTable};
use crate::reason::RouteReason;

/// The routes that a [strategy](crate::RoutingStrategy) may choose from, in the order in which they
/// were added, each with what it is doing.
///
/// # Examples
///
/// ```
/// use tta_core::{Error, Result, WorkflowContext};
/// use tta_router::{Choice, RouteReason, Routes, RoutingStrategy};
///
/// /// The first route that has not just failed.
/// struct FirstThatWorks;
///
/// impl<I> RoutingStrategy<I> for FirstThatWorks {
///     fn choose<'a>(&'a self, _: &I, _: &WorkflowContext, routes: Routes<'a>) -> Result<Choice<'a>> {
///         let works = routes.iter().find(|route| route.consecutive_failures() == 0);
///         let route = works.or(routes.at(0)).ok_or_else(|| Error::msg("there is no route"))?;
///         Ok(route.choose(RouteReason::Rule))
///     }
/// }
/// ```
#[derive(Clone, Copy)]
pub struct Routes<'r> {
    table: &'r RouteTable,
    /// None while the router is being put together, when nothing has happened yet.
    present: Option<&'r Present<'r>>,
    usage: Option<&'r dyn Fn() -> Usage>,
    left_out: Option<LeftOut>,
}

/// Which routes are left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LeftOut {
    pub(crate) failures: u32,
    pub(crate) cooldown: Duration,
}

/// How a route does, in the eyes of who leaves out those that fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    Well,
    /// It has been failing, the cooldown is over, and nobody is trying it yet.
    Recovering,
    Resting,
}

impl<'r> Routes<'r> {
    pub(crate) fn new(
        table: &'r RouteTable,
        present: &'r Present<'r>,
        usage: Option<&'r dyn Fn() -> Usage>,
    ) -> Self {
        Self {
            table,
            present: Some(present),
            usage,
            left_out: None,
        }
    }

    /// The routes of a router that is being put together.
    pub(crate) fn before_any_call(table: &'r RouteTable) -> Self {
        Self {
            table,
            present: None,
            usage: None,
            left_out: None,
        }
    }

    /// How many routes there are.
    pub fn count(&self) -> usize {
        self.iter().count()
    }

    /// The route at a place.
    pub fn at(&self, index: usize) -> Option<Candidate<'r>> {
        self.iter().nth(index)
    }

    /// The route of this name.
    pub fn named(&self, name: &str) -> Option<Candidate<'r>> {
        self.iter().find(|route| route.name() == name)
    }

    /// All routes.
    pub fn iter(&self) -> impl Iterator<Item = Candidate<'r>> + use<'r> {
        let (routes, left_out) = (*self, self.left_out);
        let all = self.table.rows.iter().map(move |row| Candidate {
            row,
            present: routes.present,
            usage: routes.usage,
        });
        all.filter(move |route| left_out.is_none_or(|rule| rule.health(route) != Health::Resting))
    }

    /// The names of all routes, for a message.
    pub(crate) fn listed(&self) -> String {
        self.table.listed()
    }

    /// Those that are not failing.
    pub(crate) fn leaving_out(self, left_out: LeftOut) -> Self {
        Self {
            left_out: Some(left_out),
            ..self
        }
    }
}

impl std::fmt::Debug for Routes<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

/// One route, and what it is doing.
#[derive(Clone, Copy)]
pub struct Candidate<'r> {
    row: &'r RouteRow,
    present: Option<&'r Present<'r>>,
    usage: Option<&'r dyn Fn() -> Usage>,
}

impl<'r> Candidate<'r> {
    /// Its name.
    pub fn name(&self) -> &'r str {
        &self.row.name
    }

    /// The model behind it, if the router was told.
    pub fn model(&self) -> Option<&'r str> {
        self.row.model.as_deref()
    }

    /// What a call of it costs.
    pub fn cost(&self) -> CostModel {
        self.row.cost
    }

    /// What this call should cost on it, in US dollars: for the router's expected usage, or else
    /// for a thousand tokens read and a quarter of that written, so that prices can be compared.
    pub fn expected_cost(&self) -> Option<f64> {
        let usage = self.usage.map_or(NOMINAL, |usage| usage());
        let nano_usd = self.row.cost.cost_nano_usd(&usage)?;
        Some(nano_usd as f64 / 1e9)
    }

    /// How many of the router's calls it is working on.
    pub fn in_flight(&self) -> usize {
        self.row.live.in_flight()
    }

    /// How long it took to answer of late: a mean in which older answers count for less and less.
    /// Errors do not enter into it. None before the first answer.
    pub fn latency(&self) -> Option<Duration> {
        self.row.live.latency()
    }

    /// How long ago it was last given a call.
    pub fn since_tried(&self) -> Option<Duration> {
        self.row.live.since_tried(self.present?)
    }

    /// How many calls in a row have failed, up to now. Errors that are the caller's own doing (of
    /// kind `InvalidInput` or `Cancelled`) do not count, nor do calls that were dropped.
    pub fn consecutive_failures(&self) -> u32 {
        self.row.live.failures()
    }

    /// How long ago a call last failed.
    pub fn since_failure(&self) -> Option<Duration> {
        self.row.live.since_failed(self.present?)
    }

    /// How long the other side has asked to be left alone for, from now on: the `retry_after` of an
    /// error.
    pub fn rests_for(&self) -> Duration {
        self.present
            .map_or(Duration::ZERO, |present| self.row.live.rests_for(present))
    }

    /// Whether a caller is [probing](Choice::as_probe) it now.
    pub fn is_probed(&self) -> bool {
        self.row.live.is_probed()
    }

    /// Chooses it.
    pub fn choose(&self, reason: RouteReason) -> Choice<'r> {
        Choice::new(self.name(), reason)
    }
}

impl std::fmt::Debug for Candidate<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Candidate")
            .field("name", &self.name())
            .field("in_flight", &self.in_flight())
            .field("latency", &self.latency())
            .field("consecutive_failures", &self.consecutive_failures())
            .finish_non_exhaustive()
    }
}

impl LeftOut {
    pub(crate) fn health(&self, route: &Candidate<'_>) -> Health {
        let asked = route.rests_for() > Duration::ZERO;
        let failures = route.consecutive_failures();
        if failures < self.failures && !asked {
            return Health::Well;
        }
        let cooling = route
            .since_failure()
            .is_some_and(|since| since < self.cooldown && failures >= self.failures);
        if asked || cooling || route.is_probed() {
            Health::Resting
        } else {
            Health::Recovering
        }
    }
}

/// What prices are compared for where no usage is expected.
const NOMINAL: Usage = Usage::of_tokens(1_000, 250);
