//! What travels with a request through its steps.

mod baggage;
mod boundary;
mod builder;
mod cancellation;
mod current;
mod details;
mod identity;
mod moment;
mod outward;
mod recording;
mod sampling;
mod scratch;
mod span_handle;
mod usage;

pub use builder::WorkflowContextBuilder;
pub use cancellation::{Cancelled, Canceller};
pub use current::with_current;
pub(crate) use current::{entered, shown_as};
pub use details::Checkpoint;
pub use identity::{Identity, Parent};
pub use moment::Moment;
pub use span_handle::SpanHandle;
pub use usage::Usage;

use std::any::Any;
use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use self::cancellation::Cancellation;
use self::details::Details;
use self::moment::Timer;
use self::sampling::Sampling;
use self::scratch::Scratches;
use self::usage::{Meter, Metered};
use crate::identity::{SpanId, TraceId};
use crate::record::{Level, TraceBuffer};
use crate::recorder::Recorder;

/// A source of monotonic time.
pub type Clock = fn() -> Instant;

/// A source of monotonic time that counts nanoseconds from a moment of its own: a quicker one than
/// [`Instant::now`], which executions may be measured by.
pub type NanoClock = fn() -> u64;

/// What travels with a request through its steps: identity, deadline, trace, and state that steps
/// share.
///
/// Steps get it by reference. A clone is one reference count; it remembers the step in which it was
/// made, so that work moved to another task or thread stays a child of that step; a mere reference
/// used on another thread knows of no step there. A
/// [`child`](Self::child) inherits and cannot change its parent.
///
/// # Examples
///
/// ```
/// use tta_core::WorkflowContext;
///
/// #[derive(Debug, PartialEq)]
/// struct User(&'static str);
///
/// let ctx = WorkflowContext::builder().correlation_id("req-12345").build();
/// ctx.put(User("ada"));
/// assert_eq!(ctx.correlation_id(), "req-12345");
/// assert_eq!(*ctx.state::<User>().unwrap(), User("ada"));
/// ```
pub struct WorkflowContext {
    shared: Arc<Shared>,
    /// The span that new spans are part of where no step of this workflow is being polled.
    base: SpanId,
    deadline: Option<Instant>,
    /// The piece of work whose usage is measured apart.
    meter: Option<Arc<Metered>>,
    cancellation: Cancellation,
}

struct Shared {
    identity: Arc<Identity>,
    /// The span of somebody else around the workflow.
    outer: Option<Parent>,
    /// Its identifier, where each execution finds it; invalid if there is none.
    outer_span: SpanId,
    /// The span at which workflows begin: one opened around them in this process, or the outer one.
    entry: SpanId,
    sampling: Sampling,
    recorder: Option<Arc<dyn Recorder>>,
    log_level: Option<Level>,
    wants_scope: bool,
    timer: Timer,
    created_unix_nanos: u64,
    inherited: Option<Arc<Shared>>,
    /// Made when first needed: most workflows are told nothing.
    details: Mutex<Option<Box<Details>>>,
    buffer: Mutex<TraceBuffer>,
    scratches: Scratches,
    /// Executions under way whose end hands the buffer over.
    outermost: AtomicUsize,
    usage: Meter,
}

impl WorkflowContext {
    /// A context with a fresh correlation id, and a trace of its own unless a span of OpenTelemetry
    /// or `tracing` is active around the caller and a telemetry layer is installed.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A context put together by hand.
    pub fn builder() -> WorkflowContextBuilder {
        WorkflowContextBuilder::default()
    }

    /// A context for a part of the work: it inherits identity, trace, sampling decision, deadline,
    /// cancellation, baggage and state, and what is written to it is not seen in this one.
    pub fn child(&self) -> Self {
        let shared = Shared {
            identity: Arc::new(self.shared.identity.child()),
            outer: self.shared.outer.clone(),
            outer_span: self.shared.outer_span,
            entry: self.shared.entry,
            sampling: self.shared.sampling.inherit(),
            recorder: self.shared.recorder.clone(),
            log_level: self.shared.log_level,
            wants_scope: self.shared.wants_scope,
            timer: self.shared.timer.restarted(),
            created_unix_nanos: self.unix_nanos(self.moment()),
            inherited: Some(Arc::clone(&self.shared)),
            details: Mutex::default(),
            buffer: Mutex::default(),
            scratches: Scratches::default(),
            outermost: AtomicUsize::new(0),
            usage: Meter::default(),
        };
        Self {
            shared: Arc::new(shared),
            base: self.span_id(),
            deadline: self.deadline,
            meter: self.meter.clone(),
            cancellation: self.cancellation.clone(),
        }
    }

    /// A [`child`](Self::child) for work that goes on when the caller has its answer, such as
    /// refreshing what it was given: part of the same trace, below the span it is made in, and
    /// without the deadline.
    #[must_use]
    pub fn detached(&self) -> Self {
        let mut ctx = self.child();
        ctx.deadline = None;
        ctx
    }

    /// The same context with another span as the one that its work is part of.
    pub(crate) fn based_on(mut self, span: SpanId) -> Self {
        self.base = span;
        self
    }

    /// The same context with a deadline, unless it has an earlier one.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "so that it is made where it is to lie, and not moved right after"
    )]
    #[must_use]
    pub fn with_deadline(&self, deadline: Instant) -> Self {
        Self {
            shared: current::handle(self),
            base: self.span_id(),
            deadline: Some(self.sooner(deadline)),
            meter: self.meter.clone(),
            cancellation: self.cancellation.clone(),
        }
    }

    /// The same for a context that is nobody else's.
    #[doc(hidden)]
    #[inline]
    #[must_use]
    pub fn until(mut self, deadline: Instant) -> Self {
        self.deadline = Some(self.sooner(deadline));
        self
    }

    /// Drops the context. The next one that is made of the workflow in this poll needs no reference
    /// counted.
    #[doc(hidden)]
    #[inline]
    pub fn give_back(self) {
        current::give_back(self.shared);
    }

    #[inline]
    fn sooner(&self, deadline: Instant) -> Instant {
        self.deadline.map_or(deadline, |own| own.min(deadline))
    }

    /// The identifier that joins everything done for one request; from outside or fresh.
    pub fn correlation_id(&self) -> &str {
        self.shared.identity.correlation_id()
    }

    /// Who the context speaks for: correlation, workflow, session and causation.
    pub fn identity(&self) -> &Identity {
        &self.shared.identity
    }

    /// The trace.
    #[inline]
    pub fn trace_id(&self) -> TraceId {
        self.shared.identity.trace_id()
    }

    /// The innermost span of this workflow around the caller; [invalid](SpanId::is_valid) if there
    /// is none.
    #[inline]
    pub fn span_id(&self) -> SpanId {
        current::span_in(self).unwrap_or(self.base)
    }

    /// The span of another process or library in which the workflow runs.
    pub fn outer_parent(&self) -> Option<&Parent> {
        self.shared.outer.as_ref()
    }

    /// When time is up, if it ever is.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }

    /// How long until the deadline; zero when it has passed.
    pub fn remaining(&self) -> Option<Duration> {
        self.deadline
            .map(|deadline| deadline.saturating_duration_since(self.now()))
    }

    /// When the context was made.
    pub fn created_at(&self) -> SystemTime {
        UNIX_EPOCH + Duration::from_nanos(self.shared.created_unix_nanos)
    }

    /// How long ago the context was made.
    pub fn elapsed(&self) -> Duration {
        self.now()
            .saturating_duration_since(self.shared.timer.created())
    }

    /// The context's clock: monotonic, and under a test's control when built so.
    #[inline]
    pub fn now(&self) -> Instant {
        self.shared.timer.now()
    }

    /// Shares a value, under its type, with the steps that follow and with the caller.
    pub fn put<T: Any + Send + Sync>(&self, value: T) {
        let replaced = self
            .shared
            .details()
            .get_or_insert_default()
            .put(Arc::new(value));
        // Dropped here, with the lock released: its destructor is the user's code.
        drop(replaced);
    }

    /// The value of this type that was shared last, here or in a parent.
    pub fn state<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        self.lookup(Details::state::<T>)
    }

    /// Sets a piece of metadata.
    pub fn set_metadata(&self, key: impl Into<String>, value: impl Into<String>) {
        let (key, value) = (key.into(), value.into());
        self.shared
            .details()
            .get_or_insert_default()
            .metadata
            .insert(key, value);
    }

    /// A piece of metadata, from here or from a parent.
    pub fn metadata(&self, key: &str) -> Option<String> {
        self.lookup(|details| details.metadata.get(key).cloned())
    }

    /// Adds a tag.
    pub fn add_tag(&self, tag: impl Into<String>) {
        let tag = tag.into();
        self.shared
            .details()
            .get_or_insert_default()
            .tags
            .insert(tag);
    }

    /// Whether the context or a parent has the tag.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.lookup(|details| details.tags.contains(tag).then_some(()))
            .is_some()
    }

    /// Notes that a point was reached.
    pub fn checkpoint(&self, name: impl Into<String>) {
        let checkpoint = Checkpoint {
            name: name.into(),
            elapsed: self.elapsed(),
        };
        self.shared
            .details()
            .get_or_insert_default()
            .checkpoints
            .push(checkpoint);
    }

    /// The points reached so far, in order.
    pub fn checkpoints(&self) -> Vec<Checkpoint> {
        let details = self.shared.details();
        details
            .as_ref()
            .map_or_else(Vec::new, |details| details.checkpoints.clone())
    }

    /// Whether nothing of this workflow has begun around the caller, but the span around it all.
    #[inline]
    pub(crate) fn is_at_root(&self) -> bool {
        self.span_id() == self.shared.entry
    }

    /// Whether a span with this parent is the outermost of those that this context hands over.
    #[inline]
    pub(crate) fn hands_over_after(&self, parent: SpanId) -> bool {
        parent == self.outer_span() || (self.shared.inherited.is_some() && parent == self.base)
    }

    /// Whether this is a span of another process.
    #[inline]
    pub(crate) fn is_remote(&self, span: SpanId) -> bool {
        self.shared
            .outer
            .as_ref()
            .is_some_and(|outer| outer.is_remote && outer.span_id == span)
    }

    /// The span at which workflows begin.
    #[inline]
    pub(crate) fn entry(&self) -> SpanId {
        self.shared.entry
    }

    pub(crate) fn recorder(&self) -> Option<&Arc<dyn Recorder>> {
        self.shared.recorder.as_ref()
    }

    /// Whether the recorder is to show the span that is about to be polled.
    #[inline]
    pub(crate) fn wants_scope(&self) -> bool {
        self.shared.wants_scope && (self.is_sampled() || !current::is_shown_unrecorded(self))
    }

    #[inline]
    pub(crate) fn outer_span(&self) -> SpanId {
        self.shared.outer_span
    }

    /// The nearest answer, from here outward.
    fn lookup<T>(&self, find: impl Fn(&Details) -> Option<T>) -> Option<T> {
        let mut shared = Some(&self.shared);
        while let Some(here) = shared {
            if let Some(found) = here.details().as_deref().and_then(&find) {
                return Some(found);
            }
            shared = here.inherited.as_ref();
        }
        None
    }
}

impl Default for WorkflowContext {
    fn default() -> Self {
        Self::new()
    }
}

impl Clone for WorkflowContext {
    /// Another handle to the same context, which remembers the step it was made in.
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            base: self.span_id(),
            deadline: self.deadline,
            meter: self.meter.clone(),
            cancellation: self.cancellation.clone(),
        }
    }
}

impl fmt::Debug for WorkflowContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkflowContext")
            .field("correlation_id", &self.correlation_id())
            .field("trace_id", &self.trace_id())
            .field("span_id", &self.span_id())
            .field("sampled", &self.is_sampled())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn details(&self) -> MutexGuard<'_, Option<Box<Details>>> {
        // No code of the user runs under the lock, and each change is a single step.
        self.details.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
