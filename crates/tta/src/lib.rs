#![doc = include_str!("../README.md")]

pub mod prelude;

pub use tta_core::{
    ActiveSpan, Attribute, BoxError, BoxFlow, BoxPrimitive, BucketCount, CATALOG, Catalog,
    Checkpoint, Clock, ConditionalPrimitive, Counter, DURATION_BOUNDS, Distribution, Error,
    ErrorKind, EventRecord, Exemplar, FallbackPrimitive, Flow, Gauge, Histogram, Identity,
    IntoFlow, Level, LogField, LogRecord, LogSpec, LogValue, MAX_DEPTH, MetricFamily, MetricKind,
    MetricSample, MetricSpec, Named, OVERFLOW_LABEL, Observed, Operand, Parallel, ParallelAll,
    Parent, PassThrough, Primitive, PrimitiveMetrics, Recorder, Registry, Result, SagaPrimitive,
    SampleValue, Sequence, SpanId, SpanKind, SpanName, SpanRecord, SpanSpec, SpanStatus,
    StderrLogger, StepFunction, StepIdentity, StepPrimitive, SwitchBuilder, SwitchPrimitive,
    TraceId, TraceRecords, Unit, Value, Verdict, WorkflowContext, WorkflowContextBuilder,
    conditional, fallback, if_else, install_recorder, parallel_all, recorder_panics,
    refused_measurements, registry, saga, sequence_all, step, step_with, switch,
    uninstall_recorder, with_current,
};
