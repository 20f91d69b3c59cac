//! Finished spans and log lines, in the form in which they leave the core.

mod attribute_notes;
mod buffer;
mod content;
mod limits;
mod notes;
mod size;
mod span_notes;
mod step;
mod value;

use buffer::cut;
pub(crate) use buffer::{Taken, TraceBuffer};
pub(crate) use content::CONTENT_EVENT;
pub use content::ContentCapture;
pub use limits::DetailLimits;
pub(crate) use notes::Notes;
pub use notes::TraceNotes;
pub(crate) use span_notes::{FinishedSpan, SpanNote};
pub use step::{StepIdentity, StepRef};
pub use value::{Attribute, Value};

use std::borrow::Cow;
use std::sync::Arc;

use crate::catalog::{LogSpec, SpanSpec};
use crate::context::{Identity, Parent, WorkflowContext};
use crate::identity::{SpanId, TraceId};

/// The finished spans of one workflow, as they were handed over in [`TraceNotes`] when its root ended.
///
/// Attributes and events stand beside the spans and name them by id: a step that adds one pays for
/// a push, and whoever exports joins them on a thread of its own.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each says something of its own"
)]
pub struct TraceRecords {
    /// The trace that all the spans belong to.
    pub trace_id: TraceId,
    /// Whether its identifier is known to be random in its lower 56 bits.
    pub is_random: bool,
    /// Whose spans they are.
    pub identity: Arc<Identity>,
    /// The spans, in the order in which they ended.
    pub spans: Vec<SpanRecord>,
    /// Their attributes, in the order in which they were set.
    pub attributes: Vec<(SpanId, Attribute)>,
    /// Their events, in the order in which they happened.
    pub events: Vec<EventRecord>,
    /// Spans of other traces that they come from, in the order in which they were named.
    pub links: Vec<(SpanId, Parent)>,
    /// What vendors along the way have noted about the trace.
    pub trace_state: Option<Arc<str>>,
    /// What the workflow said beyond the limits of its memory.
    pub lost: LostDetails,
    /// Whether the trace is sampled; one that is not is handed over only to a recorder that
    /// [holds](crate::Recorder::holds_unsampled) such traces.
    pub is_sampled: bool,
    /// Whether the outermost span that the trace has in this process is among the spans.
    pub root_ended: bool,
    /// Whether nothing of the trace goes on in this process, so that no more of it comes.
    pub is_last: bool,
}

/// Attributes and events that were left out, because a workflow may hold no more of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LostDetails {
    /// Attributes of spans and of events.
    pub attributes: u64,
    /// Events.
    pub events: u64,
    /// Links.
    pub links: u64,
}

/// One finished span.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SpanRecord {
    /// The span.
    pub span_id: SpanId,
    /// The span it is part of; [invalid](SpanId::is_valid) for the root of a trace.
    pub parent_id: SpanId,
    /// Whether the parent is a span of another process.
    pub parent_is_remote: bool,
    /// What it covers.
    pub name: SpanName,
    /// How it stands to other processes.
    pub kind: SpanKind,
    /// When it began, in nanoseconds since the Unix epoch.
    pub start_unix_nanos: u64,
    /// When it ended, in nanoseconds since the Unix epoch.
    pub end_unix_nanos: u64,
    /// How it ended.
    pub status: SpanStatus,
}

/// The name of a span.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum SpanName {
    /// A part of a primitive, as the catalogue names it.
    Part(&'static str),
    /// A step.
    Step(StepRef),
    /// A workflow: the root of our part of the trace.
    Workflow(StepRef),
    /// Something at the process's edge, named after what came in or went out.
    Edge {
        /// The span as the catalogue has it.
        spec: &'static SpanSpec,
        /// The name.
        name: Cow<'static, str>,
    },
}

impl SpanName {
    /// The name as it is exported.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Part(name) => name,
            Self::Step(step) | Self::Workflow(step) => &step.span_name,
            Self::Edge { name, .. } => name,
        }
    }
}

/// How a span stands to other processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum SpanKind {
    /// Work inside the process.
    #[default]
    Internal,
    /// A call to another service.
    Client,
    /// A call from another service.
    Server,
    /// A message sent for somebody to work on later.
    Producer,
    /// Work on messages sent before.
    Consumer,
}

/// How a span ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpanStatus {
    /// As it should.
    Ok,
    /// It ended, and what that means is for the other side to say: an answer such as 404.
    Unset,
    /// In an error.
    Error {
        /// The value of the attribute `error.type`.
        error_type: &'static str,
        /// The error's message.
        description: Cow<'static, str>,
    },
}

/// Something that happened inside a span.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct EventRecord {
    /// The span.
    pub span_id: SpanId,
    /// What happened.
    pub name: Cow<'static, str>,
    /// When, in nanoseconds since the Unix epoch.
    pub unix_nanos: u64,
    /// More about it.
    pub attributes: Vec<Attribute>,
}

/// One log line.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LogRecord<'a> {
    /// What happened.
    pub event: &'static LogSpec,
    /// How much it matters.
    pub level: Level,
    /// More about it.
    pub fields: &'a [LogField<'a>],
    /// The workflow in which it happened, if it was in one.
    pub context: Option<&'a WorkflowContext>,
}

impl<'a> LogRecord<'a> {
    /// A line that belongs to no workflow, as a telemetry layer writes about itself.
    pub const fn new(event: &'static LogSpec, level: Level, fields: &'a [LogField<'a>]) -> Self {
        Self {
            event,
            level,
            fields,
            context: None,
        }
    }
}

/// One field of a log line.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct LogField<'a> {
    /// The field's name.
    pub name: &'static str,
    /// Its value.
    pub value: LogValue<'a>,
}

/// The value of a field of a log line.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum LogValue<'a> {
    /// Text.
    Str(&'a str),
    /// A whole number.
    Unsigned(u64),
    /// A number.
    Float(f64),
}

impl<'a> LogField<'a> {
    /// A field.
    pub fn new(name: &'static str, value: impl Into<LogValue<'a>>) -> Self {
        Self {
            name,
            value: value.into(),
        }
    }
}

impl<'a> From<&'a str> for LogValue<'a> {
    fn from(value: &'a str) -> Self {
        Self::Str(value)
    }
}

impl From<u64> for LogValue<'_> {
    fn from(value: u64) -> Self {
        Self::Unsigned(value)
    }
}

impl From<f64> for LogValue<'_> {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

/// How much a log line matters, in ascending order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Every detail.
    Trace,
    /// Each step.
    Debug,
    /// Each workflow.
    Info,
    /// Something went wrong and was dealt with.
    Warn,
    /// Something went wrong and needs a hand.
    Error,
}

impl Level {
    /// The level's name in lower case.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trace => "trace",
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warn => "warn",
            Self::Error => "error",
        }
    }
}
