//! What a breaker measures.

use tta_core::{Counter, Gauge, registry};

use crate::catalog::{REJECTIONS, STATE, TRANSITIONS};
use crate::state::{Change, CircuitState};

/// Handles of one breaker's name; breakers of one name share them.
#[derive(Debug)]
pub(crate) struct Metrics {
    pub(crate) name: String,
    pub(crate) rejections: Counter,
    states: [(&'static str, Gauge); 3],
    transitions: Vec<((&'static str, &'static str), Counter)>,
}

impl Metrics {
    /// The handles of a breaker that is closed.
    pub(crate) fn of(name: String) -> Self {
        let states = ["closed", "open", "half_open"].map(|state| {
            let gauge = registry().gauge(&STATE, &[&name, state]);
            // Only a program that gave the metric's name to another one gets a gauge of its own.
            (state, gauge.unwrap_or_else(|_| Gauge::detached()))
        });
        let transitions = TURNS.map(|(from, to)| {
            let counter = registry().counter(&TRANSITIONS, &[&name, from, to]);
            let detached = |_| Counter::detached(TRANSITIONS.unit);
            ((from, to), counter.unwrap_or_else(detached))
        });
        let rejections = registry().counter(&REJECTIONS, &[&name]);
        let metrics = Self {
            rejections: rejections.unwrap_or_else(|_| Counter::detached(REJECTIONS.unit)),
            states,
            transitions: transitions.into(),
            name,
        };
        metrics.enter(CircuitState::Closed);
        metrics
    }

    /// Counts a change; to a label that is the same it is none.
    pub(crate) fn changed(&self, change: &Change) {
        let turn = (change.from.label(), change.to.label());
        if let Some((_, counter)) = self.transitions.iter().find(|(known, _)| *known == turn) {
            counter.increment();
        }
        // Added and taken away, and not set: two changes then leave the same whichever is told
        // first.
        self.leave(change.from);
        self.enter(change.to);
    }

    /// Forgets a breaker that is dropped in this state.
    pub(crate) fn leave(&self, state: CircuitState) {
        self.gauge(state, |gauge| gauge.subtract(1));
    }

    fn enter(&self, state: CircuitState) {
        self.gauge(state, |gauge| gauge.add(1));
    }

    fn gauge(&self, state: CircuitState, change: impl FnOnce(&Gauge)) {
        let label = state.label();
        if let Some((_, gauge)) = self.states.iter().find(|(known, _)| *known == label) {
            change(gauge);
        }
    }
}

/// Every change that there is.
const TURNS: [(&str, &str); 5] = [
    ("closed", "open"),
    ("open", "half_open"),
    ("half_open", "closed"),
    ("half_open", "open"),
    ("open", "closed"),
];
