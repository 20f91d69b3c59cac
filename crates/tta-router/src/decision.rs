//! What was decided, and why.

use std::sync::Arc;

/// Why a route was taken: the `reason` label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// A rule matched.
    Rule,
    /// The score of the input.
    Score,
    /// It was its turn.
    RoundRobin,
    /// A strategy of the user's own said so.
    Custom,
    /// The strategy left it to the default.
    Default,
    /// The strategy named a route that does not exist, so the default answered.
    UnknownRoute,
    /// The strategy failed, so the default answered.
    StrategyError,
    /// The strategy panicked, so the default answered.
    StrategyPanic,
}

impl Reason {
    pub(crate) const ALL: [Self; 8] = [
        Self::Rule,
        Self::Score,
        Self::RoundRobin,
        Self::Custom,
        Self::Default,
        Self::UnknownRoute,
        Self::StrategyError,
        Self::StrategyPanic,
    ];

    /// The value of the `reason` label and the `route.reason` attribute.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Score => "score",
            Self::RoundRobin => "round_robin",
            Self::Custom => "custom",
            Self::Default => "default",
            Self::UnknownRoute => "unknown_route",
            Self::StrategyError => "strategy_error",
            Self::StrategyPanic => "strategy_panic",
        }
    }

    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

/// A route, why it was taken, and what that is expected to cost and save.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RoutingDecision {
    /// The route's name.
    pub route: Arc<str>,
    /// Why it was taken.
    pub reason: Reason,
    /// The score that decided, if one did.
    pub score: Option<f64>,
    /// What the call is expected to cost, in US dollars; none without a price, or where the price
    /// depends on a usage that nobody has
    /// [estimated](crate::RouterBuilder::estimate_usage).
    pub expected_cost: Option<f64>,
    /// What it would cost on the dearest of the routes.
    pub baseline_cost: Option<f64>,
    /// The baseline less the expected cost.
    pub expected_saving: Option<f64>,
    pub(crate) index: usize,
    pub(crate) detail: Option<String>,
}
