//! When something happened, as executions measure it.

use std::time::{Duration, Instant};

use super::{Clock, NanoClock, WorkflowContext};
use crate::instruments::nanos;

/// A point in time of a context's clock, in nanoseconds since the context was made: what spans and
/// durations are made of. One subtraction for each reading, and plain numbers from there on.
#[doc(hidden)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

/// What a context reads the time from.
pub(super) struct Timer {
    clock: Clock,
    created: Instant,
    /// What moments are read from instead, with what it showed when the context was made.
    quick: Option<(NanoClock, u64)>,
}

impl Timer {
    /// Begins now. `clock` goes before `quick`, so that a test's clock is the only one.
    pub(super) fn new(clock: Option<Clock>, quick: Option<NanoClock>) -> Self {
        let quick = quick.filter(|_| clock.is_none());
        let clock = clock.unwrap_or(Instant::now);
        Self {
            clock,
            created: clock(),
            quick: quick.map(|quick| (quick, quick())),
        }
    }

    /// The same clocks, beginning now.
    pub(super) fn restarted(&self) -> Self {
        Self {
            clock: self.clock,
            created: (self.clock)(),
            quick: self.quick.map(|(quick, _)| (quick, quick())),
        }
    }

    #[inline]
    pub(super) fn now(&self) -> Instant {
        (self.clock)()
    }

    pub(super) fn created(&self) -> Instant {
        self.created
    }

    /// A call, as reading a clock is one anyway: inlined it would only make each step larger.
    #[inline(never)]
    fn moment(&self) -> Moment {
        Moment(match self.quick {
            None => nanos(self.now().saturating_duration_since(self.created)),
            Some((quick, created)) => quick().saturating_sub(created),
        })
    }
}

impl Moment {
    /// When the context was made.
    pub(crate) const CREATED: Self = Self(0);

    /// How many nanoseconds it is after another moment of the same context; none if before.
    #[inline]
    pub fn nanos_since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// So many nanoseconds later.
    #[inline]
    #[must_use]
    pub fn plus(self, nanos: u64) -> Self {
        Self(self.0.saturating_add(nanos))
    }
}

impl WorkflowContext {
    /// What time it is for executions.
    #[doc(hidden)]
    #[inline]
    pub fn moment(&self) -> Moment {
        self.shared.timer.moment()
    }

    /// The same point in time on the context's clock; none where executions are measured by a quicker
    /// one, from which it drifts away.
    #[doc(hidden)]
    #[inline]
    pub fn instant(&self, moment: Moment) -> Option<Instant> {
        let timer = &self.shared.timer;
        if timer.quick.is_some() {
            return None;
        }
        timer.created.checked_add(Duration::from_nanos(moment.0))
    }

    /// Whether the context's time is that of this clock, and executions are measured by it.
    #[doc(hidden)]
    #[inline]
    pub fn goes_by(&self, clock: Clock) -> bool {
        let timer = &self.shared.timer;
        // Two clocks at one address are one; one clock at two addresses is only read once more.
        std::ptr::fn_addr_eq(timer.clock, clock) && timer.quick.is_none()
    }

    /// A moment in nanoseconds since the Unix epoch.
    #[inline]
    pub(crate) fn unix_nanos(&self, at: Moment) -> u64 {
        self.shared.created_unix_nanos.saturating_add(at.0)
    }
}
