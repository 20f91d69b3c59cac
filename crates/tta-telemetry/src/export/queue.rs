//! Records that wait for their export, and the account of them, under one lock.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;

use super::signal::{Signal, Waiting};
use crate::fork;
use crate::ledger::{DropReason, SignalLedger};
use crate::settings::Batching;

/// Records that wait, bounded in number and bytes. Pushing takes a short lock and never waits for
/// room: what does not fit is dropped and counted.
pub(crate) struct Queue<S: Signal> {
    inner: Mutex<Inner<S>>,
    limits: Batching,
    /// There is something new for the worker to look at.
    pub(crate) wake: Notify,
    /// The queue was closed.
    pub(crate) closing: Notify,
    /// The last record left, or the worker ended.
    changed: Condvar,
}

struct Inner<S: Signal> {
    entries: VecDeque<Entry<S>>,
    bytes: usize,
    account: SignalLedger,
    /// When the first of those that wait came.
    waiting_since: Option<Instant>,
    is_flushing: bool,
    closed: Option<Instant>,
    is_worker_done: bool,
    /// Nothing that the worker still says counts any more.
    is_abandoned: bool,
}

struct Entry<S: Signal> {
    waiting: S::Waiting,
    count: usize,
    bytes: usize,
}

/// What became of records that were pushed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pushed {
    Taken,
    Full,
    Closed,
}

/// What the worker should do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// Export what waits.
    Ready,
    /// Wait for more, until then.
    Until(Instant),
    /// Wait for something to come.
    Empty,
    /// Nothing waits and nothing will come.
    Finished,
}

impl<S: Signal> Queue<S> {
    pub(crate) fn new(limits: Batching) -> Arc<Self> {
        Arc::new(Self {
            inner: Mutex::new(Inner::new()),
            limits,
            wake: Notify::new(),
            closing: Notify::new(),
            changed: Condvar::new(),
        })
    }

    pub(crate) fn push(&self, mut waiting: S::Waiting) -> Pushed {
        let count = waiting.count();
        let mut bytes = waiting.bytes();
        let most = MOST_ENTRY_BYTES.min(self.limits.queue_bytes);
        if bytes > most {
            waiting.trim(most);
            bytes = waiting.bytes();
        }
        let mut entry = Some(Entry {
            waiting,
            count,
            bytes,
        });
        let (pushed, wakes) = {
            // In a child of this process nobody exports, and the account is the parent's.
            let Some(mut inner) = fork::lock(&self.inner) else {
                return Pushed::Closed;
            };
            inner.account.created += count as u64;
            if inner.closed.is_some() {
                inner.account.drop_for(DropReason::Shutdown, count as u64);
                (Pushed::Closed, false)
            } else if inner.queued() + count > self.limits.queue
                || inner.bytes + bytes > self.limits.queue_bytes
            {
                inner.account.drop_for(DropReason::QueueFull, count as u64);
                (Pushed::Full, false)
            } else {
                let before = inner.queued();
                inner.account.queued += count as u64;
                inner.bytes += bytes;
                inner.entries.extend(entry.take());
                let is_first = before == 0;
                if is_first {
                    inner.waiting_since = Some(Instant::now());
                }
                let fills_batch = before < self.limits.size && inner.queued() >= self.limits.size;
                (Pushed::Taken, is_first || fills_batch)
            }
        };
        if wakes {
            self.wake.notify_one();
        }
        // What was refused is dropped here, with the lock released.
        drop(entry);
        pushed
    }

    /// Accounts for records that never got as far as the queue.
    pub(crate) fn lose(&self, count: u64, reason: DropReason) {
        let Some(mut inner) = fork::lock(&self.inner) else {
            return;
        };
        inner.account.created += count;
        inner.account.drop_for(reason, count);
    }

    pub(crate) fn readiness(&self) -> Readiness {
        let inner = self.inner();
        if inner.queued() == 0 {
            return if inner.closed.is_some() {
                Readiness::Finished
            } else {
                Readiness::Empty
            };
        }
        if inner.closed.is_some() || inner.is_flushing || inner.queued() >= self.limits.size {
            return Readiness::Ready;
        }
        match inner.waiting_since {
            Some(since) if since.elapsed() < self.limits.delay => {
                Readiness::Until(since + self.limits.delay)
            }
            _ => Readiness::Ready,
        }
    }

    /// Whether a whole batch waits.
    pub(crate) fn has_batch(&self) -> bool {
        self.inner().queued() >= self.limits.size
    }

    /// Takes records for one batch; they are in flight from now on.
    pub(crate) fn take(&self) -> Vec<S::Waiting> {
        let mut taken = Vec::new();
        let mut inner = self.inner();
        let mut count = 0;
        let mut bytes = 0;
        while let Some(entry) = inner.entries.front() {
            count += entry.count;
            bytes += entry.bytes;
            if !taken.is_empty() && (count > self.limits.size || bytes > MOST_BATCH_BYTES) {
                break;
            }
            if let Some(entry) = inner.entries.pop_front() {
                inner.bytes -= entry.bytes;
                inner.account.queued -= entry.count as u64;
                inner.account.in_flight += entry.count as u64;
                taken.push(entry.waiting);
            }
        }
        inner.waiting_since = (!inner.entries.is_empty()).then(Instant::now);
        taken
    }

    /// Accounts for records that were in flight.
    pub(crate) fn settle(&self, delivered: u64, dropped: u64, reason: DropReason) {
        let mut inner = self.inner();
        if inner.is_abandoned {
            return;
        }
        inner.account.in_flight -= delivered + dropped;
        inner.account.delivered += delivered;
        inner.account.drop_for(reason, dropped);
        if inner.queued() == 0 && inner.account.in_flight == 0 {
            inner.is_flushing = false;
            self.changed.notify_all();
        }
    }

    /// Refuses records from now on, and gives the worker until `deadline`.
    pub(crate) fn close(&self, deadline: Instant) {
        self.inner().closed.get_or_insert(deadline);
        self.wake.notify_one();
        self.closing.notify_one();
    }

    /// The worker's deadline, once the queue is closed.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        self.inner().closed
    }

    /// Asks for everything to be exported now.
    pub(crate) fn begin_flush(&self) {
        let mut inner = self.inner();
        if inner.queued() + usize_of(inner.account.in_flight) > 0 {
            inner.is_flushing = true;
            self.wake.notify_one();
        }
    }

    /// Asks for everything to be exported now, and waits for it.
    pub(crate) fn flush(&self, patience: Duration) -> bool {
        self.begin_flush();
        let until = Instant::now().checked_add(patience);
        self.wait(self.inner(), until, |inner| {
            inner.queued() == 0 && inner.account.in_flight == 0
        })
    }

    /// Says that the worker has ended; whatever it left is lost.
    pub(crate) fn worker_ended(&self) {
        let mut inner = self.inner();
        inner.abandon();
        inner.is_worker_done = true;
        self.changed.notify_all();
    }

    /// Waits for the worker to end. Where it does not in time, what it has left is lost, and what
    /// it still does is not counted.
    pub(crate) fn wait_for_worker(&self, until: Instant) -> bool {
        let inner = self.inner();
        let ended = self.wait(inner, Some(until), |inner| inner.is_worker_done);
        if !ended {
            self.inner().abandon();
        }
        ended
    }

    /// The account now.
    pub(crate) fn account(&self) -> SignalLedger {
        fork::lock(&self.inner).map_or(SignalLedger::NONE, |inner| inner.account)
    }

    fn wait(
        &self,
        mut inner: MutexGuard<'_, Inner<S>>,
        until: Option<Instant>,
        done: impl Fn(&Inner<S>) -> bool,
    ) -> bool {
        while !done(&inner) {
            let left = match until {
                Some(until) => until.saturating_duration_since(Instant::now()),
                None => LONGEST_WAIT,
            };
            if left.is_zero() {
                return false;
            }
            inner = self
                .changed
                .wait_timeout(inner, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        true
    }

    fn inner(&self) -> MutexGuard<'_, Inner<S>> {
        // Only our own code runs under the lock, and none of it can panic half way.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Signal> fmt::Debug for Queue<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("signal", &S::NAME)
            .field("limits", &self.limits)
            .field("account", &self.account())
            .finish_non_exhaustive()
    }
}

impl<S: Signal> Inner<S> {
    fn new() -> Self {
        Self {
            entries: VecDeque::new(),
            bytes: 0,
            account: SignalLedger::NONE,
            waiting_since: None,
            is_flushing: false,
            closed: None,
            is_worker_done: false,
            is_abandoned: false,
        }
    }

    fn queued(&self) -> usize {
        usize_of(self.account.queued)
    }

    fn abandon(&mut self) {
        if self.is_abandoned {
            return;
        }
        self.is_abandoned = true;
        let left = self.account.queued + self.account.in_flight;
        self.account.drop_for(DropReason::Shutdown, left);
        self.account.queued = 0;
        self.account.in_flight = 0;
        self.entries.clear();
        self.bytes = 0;
    }
}

fn usize_of(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// What is taken from the queue at once. On the wire it is smaller than in memory.
const MOST_BATCH_BYTES: usize = 4 << 20;

/// What waits as one and is larger is trimmed, so that it fits in a request.
const MOST_ENTRY_BYTES: usize = 3 << 20;

const LONGEST_WAIT: Duration = Duration::from_hours(1);
