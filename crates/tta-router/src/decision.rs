//! Which route.

use std::borrow::Cow;

use crate::reason::RouteReason;

/// What a [strategy](crate::RoutingStrategy) chose.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Choice<'r> {
    /// The name of the route.
    pub route: Cow<'r, str>,
    /// Why.
    pub reason: RouteReason,
    /// The number that decided, if one did.
    pub score: Option<f64>,
    /// Whether only one caller at a time may act on it.
    pub(crate) is_probe: bool,
}

impl<'r> Choice<'r> {
    /// A choice for a reason.
    pub fn new(route: impl Into<Cow<'r, str>>, reason: RouteReason) -> Self {
        Self {
            route: route.into(),
            reason,
            score: None,
            is_probe: false,
        }
    }

    /// The same choice with the number that decided.
    #[must_use]
    pub fn with_score(mut self, score: f64) -> Self {
        self.score = Some(score);
        self
    }

    /// The same choice as a probe: one caller at a time may take the route for that reason. The
    /// strategy is asked again for whoever comes second, and finds the route
    /// [being probed](crate::Candidate::is_probed).
    #[must_use]
    pub fn as_probe(mut self) -> Self {
        self.reason = RouteReason::Probe;
        self.is_probe = true;
        self
    }
}

impl From<&'static str> for Choice<'static> {
    fn from(route: &'static str) -> Self {
        Self::new(route, RouteReason::Rule)
    }
}

impl From<String> for Choice<'static> {
    fn from(route: String) -> Self {
        Self::new(route, RouteReason::Rule)
    }
}

/// A decision, with what is expected of it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RoutingDecision<'r> {
    /// The route.
    pub route: &'r str,
    /// The model behind the route, if the router was told.
    pub model: Option<&'r str>,
    /// Why.
    pub reason: RouteReason,
    /// The number that decided, if one did.
    pub score: Option<f64>,
    /// Where the call goes if the route's answer is refused.
    pub escalates_to: Option<&'r str>,
    /// What the call should cost, in US dollars, if that can be known beforehand. Of a cascade this
    /// is the first call alone.
    pub expected_cost: Option<f64>,
    /// What it would cost on the dearest route, in US dollars.
    pub baseline_cost: Option<f64>,
    /// The baseline less the expected cost.
    pub expected_saving: Option<f64>,
}
