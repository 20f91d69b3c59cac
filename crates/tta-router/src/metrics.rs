//! What a router measures.

use std::borrow::Cow;
use std::sync::OnceLock;

use tta_core::{Counter, ErrorKind, Histogram, MetricSpec, registry};

use crate::catalog::{
    COST, DECISION_DURATION, DECISIONS, ERRORS, EXECUTION_DURATION, LOSSES, SAVINGS,
};
use crate::reason::RouteReason;

/// Handles of one primitive's name; primitives of one name share them.
#[derive(Debug)]
pub(crate) struct Metrics {
    name: String,
    pub(crate) decision_duration: Histogram,
    routes: Vec<RouteMetrics>,
}

/// Handles of one route.
#[derive(Debug)]
pub(crate) struct RouteMetrics {
    route: String,
    /// One for each reason, made when the reason first occurs.
    decisions: [OnceLock<Counter>; RouteReason::ALL.len()],
    pub(crate) duration: Histogram,
    cost: Counter,
    savings: Counter,
    losses: Counter,
}

impl Metrics {
    pub(crate) fn of<'a>(name: &str, routes: impl Iterator<Item = &'a str>) -> Self {
        let routes = routes.map(|route| RouteMetrics {
            route: route.to_owned(),
            decisions: Default::default(),
            duration: histogram(&EXECUTION_DURATION, &[name, route]),
            cost: counter(&COST, &[name, route]),
            savings: counter(&SAVINGS, &[name, route]),
            losses: counter(&LOSSES, &[name, route]),
        });
        Self {
            routes: routes.collect(),
            decision_duration: histogram(&DECISION_DURATION, &[name]),
            name: name.to_owned(),
        }
    }

    /// The handles of the route at this place; the router has as many as it has routes.
    pub(crate) fn route(&self, index: usize) -> Option<&RouteMetrics> {
        self.routes.get(index)
    }

    pub(crate) fn decided(&self, index: usize, reason: RouteReason) -> Option<&Counter> {
        let route = self.routes.get(index)?;
        let slot = route.decisions.get(reason as usize)?;
        let labels = [self.name.as_str(), route.route.as_str(), reason.as_str()];
        Some(slot.get_or_init(|| counter(&DECISIONS, &labels)))
    }

    /// What calls of the route at this place cost, or what was spent and led to none.
    pub(crate) fn cost(&self, index: Option<usize>) -> Cow<'_, Counter> {
        self.money(index, &COST, |route| &route.cost)
    }

    /// What requests that ended at this place saved.
    pub(crate) fn savings(&self, index: Option<usize>) -> Cow<'_, Counter> {
        self.money(index, &SAVINGS, |route| &route.savings)
    }

    /// What requests that ended at this place lost.
    pub(crate) fn losses(&self, index: Option<usize>) -> Cow<'_, Counter> {
        self.money(index, &LOSSES, |route| &route.losses)
    }

    fn money(
        &self,
        index: Option<usize>,
        spec: &'static MetricSpec,
        of: impl Fn(&RouteMetrics) -> &Counter,
    ) -> Cow<'_, Counter> {
        match index.and_then(|index| self.routes.get(index)) {
            Some(route) => Cow::Borrowed(of(route)),
            None => Cow::Owned(counter(spec, &[&self.name, NO_ROUTE])),
        }
    }

    /// Failures of the route at this place, or of finding one.
    pub(crate) fn failed(&self, index: Option<usize>, kind: ErrorKind) -> Counter {
        let route = index.and_then(|index| self.routes.get(index));
        let route = route.map_or(NO_ROUTE, |route| route.route.as_str());
        counter(&ERRORS, &[&self.name, route, kind.as_str()])
    }
}

/// The `route` label where none was found; no route may have this name.
pub(crate) const NO_ROUTE: &str = "none";

/// Only a program that gave the metric's name to another one is left with a counter of its own.
fn counter(spec: &'static MetricSpec, labels: &[&str]) -> Counter {
    registry()
        .counter(spec, labels)
        .unwrap_or_else(|_| Counter::detached(spec.unit))
}

fn histogram(spec: &'static MetricSpec, labels: &[&str]) -> Histogram {
    registry()
        .histogram(spec, labels)
        .unwrap_or_else(|_| Histogram::detached())
}
