//! The points in time that matter to one call.

use std::time::{Duration, Instant};

use tta_core::{Moment, WorkflowContext};

use crate::cause::TimeoutCause;

/// The points in time that matter to one call, in nanoseconds from its beginning: two plain numbers
/// are compared at a tenth of what it costs to take one [`Instant`] from another.
pub(crate) struct Bounds {
    pub(crate) begun: Moment,
    /// The same on the clock that deadlines are kept by, where executions are measured by another.
    begun_at: Option<Instant>,
    /// The limit of this call.
    pub(crate) own: Duration,
    pub(crate) minimum: Duration,
    /// The operation's deadline; none if it lies beyond the end of time.
    pub(crate) deadline: Option<Instant>,
    /// When that is; never if there is none.
    limit: u64,
    /// When the operation is dropped.
    stop: u64,
    pub(crate) cause: TimeoutCause,
}

impl Bounds {
    /// Those of a call without an end, until it is given [one](Self::end).
    #[inline]
    pub(crate) fn begin(own: Duration, minimum: Duration, begun: Moment) -> Self {
        Self {
            begun,
            begun_at: None,
            own,
            minimum,
            deadline: None,
            limit: NEVER,
            stop: NEVER,
            cause: TimeoutCause::Limit,
        }
    }

    /// Ends it by its own limit and by the deadline of its context, where it is to stay: what has just
    /// been written is not moved again.
    #[inline]
    pub(crate) fn end(&mut self, grace: Duration, ctx: &WorkflowContext) {
        self.limit = nanos(self.own);
        if self.limit != NEVER {
            self.deadline = ctx.instant(self.begun.plus(self.limit));
        }
        if self.deadline.is_none() {
            self.end_far_or_by_another_clock(ctx);
        }
        self.stop = self.limit;
        if !grace.is_zero() {
            self.stop = self.limit.saturating_add(nanos(grace));
        }
        if let Some(deadline) = ctx.deadline() {
            self.end_by(deadline, ctx);
        }
    }

    /// A limit that is very long, or that begins at a reading of its own because executions are
    /// measured by another clock than deadlines.
    #[cold]
    fn end_far_or_by_another_clock(&mut self, ctx: &WorkflowContext) {
        let begun_at = ctx.instant(self.begun);
        if begun_at.is_none() {
            self.begun_at = Some(ctx.now());
        }
        self.deadline = self.begun_at(ctx).checked_add(self.own);
        if self.deadline.is_none() {
            self.limit = NEVER;
        }
    }

    /// Ends it at a deadline from outside, where that is the earlier end.
    fn end_by(&mut self, deadline: Instant, ctx: &WorkflowContext) {
        let at = nanos(deadline.saturating_duration_since(self.begun_at(ctx)));
        if self.deadline.is_none_or(|limit| deadline < limit) {
            self.deadline = Some(deadline);
            self.limit = at;
            self.cause = TimeoutCause::Deadline;
        }
        self.stop = self.stop.min(at);
    }

    fn begun_at(&self, ctx: &WorkflowContext) -> Instant {
        let begun_at = self.begun_at.or_else(|| ctx.instant(self.begun));
        begun_at.unwrap_or_else(|| ctx.now())
    }

    /// How long it has been going on at a moment that is now.
    #[inline]
    pub(crate) fn elapsed(&self, now: Moment, ctx: &WorkflowContext) -> u64 {
        match self.begun_at {
            None => now.nanos_since(self.begun),
            Some(begun_at) => nanos(ctx.now().saturating_duration_since(begun_at)),
        }
    }

    /// How much of the time there is until the operation's deadline.
    pub(crate) fn left(&self) -> Duration {
        Duration::from_nanos(self.limit)
    }

    /// Whether the operation cannot end in time.
    #[inline]
    pub(crate) fn is_too_short(&self) -> bool {
        self.limit == 0 || (!self.minimum.is_zero() && self.limit < nanos(self.minimum))
    }

    /// Whether an answer is taken past the limit.
    #[inline]
    pub(crate) fn has_grace(&self) -> bool {
        self.limit != self.stop
    }

    #[inline]
    pub(crate) fn is_within_limit(&self, elapsed: u64) -> bool {
        elapsed <= self.limit
    }

    #[inline]
    pub(crate) fn is_within_grace(&self, elapsed: u64) -> bool {
        elapsed <= self.stop
    }

    /// When the operation is told, if ever; from the beginning.
    pub(crate) fn limit(&self) -> Option<Duration> {
        known(self.limit)
    }

    /// When it is dropped, if ever; from the beginning.
    pub(crate) fn stop(&self) -> Option<Duration> {
        known(self.stop)
    }

    /// How long past the end of all time it is.
    pub(crate) fn overrun(&self, elapsed: u64) -> Duration {
        Duration::from_nanos(elapsed.saturating_sub(self.stop))
    }

    pub(crate) fn describe(&self, grace: Duration, ctx: &WorkflowContext) {
        ctx.set_attribute("timeout.limit_ms", millis(self.own));
        ctx.set_attribute(
            "timeout.deadline_inherited",
            self.cause == TimeoutCause::Deadline,
        );
        if !grace.is_zero() {
            ctx.set_attribute("timeout.grace_ms", millis(grace));
        }
        if !self.minimum.is_zero() {
            ctx.set_attribute("timeout.minimum_ms", millis(self.minimum));
        }
        if let Some(budget) = self.stop() {
            ctx.set_attribute("timeout.budget_ms", millis(budget));
        }
    }
}

#[inline]
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(NEVER)
}

fn known(nanos: u64) -> Option<Duration> {
    (nanos != NEVER).then(|| Duration::from_nanos(nanos))
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

/// Some six hundred years.
const NEVER: u64 = u64::MAX;
