//! What the latest calls were like.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Which calls the rates of failures and slow calls are taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Window {
    /// Those that ended in the last so long. The window moves on by tenths: it covers between nine
    /// and ten of them.
    Time(Duration),
    /// The last so many.
    Count(u32),
}

/// How one call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Call {
    pub(crate) failed: bool,
    pub(crate) slow: bool,
}

/// How many calls ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) calls: u64,
    pub(crate) failures: u64,
    pub(crate) slow: u64,
}

/// The calls in a window.
#[derive(Debug)]
pub(crate) enum Record {
    Time(Slots),
    Count(Ring),
}

/// A time window in tenths.
#[derive(Debug)]
pub(crate) struct Slots {
    latest: VecDeque<Tally>,
    total: Tally,
    /// When the latest slot began.
    began: Instant,
    width: Duration,
}

/// The last so many calls, one by one.
#[derive(Debug)]
pub(crate) struct Ring {
    calls: VecDeque<Call>,
    total: Tally,
    capacity: usize,
}

impl Record {
    pub(crate) fn new(window: Window, now: Instant) -> Self {
        match window {
            Window::Time(duration) => Self::Time(Slots {
                latest: VecDeque::from([Tally::default(); SLOTS as usize]),
                total: Tally::default(),
                began: now,
                width: duration / SLOTS,
            }),
            Window::Count(calls) => Self::Count(Ring {
                calls: VecDeque::new(),
                total: Tally::default(),
                capacity: calls as usize,
            }),
        }
    }

    /// Adds a call, and tells what the window holds with it.
    pub(crate) fn add(&mut self, call: Call, now: Instant) -> Tally {
        match self {
            Self::Time(slots) => slots.add(call, now),
            Self::Count(ring) => ring.add(call),
        }
    }
}

impl Slots {
    fn add(&mut self, call: Call, now: Instant) -> Tally {
        self.move_on(now);
        if let Some(slot) = self.latest.back_mut() {
            slot.add(call.into());
        }
        self.total.add(call.into());
        self.total
    }

    /// Drops the slots that have left the window. A reading of the clock that another thread has
    /// overtaken falls into the latest slot.
    fn move_on(&mut self, now: Instant) {
        let past = now.saturating_duration_since(self.began);
        if past < self.width {
            return;
        }
        let (past, width) = (past.as_nanos(), self.width.as_nanos());
        let steps = u32::try_from(past / width).unwrap_or(u32::MAX);
        for _ in 0..steps.min(SLOTS) {
            self.latest.push_back(Tally::default());
            if let Some(gone) = self.latest.pop_front() {
                self.total.subtract(gone);
            }
        }
        let into_slot = u64::try_from(past % width).unwrap_or(u64::MAX);
        self.began = now
            .checked_sub(Duration::from_nanos(into_slot))
            .unwrap_or(now);
    }
}

impl Ring {
    fn add(&mut self, call: Call) -> Tally {
        if self.calls.len() == self.capacity
            && let Some(gone) = self.calls.pop_front()
        {
            self.total.subtract(gone.into());
        }
        self.calls.push_back(call);
        self.total.add(call.into());
        self.total
    }
}

impl Tally {
    fn add(&mut self, other: Self) {
        self.calls += other.calls;
        self.failures += other.failures;
        self.slow += other.slow;
    }

    fn subtract(&mut self, other: Self) {
        self.calls -= other.calls;
        self.failures -= other.failures;
        self.slow -= other.slow;
    }
}

impl From<Call> for Tally {
    fn from(call: Call) -> Self {
        Self {
            calls: 1,
            failures: call.failed.into(),
            slow: call.slow.into(),
        }
    }
}

/// How many steps a time window moves on in.
pub(crate) const SLOTS: u32 = 10;
