//! A recorder that keeps everything it is given, for tests to look at.

use std::sync::{Arc, Mutex, PoisonError};

use tta_core::{
    Attribute, EventRecord, Level, LogRecord, LogValue, Parent, Recorder, SpanId, SpanRecord,
    SpanStatus, TraceId, TraceNotes, TraceRecords, Value, WorkflowContext, WorkflowContextBuilder,
};

/// A [`Recorder`] that keeps every span and log line.
///
/// Give it to the contexts of one test with [`context`](Self::context), so that tests that run at
/// the same time do not see each other's spans.
///
/// # Examples
///
/// ```
/// use tta_core::step;
/// use tta_testkit::recording::RecordingRecorder;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let recorder = RecordingRecorder::new();
/// let ctx = recorder.context();
/// step("double", async |n: u32| Ok(n * 2)).execute(21, &ctx).await.unwrap();
///
/// let root = recorder.span("workflow.execute");
/// assert_eq!(recorder.span("double.execute").parent_id, root.span_id);
/// # });
/// ```
#[derive(Debug, Default)]
pub struct RecordingRecorder {
    kept: Mutex<Kept>,
    unsampled: bool,
}

#[derive(Debug, Default)]
struct Kept {
    traces: Vec<TraceRecords>,
    logs: Vec<LoggedLine>,
}

/// A log line as it was given to the recorder.
#[derive(Clone, Debug, PartialEq)]
pub struct LoggedLine {
    /// The event's name.
    pub event: &'static str,
    /// Its level.
    pub level: Level,
    /// Its fields, written out.
    pub fields: Vec<(&'static str, String)>,
    /// The correlation id of the context, if there was one.
    pub correlation_id: Option<String>,
    /// The innermost span of the context.
    pub span_id: SpanId,
}

impl LoggedLine {
    /// The value of a field, written out.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(field, _)| *field == name)
            .map(|(_, value)| value.as_str())
    }
}

impl RecordingRecorder {
    /// A recorder that samples every trace and wants lines of every level.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// A recorder that samples no trace that its parent does not.
    pub fn following_parents() -> Arc<Self> {
        Arc::new(Self {
            unsampled: true,
            ..Self::default()
        })
    }

    /// A context that records here.
    pub fn context(self: &Arc<Self>) -> WorkflowContext {
        self.builder().build()
    }

    /// A builder of contexts that record here.
    pub fn builder(self: &Arc<Self>) -> WorkflowContextBuilder {
        WorkflowContext::builder().recorder(Arc::clone(self) as Arc<dyn Recorder>)
    }

    /// Every span handed over so far, in the order in which they ended.
    pub fn spans(&self) -> Vec<SpanRecord> {
        self.kept()
            .traces
            .iter()
            .flat_map(|trace| trace.spans.clone())
            .collect()
    }

    /// Every hand-over so far.
    pub fn traces(&self) -> Vec<TraceRecords> {
        self.kept().traces.clone()
    }

    /// Every log line so far.
    pub fn logs(&self) -> Vec<LoggedLine> {
        self.kept().logs.clone()
    }

    /// The only span of this name.
    ///
    /// # Panics
    ///
    /// If there is none or more than one.
    #[track_caller]
    pub fn span(&self, name: &str) -> SpanRecord {
        let mut named = self.spans_named(name);
        let all: Vec<_> = self
            .spans()
            .iter()
            .map(|span| span.name.as_str().to_owned())
            .collect();
        assert_eq!(named.len(), 1, "spans named `{name}` among {all:?}");
        named.remove(0)
    }

    /// The spans of this name, in the order in which they ended.
    pub fn spans_named(&self, name: &str) -> Vec<SpanRecord> {
        self.spans()
            .into_iter()
            .filter(|span| span.name.as_str() == name)
            .collect()
    }

    /// The value of a span's attribute; the last one that was set.
    pub fn attribute(&self, span: SpanId, key: &str) -> Option<Value> {
        let kept = self.kept();
        let mut all = kept.traces.iter().flat_map(|trace| &trace.attributes).rev();
        let found = all.find(|(id, attribute)| *id == span && attribute.key == key);
        found.map(|(_, Attribute { value, .. })| value.clone())
    }

    /// The events of a span.
    pub fn events(&self, span: SpanId) -> Vec<EventRecord> {
        let kept = self.kept();
        let all = kept.traces.iter().flat_map(|trace| &trace.events);
        all.filter(|event| event.span_id == span).cloned().collect()
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Recorder for RecordingRecorder {
    fn sample(&self, _: TraceId, parent: Option<&Parent>) -> bool {
        parent.map_or(!self.unsampled, |parent| parent.sampled)
    }

    fn record(&self, trace: TraceNotes) {
        self.kept().traces.push(trace.into_records());
    }

    fn log_level(&self) -> Option<Level> {
        Some(Level::Trace)
    }

    fn log(&self, record: &LogRecord<'_>) {
        let written = |value: &LogValue<'_>| match value {
            LogValue::Str(text) => (*text).to_owned(),
            LogValue::Unsigned(number) => number.to_string(),
            LogValue::Float(number) => number.to_string(),
            other => format!("{other:?}"),
        };
        let line = LoggedLine {
            event: record.event.name,
            level: record.level,
            fields: record
                .fields
                .iter()
                .map(|it| (it.name, written(&it.value)))
                .collect(),
            correlation_id: record.context.map(|ctx| ctx.correlation_id().to_owned()),
            span_id: record
                .context
                .map_or(SpanId::INVALID, WorkflowContext::span_id),
        };
        self.kept().logs.push(line);
    }
}

/// The `error.type` of a span, if it ended in an error.
pub fn error_type(span: &SpanRecord) -> Option<&'static str> {
    match &span.status {
        SpanStatus::Error { error_type, .. } => Some(error_type),
        _ => None,
    }
}
