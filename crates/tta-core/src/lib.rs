#![doc = include_str!("../README.md")]

mod boxed;
mod catalog;
mod conditional;
mod context;
mod error;
mod failure_policy;
mod fallback;
mod flow;
mod identity;
mod instruments;
mod metrics;
mod named;
mod non_idempotent;
mod observe;
mod observed;
mod open_span;
mod operators;
mod panics;
mod parallel;
mod parallel_all;
mod primitive;
mod record;
mod recorder;
mod saga;
mod secret;
mod sequence;
mod spans;
mod stderr;
mod step;
mod switch;

pub use boxed::{BoxFlow, BoxPrimitive, MAX_DEPTH};
pub use catalog::{
    CATALOG, Catalog, DURATION_BOUNDS, LogSpec, MetricKind, MetricSpec, SpanSpec, Unit,
};
pub use conditional::{ConditionalPrimitive, PassThrough, Verdict, conditional, if_else};
#[doc(hidden)]
pub use context::Moment;
pub use context::{
    Cancelled, Canceller, Checkpoint, Clock, Identity, NanoClock, Parent, SpanHandle, Usage,
    WorkflowContext, WorkflowContextBuilder, with_current,
};
pub use error::{BoxError, Error, ErrorKind, Result};
pub use failure_policy::FailurePolicy;
pub use fallback::{FallbackPrimitive, fallback};
pub use flow::{Flow, IntoFlow};
pub use identity::{SpanId, TraceId};
pub use instruments::{
    BucketCount, Counter, Distribution, Exemplar, ExemplarFilter, FamilyReader, Gauge, Histogram,
    MetricFamily, MetricSample, OVERFLOW_LABEL, Registry, SampleValue, SeriesReader,
    refused_measurements, registry,
};
pub use metrics::PrimitiveMetrics;
pub use named::Named;
pub use non_idempotent::NonIdempotent;
pub use observed::Observed;
pub use open_span::OpenSpan;
pub use operators::Operand;
pub use parallel::Parallel;
pub use parallel_all::{ParallelAll, parallel_all};
pub use primitive::Primitive;
pub use record::{
    Attribute, ContentCapture, DetailLimits, EventRecord, Level, LogField, LogRecord, LogValue,
    LostDetails, SpanKind, SpanName, SpanRecord, SpanStatus, StepIdentity, StepRef, TraceNotes,
    TraceRecords, Value,
};
pub use recorder::{
    ActiveSpan, Recorder, install_recorder, log_globally, recorder_panics, uninstall_recorder,
};
pub use saga::{SagaPrimitive, saga};
pub use secret::Secret;
pub use sequence::{Sequence, sequence_all};
pub use stderr::StderrLogger;
pub use step::{
    OfInput, OfInputAndContext, OfStateAndInput, OfStateInputAndContext, StepFunction,
    StepPrimitive, step, step_with,
};
pub use switch::{SwitchBuilder, SwitchPrimitive, switch};
