//! Putting a context together by hand.

use std::fmt;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use super::details::BaggageEntry;
use super::identity::is_identifier;
use super::moment::Timer;
use super::sampling::Sampling;
use super::scratch::Scratches;
use super::{Clock, Identity, Parent, Shared, WorkflowContext};
use crate::catalog::{IDENTIFIER_REPLACED, SpanSpec};
use crate::identity::{SpanId, TraceId};
use crate::open_span::OpenSpan;
use crate::record::{Level, LogField, SpanKind};
use crate::recorder::{self, Recorder, guarded};

/// Puts a [`WorkflowContext`] together; see [`WorkflowContext::builder`].
#[derive(Default)]
#[must_use]
pub struct WorkflowContextBuilder {
    correlation_id: Option<String>,
    workflow_id: Option<String>,
    session_id: Option<String>,
    causation_id: Option<String>,
    deadline: Option<Instant>,
    parent: Option<Parent>,
    sampled: Option<bool>,
    recorder: Option<Arc<dyn Recorder>>,
    clock: Option<Clock>,
    metadata: Vec<(String, String)>,
    baggage: Vec<(String, BaggageEntry)>,
}

impl WorkflowContextBuilder {
    /// The identifier that joins everything done for one request, as it came from outside.
    ///
    /// One that does not match `[A-Za-z0-9._:-]{1,128}` is replaced by a fresh one, and a log line
    /// says so without repeating it. The same holds for the other identifiers.
    pub fn correlation_id(mut self, id: impl Into<String>) -> Self {
        self.correlation_id = Some(id.into());
        self
    }

    /// The identifier of this run of the workflow; fresh by default.
    pub fn workflow_id(mut self, id: impl Into<String>) -> Self {
        self.workflow_id = Some(id.into());
        self
    }

    /// The identifier of the user's session.
    pub fn session_id(mut self, id: impl Into<String>) -> Self {
        self.session_id = Some(id.into());
        self
    }

    /// The identifier of what caused this run.
    pub fn causation_id(mut self, id: impl Into<String>) -> Self {
        self.causation_id = Some(id.into());
        self
    }

    /// When time is up.
    pub fn deadline(mut self, deadline: Instant) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// The span around the workflow; it decides the trace. By default the one that is active on
    /// this thread, if a telemetry layer that can see it is installed.
    pub fn parent(mut self, parent: Parent) -> Self {
        self.parent = Some(parent);
        self
    }

    /// Whether spans are recorded, instead of asking the recorder; for a context that exists already
    /// it is [`enable_tracing`](WorkflowContext::enable_tracing).
    pub fn sampled(mut self, sampled: bool) -> Self {
        self.sampled = Some(sampled);
        self
    }

    /// Where to record, instead of the [installed](crate::install_recorder) recorder.
    pub fn recorder(mut self, recorder: Arc<dyn Recorder>) -> Self {
        self.recorder = Some(recorder);
        self
    }

    /// The clock, instead of [`Instant::now`].
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// A piece of metadata.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.push((key.into(), value.into()));
        self
    }

    /// A baggage entry.
    pub fn baggage(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let entry = BaggageEntry::new(value.into(), true);
        self.baggage.push((key.into(), entry));
        self
    }

    /// A baggage entry from outside: steps can read it, and it goes no further.
    pub fn received_baggage(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        let entry = BaggageEntry::new(value.into(), false);
        self.baggage.push((key.into(), entry));
        self
    }

    /// The properties of a baggage entry that was given before, as W3C Baggage writes them:
    /// `ttl=60;private`. They travel where the entry does, and say nothing to this library. Without
    /// the entry they are left out.
    pub fn baggage_properties(mut self, key: &str, properties: impl AsRef<str>) -> Self {
        let mut entries = self.baggage.iter_mut().rev();
        if let Some((_, entry)) = entries.find(|(present, _)| present == key) {
            entry.set_properties(properties.as_ref());
        }
        self
    }

    /// The context, with a span around all that happens in it, such as that of a request to a
    /// server. Flows run in it are workflows still, with that span as their parent.
    pub fn open(self, spec: &'static SpanSpec, kind: SpanKind) -> OpenSpan {
        OpenSpan::around(self.assemble(Some(SpanId::random())), spec, kind)
    }

    /// The context.
    pub fn build(self) -> WorkflowContext {
        self.assemble(None)
    }

    fn assemble(self, entry: Option<SpanId>) -> WorkflowContext {
        let recorder = self.recorder.or_else(recorder::installed);
        let ambient = || guarded(|| recorder.as_ref()?.ambient_parent());
        let outer = self.parent.or_else(ambient);
        let trace_id = outer
            .as_ref()
            .map_or_else(TraceId::random, |outer| outer.trace_id);
        let sampling = Sampling::decide(recorder.as_ref(), self.sampled, trace_id, outer.as_ref());
        let log_level = guarded(|| recorder.as_ref()?.log_level());
        let wants_scope = guarded(|| recorder.as_ref().is_some_and(|it| it.wants_scope()));

        let mut replaced = Vec::new();
        let mut accept = |field: &'static str, id: Option<String>| {
            let id = id?;
            let accepted = is_identifier(&id);
            if !accepted {
                replaced.push(field);
            }
            accepted.then(|| id.into_boxed_str())
        };
        let correlation = accept("correlation_id", self.correlation_id);
        let workflow = accept("workflow_id", self.workflow_id);
        let session = accept("session_id", self.session_id);
        let causation = accept("causation_id", self.causation_id);
        let identity = Identity::new(trace_id, correlation, workflow, session, causation);

        let quick = guarded(|| recorder.as_ref()?.span_clock());
        let timer = Timer::new(self.clock, quick);
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
        let outer_span = outer
            .as_ref()
            .map_or(SpanId::INVALID, |outer| outer.span_id);
        let entry = entry.unwrap_or(outer_span);
        let shared = Shared {
            identity: Arc::new(identity),
            outer,
            outer_span,
            entry,
            sampling,
            recorder,
            log_level,
            wants_scope,
            timer,
            created_unix_nanos: crate::instruments::nanos(since_epoch.unwrap_or_default()),
            inherited: None,
            details: Mutex::default(),
            buffer: Mutex::default(),
            scratches: Scratches::default(),
            outermost: AtomicUsize::new(0),
            usage: super::Meter::default(),
        };
        let ctx = WorkflowContext {
            shared: Arc::new(shared),
            base: entry,
            deadline: self.deadline,
            meter: None,
            cancellation: super::Cancellation::default(),
        };
        if !self.metadata.is_empty() || !self.baggage.is_empty() {
            let mut details = ctx.shared.details();
            let details = details.get_or_insert_default();
            details.metadata.extend(self.metadata);
            details.baggage.extend(self.baggage);
        }
        for field in replaced {
            ctx.log(
                &IDENTIFIER_REPLACED,
                Level::Warn,
                &[LogField::new("field", field)],
            );
        }
        ctx
    }
}

impl fmt::Debug for WorkflowContextBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkflowContextBuilder")
            .field("parent", &self.parent)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
