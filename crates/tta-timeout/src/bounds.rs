//! The points in time that matter to one call.

use std::time::{Duration, Instant};

use tta_core::WorkflowContext;

use crate::cause::TimeoutCause;

/// The points in time that matter to one call.
pub(crate) struct Bounds {
    pub(crate) begun: Instant,
    /// The limit of this call, and how long past it an answer is taken.
    pub(crate) own: Duration,
    pub(crate) grace: Duration,
    pub(crate) minimum: Duration,
    /// The operation's deadline; none if it lies beyond the end of time.
    pub(crate) limit: Option<Instant>,
    /// When the operation is dropped.
    pub(crate) stop: Option<Instant>,
    pub(crate) cause: TimeoutCause,
}

impl Bounds {
    #[inline]
    pub(crate) fn new(
        own: Duration,
        grace: Duration,
        minimum: Duration,
        begun: Instant,
        ctx: &WorkflowContext,
    ) -> Self {
        let own_limit = begun.checked_add(own);
        let mut bounds = Self {
            begun,
            own,
            grace,
            minimum,
            limit: own_limit,
            stop: own_limit,
            cause: TimeoutCause::Limit,
        };
        if !grace.is_zero() {
            bounds.stop = own_limit.and_then(|limit| limit.checked_add(grace));
        }
        if let Some(deadline) = ctx.deadline() {
            bounds.end_by(deadline);
        }
        bounds
    }

    /// Ends it at a deadline from outside, where that is the earlier end.
    fn end_by(&mut self, deadline: Instant) {
        if self.limit.is_none_or(|limit| deadline < limit) {
            self.limit = Some(deadline);
            self.cause = TimeoutCause::Deadline;
        }
        if self.stop.is_none_or(|stop| deadline < stop) {
            self.stop = Some(deadline);
        }
    }

    /// How much of the time there is until the operation's deadline.
    pub(crate) fn left(&self) -> Option<Duration> {
        self.limit
            .map(|limit| limit.saturating_duration_since(self.begun))
    }

    /// Whether the operation cannot end in time.
    #[inline]
    pub(crate) fn is_too_short(&self) -> bool {
        let Some(limit) = self.limit else {
            return false;
        };
        // Two points in time are compared at a tenth of what it costs to take one from the other.
        limit <= self.begun
            || (!self.minimum.is_zero()
                && limit.saturating_duration_since(self.begun) < self.minimum)
    }

    /// Whether an answer is taken past the limit.
    #[inline]
    pub(crate) fn has_grace(&self) -> bool {
        self.limit != self.stop
    }

    #[inline]
    pub(crate) fn is_within_limit(&self, at: Instant) -> bool {
        self.limit.is_none_or(|limit| at <= limit)
    }

    #[inline]
    pub(crate) fn is_within_grace(&self, at: Instant) -> bool {
        self.stop.is_none_or(|stop| at <= stop)
    }

    /// How long past the end of all time it is.
    pub(crate) fn overrun(&self, at: Instant) -> Duration {
        self.stop
            .map_or(Duration::ZERO, |stop| at.saturating_duration_since(stop))
    }

    pub(crate) fn describe(&self, ctx: &WorkflowContext) {
        ctx.set_attribute("timeout.limit_ms", millis(self.own));
        ctx.set_attribute(
            "timeout.deadline_inherited",
            self.cause == TimeoutCause::Deadline,
        );
        if !self.grace.is_zero() {
            ctx.set_attribute("timeout.grace_ms", millis(self.grace));
        }
        if !self.minimum.is_zero() {
            ctx.set_attribute("timeout.minimum_ms", millis(self.minimum));
        }
        if let Some(stop) = self.stop {
            let budget = stop.saturating_duration_since(self.begun);
            ctx.set_attribute("timeout.budget_ms", millis(budget));
        }
    }
}

/// The earlier of two points in time, where there may be none.
pub(crate) fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// Whole milliseconds, rounded up so that a limit is never shown as nothing.
pub(crate) fn millis(duration: Duration) -> u64 {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).unwrap_or(u64::MAX)
}
