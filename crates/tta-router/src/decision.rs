//! Which route, and why.

use std::borrow::Cow;

/// What a [strategy](crate::RoutingStrategy) chose.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Choice {
    /// The name of the route.
    pub route: Cow<'static, str>,
    /// Why.
    pub reason: RouteReason,
    /// The number that decided, if one did.
    pub score: Option<f64>,
}

impl Choice {
    /// A choice for a reason.
    pub fn new(route: impl Into<Cow<'static, str>>, reason: RouteReason) -> Self {
        Self {
            route: route.into(),
            reason,
            score: None,
        }
    }

    /// The same choice with the number that decided.
    #[must_use]
    pub fn with_score(mut self, score: f64) -> Self {
        self.score = Some(score);
        self
    }
}

impl From<&'static str> for Choice {
    fn from(route: &'static str) -> Self {
        Self::new(route, RouteReason::Rule)
    }
}

impl From<String> for Choice {
    fn from(route: String) -> Self {
        Self::new(route, RouteReason::Rule)
    }
}

/// Why a route was chosen: the `reason` label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouteReason {
    /// A rule matched, or a function chose.
    Rule,
    /// The complexity score of the input decided.
    Complexity,
    /// It was the route's turn.
    RoundRobin,
    /// No rule matched.
    Default,
    /// The strategy failed, and the default route was taken.
    StrategyError,
    /// The strategy named a route that does not exist, and the default route was taken.
    UnknownRoute,
}

impl RouteReason {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::Rule,
        Self::Complexity,
        Self::RoundRobin,
        Self::Default,
        Self::StrategyError,
        Self::UnknownRoute,
    ];

    /// The value of the label.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Complexity => "complexity",
            Self::RoundRobin => "round_robin",
            Self::Default => "default",
            Self::StrategyError => "strategy_error",
            Self::UnknownRoute => "unknown_route",
        }
    }
}

/// A decision, with what is expected of it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RoutingDecision<'r> {
    /// The route.
    pub route: &'r str,
    /// Why.
    pub reason: RouteReason,
    /// The number that decided, if one did.
    pub score: Option<f64>,
    /// What the call should cost, in US dollars, if that can be known beforehand.
    pub expected_cost: Option<f64>,
    /// What it would cost on the dearest route, in US dollars.
    pub baseline_cost: Option<f64>,
    /// The baseline less the expected cost.
    pub expected_saving: Option<f64>,
}
