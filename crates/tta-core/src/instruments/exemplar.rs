//! Examples of what was measured, each with its trace.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, TryLockError};
use std::time::SystemTime;

use crate::context::WorkflowContext;
use crate::identity::{SpanId, TraceId};

/// One measurement and the trace it was made in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exemplar {
    /// What was measured, in the metric's unit.
    pub value: f64,
    /// The trace.
    pub trace_id: TraceId,
    /// The span that was active.
    pub span_id: SpanId,
    /// When it was measured.
    pub at: SystemTime,
}

/// Which measurements may become examples.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExemplarFilter {
    /// Those of sampled traces, so that an example leads to a trace that is there.
    #[default]
    TraceBased,
    /// All that belong to a workflow.
    AlwaysOn,
    /// None.
    AlwaysOff,
}

impl ExemplarFilter {
    /// Every filter.
    pub const ALL: [Self; 3] = [Self::TraceBased, Self::AlwaysOn, Self::AlwaysOff];

    /// The name as `OTEL_METRICS_EXEMPLAR_FILTER` spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TraceBased => "trace_based",
            Self::AlwaysOn => "always_on",
            Self::AlwaysOff => "always_off",
        }
    }

    /// Makes it hold for the whole process from now on.
    pub fn set(self) {
        FILTER.store(self as u8, Ordering::Relaxed);
    }

    /// Whether a measurement made in a context may become an example. A trace that is only held may
    /// never arrive anywhere, and counts as not sampled.
    #[inline]
    pub(crate) fn admits_in(ctx: &WorkflowContext) -> bool {
        Self::admits(ctx.is_sampled() && !ctx.is_held())
    }

    /// Whether a measurement of a trace may become an example.
    #[inline]
    pub(crate) fn admits(is_sampled: bool) -> bool {
        match FILTER.load(Ordering::Relaxed) {
            ALWAYS_ON => true,
            ALWAYS_OFF => false,
            _ => is_sampled,
        }
    }
}

/// Room for the latest example; renewed at most once a second, so that sampled steps do not queue.
#[derive(Debug, Default)]
pub(crate) struct ExemplarSlot {
    /// When the example may be replaced, in nanoseconds of the workflow clock's wall time.
    renew_at: AtomicU64,
    latest: Mutex<Option<Exemplar>>,
}

impl ExemplarSlot {
    /// Offers a measurement made in `ctx`: it is taken if the filter admits it and the last one is old.
    #[inline]
    pub(crate) fn offer(&self, value: f64, ctx: &WorkflowContext) {
        if ExemplarFilter::admits_in(ctx) {
            self.offer_now(value, ctx);
        }
    }

    /// Offers a measurement that the filter admits, made now.
    #[inline(never)]
    pub(crate) fn offer_now(&self, value: f64, ctx: &WorkflowContext) {
        let now = ctx.unix_nanos(ctx.moment());
        self.offer_at(|| value, ctx.trace_id(), ctx.span_id(), now);
    }

    /// The same, for callers that have read the clock already.
    #[inline]
    pub(crate) fn offer_at(
        &self,
        value: impl FnOnce() -> f64,
        trace_id: TraceId,
        span_id: SpanId,
        now: u64,
    ) {
        if now >= self.renew_at.load(Ordering::Relaxed) {
            self.renew(value(), trace_id, span_id, now);
        }
    }

    #[cold]
    fn renew(&self, value: f64, trace_id: TraceId, span_id: SpanId, now: u64) {
        // Somebody else is writing an example this very moment: theirs is as good.
        let mut latest = match self.latest.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        self.renew_at
            .store(now.saturating_add(RENEWAL_NANOS), Ordering::Relaxed);
        let at = SystemTime::UNIX_EPOCH + std::time::Duration::from_nanos(now);
        *latest = Some(Exemplar {
            value,
            trace_id,
            span_id,
            at,
        });
    }

    pub(crate) fn latest(&self) -> Option<Exemplar> {
        // Most slots have never held one, and asking this takes no lock.
        let is_empty = self.renew_at.load(Ordering::Relaxed) == 0;
        if is_empty || FILTER.load(Ordering::Relaxed) == ALWAYS_OFF {
            return None;
        }
        *self.latest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The examples of a histogram's buckets.
#[derive(Debug)]
pub(crate) struct BucketExemplars {
    buckets: usize,
    /// Made for the first example: most histograms have none, and would keep more room for examples
    /// than for counts. Asking whether there are any is most of what reading such a histogram costs.
    slots: OnceLock<Box<[ExemplarSlot]>>,
}

impl BucketExemplars {
    pub(crate) fn new(buckets: usize) -> Self {
        Self {
            buckets,
            slots: OnceLock::new(),
        }
    }

    /// The slot of a bucket, for a measurement that the filter admits.
    #[inline]
    pub(crate) fn slot(&self, bucket: usize) -> Option<&ExemplarSlot> {
        let slots = || (0..self.buckets).map(|_| ExemplarSlot::default()).collect();
        self.slots.get_or_init(slots).get(bucket)
    }

    /// Whether a bucket has had one.
    pub(crate) fn is_used(&self) -> bool {
        self.slots.get().is_some()
    }

    /// The latest example of a bucket.
    pub(crate) fn latest(&self, bucket: usize) -> Option<Exemplar> {
        let slot = self.slots.get()?.get(bucket)?;
        slot.latest()
    }

    /// How many buckets there are.
    pub(crate) fn len(&self) -> usize {
        self.buckets
    }
}

const RENEWAL_NANOS: u64 = 1_000_000_000;
const ALWAYS_ON: u8 = ExemplarFilter::AlwaysOn as u8;
const ALWAYS_OFF: u8 = ExemplarFilter::AlwaysOff as u8;

static FILTER: AtomicU8 = AtomicU8::new(ExemplarFilter::TraceBased as u8);
