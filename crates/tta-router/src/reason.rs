//! Why a route is taken.

/// Why a route was chosen: the `reason` label, from this closed set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RouteReason {
    /// A rule matched, or a function chose.
    Rule,
    /// The complexity score of the input decided.
    Complexity,
    /// It was the route's turn.
    RoundRobin,
    /// The route's share of the traffic was due.
    Weighted,
    /// It had the fewest calls in flight.
    LeastInFlight,
    /// It answered fastest of late.
    LowestLatency,
    /// It was the cheapest of those that answer in time.
    CheapestWithin,
    /// The input's key belongs to it.
    Sticky,
    /// The route that the strategy wanted has been failing, and this one has not.
    Unhealthy,
    /// One call was sent to see how the route does: it had been failing, or idle.
    Probe,
    /// The answer of a cheaper route was refused.
    Escalated,
    /// A cheaper route failed.
    EscalatedError,
    /// Whether the answer of a cheaper route is good could not be found out.
    EscalatedUnverified,
    /// No rule matched, or there is no strategy.
    Default,
    /// The strategy failed, and the default route was taken.
    StrategyError,
    /// The strategy named a route that does not exist, and the default route was taken.
    UnknownRoute,
}

impl RouteReason {
    /// Every reason.
    pub const ALL: [Self; 16] = [
        Self::Rule,
        Self::Complexity,
        Self::RoundRobin,
        Self::Weighted,
        Self::LeastInFlight,
        Self::LowestLatency,
        Self::CheapestWithin,
        Self::Sticky,
        Self::Unhealthy,
        Self::Probe,
        Self::Escalated,
        Self::EscalatedError,
        Self::EscalatedUnverified,
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
            Self::Weighted => "weighted",
            Self::LeastInFlight => "least_in_flight",
            Self::LowestLatency => "lowest_latency",
            Self::CheapestWithin => "cheapest_within",
            Self::Sticky => "sticky",
            Self::Unhealthy => "unhealthy",
            Self::Probe => "probe",
            Self::Escalated => "escalated",
            Self::EscalatedError => "escalated_error",
            Self::EscalatedUnverified => "escalated_unverified",
            Self::Default => "default",
            Self::StrategyError => "strategy_error",
            Self::UnknownRoute => "unknown_route",
        }
    }

    /// Whether what the routes are doing entered into the decision.
    pub(crate) const fn looked_at_routes(self) -> bool {
        matches!(
            self,
            Self::LeastInFlight
                | Self::LowestLatency
                | Self::CheapestWithin
                | Self::Unhealthy
                | Self::Probe
        )
    }
}
