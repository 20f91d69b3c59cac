//! What a router measures.

use std::sync::OnceLock;

use tta_core::{Counter, ErrorKind, Histogram, MetricSpec, registry};

use crate::catalog::{
    COST, COST_SAVINGS, DECISION_DURATION, DECISIONS, ERRORS, EXECUTION_DURATION,
};
use crate::decision::Reason;

/// Handles of one primitive's name; primitives of one name share them.
#[derive(Debug)]
pub(crate) struct Metrics {
    name: String,
    pub(crate) decision_duration: Histogram,
    routes: Vec<RouteMetrics>,
    undecided: Errors,
}

/// Handles of one route.
#[derive(Debug)]
pub(crate) struct RouteMetrics {
    pub(crate) duration: Histogram,
    pub(crate) cost: Counter,
    pub(crate) savings: Counter,
    decisions: [OnceLock<Counter>; Reason::ALL.len()],
    errors: Errors,
    route: String,
}

type Errors = [OnceLock<Counter>; ErrorKind::ALL.len()];

impl Metrics {
    pub(crate) fn of<'a>(name: &str, routes: impl Iterator<Item = &'a str>) -> Self {
        Self {
            name: name.to_owned(),
            decision_duration: histogram(&DECISION_DURATION, &[name]),
            routes: routes.map(|route| RouteMetrics::of(name, route)).collect(),
            undecided: Errors::default(),
        }
    }

    pub(crate) fn route(&self, index: usize) -> Option<&RouteMetrics> {
        self.routes.get(index)
    }

    pub(crate) fn decisions(&self, index: usize, reason: Reason) -> Option<&Counter> {
        let route = self.routes.get(index)?;
        let slot = route.decisions.get(reason.index())?;
        let labels = [&*self.name, &route.route, reason.as_str()];
        Some(slot.get_or_init(|| counter(&DECISIONS, &labels)))
    }

    /// Failures of a route, or of finding one.
    pub(crate) fn errors(&self, index: Option<usize>, kind: ErrorKind) -> Option<&Counter> {
        let (errors, route) = match index {
            Some(index) => {
                let metrics = self.routes.get(index)?;
                (&metrics.errors, &*metrics.route)
            }
            None => (&self.undecided, NO_ROUTE),
        };
        let position = ErrorKind::ALL.iter().position(|known| *known == kind)?;
        let labels = [&*self.name, route, kind.as_str()];
        Some(
            errors
                .get(position)?
                .get_or_init(|| counter(&ERRORS, &labels)),
        )
    }
}

impl RouteMetrics {
    fn of(name: &str, route: &str) -> Self {
        Self {
            duration: histogram(&EXECUTION_DURATION, &[name, route]),
            cost: counter(&COST, &[name, route]),
            savings: counter(&COST_SAVINGS, &[name, route]),
            decisions: std::array::from_fn(|_| OnceLock::new()),
            errors: Errors::default(),
            route: route.to_owned(),
        }
    }
}

/// Only a program that gave a metric's name to another one gets a handle that is not exported.
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

/// The value of the label `route` where no route could be chosen; no route may have this name.
pub(crate) const NO_ROUTE: &str = "none";
