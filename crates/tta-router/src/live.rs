//! What the routes are doing.

use std::cell::Cell;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tta_core::{Error, ErrorKind};

use crate::cost::CostModel;

/// The routes of a router without what they run: what is known of each, and what it is doing.
#[derive(Debug)]
pub(crate) struct RouteTable {
    pub(crate) rows: Vec<RouteRow>,
    /// Within which time an old latency counts for half.
    pub(crate) half_life: Duration,
    /// What times are counted from: the first that was asked for.
    epoch: OnceLock<Instant>,
}

/// One route.
#[derive(Debug)]
pub(crate) struct RouteRow {
    pub(crate) name: String,
    pub(crate) model: Option<String>,
    pub(crate) cost: CostModel,
    pub(crate) live: Live,
}

/// What one route is doing; on a cache line of its own, since other routes' callers write theirs.
#[derive(Debug, Default)]
#[repr(align(64))]
pub(crate) struct Live {
    in_flight: AtomicUsize,
    /// The decayed mean in nanoseconds.
    latency: AtomicU64,
    observed_at: Moment,
    tried_at: Moment,
    failures: AtomicU32,
    failed_at: Moment,
    /// Until when the other side asked to be left alone.
    resting_until: Moment,
    probed: AtomicBool,
}

/// A point in time: nanoseconds since the table's epoch, and one; 0 for never.
#[derive(Debug, Default)]
struct Moment(AtomicU64);

impl RouteTable {
    pub(crate) fn new(rows: Vec<RouteRow>, half_life: Duration) -> Self {
        Self {
            rows,
            half_life,
            epoch: OnceLock::new(),
        }
    }

    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        self.rows.iter().position(|row| row.name == name)
    }

    pub(crate) fn name(&self, index: usize) -> &str {
        self.rows.get(index).map_or("", |row| row.name.as_str())
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.rows.iter().map(|row| row.name.as_str())
    }

    /// The names for a message.
    pub(crate) fn listed(&self) -> String {
        self.names().collect::<Vec<_>>().join(", ")
    }

    /// The clock's time as the rows keep it.
    pub(crate) fn tick(&self, now: Instant) -> u64 {
        let epoch = *self.epoch.get_or_init(|| now);
        nanos(now.saturating_duration_since(epoch)).saturating_add(1)
    }
}

impl Live {
    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    pub(crate) fn latency(&self) -> Option<Duration> {
        self.observed_at
            .tick()
            .map(|_| Duration::from_nanos(self.latency.load(Ordering::Relaxed)))
    }

    pub(crate) fn failures(&self) -> u32 {
        self.failures.load(Ordering::Relaxed)
    }

    pub(crate) fn is_probed(&self) -> bool {
        self.probed.load(Ordering::Relaxed)
    }

    pub(crate) fn since_tried(&self, present: &Present<'_>) -> Option<Duration> {
        self.tried_at.since_at(present)
    }

    pub(crate) fn since_failed(&self, present: &Present<'_>) -> Option<Duration> {
        self.failed_at.since_at(present)
    }

    /// How long the other side still wants to be left alone.
    pub(crate) fn rests_for(&self, present: &Present<'_>) -> Duration {
        let until = self.resting_until.tick();
        until.map_or(Duration::ZERO, |until| {
            Duration::from_nanos(until.saturating_sub(present.tick()))
        })
    }

    /// Makes this caller the one that probes the route, unless there is one.
    pub(crate) fn claim(&self) -> Option<Claim<'_>> {
        let was_probed = self.probed.swap(true, Ordering::Relaxed);
        // Made only where it is granted: one that is dropped gives the right back.
        (!was_probed).then(|| Claim { live: self })
    }

    fn succeeded(&self, took: Duration, half_life: Duration, tick: u64) {
        self.failures.store(0, Ordering::Relaxed);
        self.resting_until.0.store(0, Ordering::Relaxed);
        let took = nanos(took);
        let mean = match self.observed_at.since(tick) {
            None => took,
            Some(since) => {
                let old = self.latency.load(Ordering::Relaxed);
                let halves = since.as_secs_f64() / half_life.as_secs_f64();
                let share = (1.0 - (-halves).exp2()).max(LEAST_SHARE);
                blend(old, took, share)
            }
        };
        // Two callers that end at once may overwrite each other: one of many observations is lost.
        self.latency.store(mean, Ordering::Relaxed);
        self.observed_at.set(tick);
    }

    fn failed(&self, error: &Error, tick: u64) {
        // What is the caller's own doing says nothing of the route.
        if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Cancelled) {
            return;
        }
        self.failed_at.set(tick);
        self.failures.fetch_add(1, Ordering::Relaxed);
        if let Some(wait) = error.retry_after() {
            self.resting_until.set(tick.saturating_add(nanos(wait)));
        }
    }
}

impl Moment {
    fn tick(&self) -> Option<u64> {
        Some(self.0.load(Ordering::Relaxed)).filter(|tick| *tick > 0)
    }

    fn set(&self, tick: u64) {
        self.0.store(tick, Ordering::Relaxed);
    }

    fn since(&self, now: u64) -> Option<Duration> {
        self.tick()
            .map(|tick| Duration::from_nanos(now.saturating_sub(tick)))
    }

    /// The same, where the present need not be known for what never was.
    fn since_at(&self, present: &Present<'_>) -> Option<Duration> {
        self.tick()
            .map(|tick| Duration::from_nanos(present.tick().saturating_sub(tick)))
    }
}

/// What time it is for one decision: found out when a strategy first asks, since most never do and
/// the clock costs as much as a decision by rules.
pub(crate) struct Present<'r> {
    table: &'r RouteTable,
    now: &'r dyn Fn() -> Instant,
    tick: Cell<Option<u64>>,
}

impl<'r> Present<'r> {
    pub(crate) fn new(table: &'r RouteTable, now: &'r dyn Fn() -> Instant) -> Self {
        Self {
            table,
            now,
            tick: Cell::new(None),
        }
    }

    fn tick(&self) -> u64 {
        let tick = self
            .tick
            .get()
            .unwrap_or_else(|| self.table.tick((self.now)()));
        self.tick.set(Some(tick));
        tick
    }
}

/// The right to probe a route, which one caller at a time has until this is dropped.
#[derive(Debug)]
pub(crate) struct Claim<'r> {
    live: &'r Live,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.live.probed.store(false, Ordering::Relaxed);
    }
}

/// One call of a route; it is in flight until this is dropped.
#[derive(Debug)]
pub(crate) struct InFlight<'r> {
    live: &'r Live,
    _claim: Option<Claim<'r>>,
}

impl<'r> InFlight<'r> {
    pub(crate) fn begin(live: &'r Live, claim: Option<Claim<'r>>, tick: u64) -> Self {
        live.in_flight.fetch_add(1, Ordering::Relaxed);
        live.tried_at.set(tick);
        Self {
            live,
            _claim: claim,
        }
    }

    pub(crate) fn succeeded(&self, took: Duration, half_life: Duration, tick: u64) {
        self.live.succeeded(took, half_life, tick);
    }

    pub(crate) fn failed(&self, error: &Error, tick: u64) {
        self.live.failed(error, tick);
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.live.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

fn blend(old: u64, new: u64, share: f64) -> u64 {
    let mean = old as f64 + share * (new as f64 - old as f64);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it lies between two numbers of nanoseconds"
    )]
    let nanos = mean.round() as u64;
    nanos
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// What a new latency counts for at least, so that a burst of calls moves the mean too.
const LEAST_SHARE: f64 = 0.1;
