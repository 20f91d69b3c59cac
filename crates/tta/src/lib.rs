#![doc = include_str!("../README.md")]

pub mod catalog;
pub mod prelude;

pub use tta_core::{
    ActiveSpan, Attribute, BoxError, BoxFlow, BoxPrimitive, BucketCount, Cancelled, Canceller,
    Catalog, Checkpoint, Clock, ConditionalPrimitive, ContentCapture, Counter, DURATION_BOUNDS,
    DetailLimits, Distribution, Error, ErrorKind, EventRecord, Exemplar, ExemplarFilter,
    FailurePolicy, FallbackPrimitive, Flow, Gauge, Histogram, Identity, IntoFlow, Level, LogField,
    LogRecord, LogSpec, LogValue, LostDetails, MAX_DEPTH, MetricFamily, MetricKind, MetricSample,
    MetricSpec, Named, NanoClock, NonIdempotent, OVERFLOW_LABEL, Observed, OpenSpan, Operand,
    Parallel, ParallelAll, Parent, PassThrough, Primitive, PrimitiveMetrics, Recorder, Registry,
    Result, SagaPrimitive, SampleValue, Secret, Sequence, SpanId, SpanKind, SpanName, SpanRecord,
    SpanSpec, SpanStatus, StderrLogger, StepFunction, StepIdentity, StepPrimitive, StepRef,
    SwitchBuilder, SwitchPrimitive, TraceId, TraceNotes, TraceRecords, Unit, Usage, Value, Verdict,
    WorkflowContext, WorkflowContextBuilder, conditional, fallback, if_else, install_recorder,
    log_globally, parallel_all, recorder_panics, refused_measurements, registry, saga,
    sequence_all, step, step_with, switch, uninstall_recorder, with_current,
};

#[cfg(feature = "breaker")]
pub use tta_breaker::{
    CircuitBreaker, CircuitBreakerConfig, CircuitBreakerExt, CircuitBreakerPrimitive, CircuitState,
    LastFailure, Permit, Window,
};
#[cfg(feature = "postcard")]
pub use tta_cache::Postcard;
#[cfg(feature = "cache")]
pub use tta_cache::{
    CacheConfig, CacheExt, CacheKey, CachePrimitive, CacheStats, CacheVerdict, Codec, Fetched,
    Json, Kept, KeyBuilder, Lock, LockToken, Remote, RemoteFuture, RemoteKey, Removed, Scope,
    SharedConfig,
};
#[cfg(feature = "redis")]
pub use tta_cache::{RedisConfig, RedisState, RedisTier};
#[cfg(feature = "reqwest")]
pub use tta_http::HttpClientMiddleware;
#[cfg(feature = "axum")]
pub use tta_http::RequestContext;
#[cfg(feature = "http")]
pub use tta_http::{
    Carried, Carrier, Carry, Extracted, HttpClientConfig, HttpClientFuture, HttpClientLayer,
    HttpClientService, HttpServerBody, HttpServerFuture, HttpServerLayer, HttpServerService,
    Messages, Propagation,
};
#[cfg(feature = "limit")]
pub use tta_limit::{
    Bulkhead, BulkheadConfig, BulkheadPermit, BulkheadPrimitive, Limit, LimitExt, RateLimit,
    RateLimitConfig, RateLimitPrimitive,
};
#[cfg(feature = "retry")]
pub use tta_retry::{
    Backoff, FailedAttempt, HedgeConfig, HedgePrimitive, RetryBudget, RetryConfig, RetryDecision,
    RetryExt, RetryPolicy, RetryPrimitive,
};
#[cfg(feature = "router")]
pub use tta_router::{
    AsyncVerifier, ByComplexity, ByRule, Candidate, CascadeExt, CheapestWithin, Choice, Complexity,
    CostModel, HealthAware, LeastInFlight, LowestLatency, OfAnswer, OfAnswerAndContext, RoundRobin,
    RouteReason, RouterBuilder, RouterPrimitive, Routes, RoutingDecision, RoutingStrategy, Savings,
    Sticky, Verification, Verifier, Weighted, complexity,
};
#[cfg(feature = "prometheus")]
pub use tta_telemetry::prometheus_client;
#[cfg(feature = "timeout")]
pub use tta_timeout::{
    AdaptiveLimit, BlockingExt, BlockingPrimitive, Ending, FixedLimit, LimitPolicy, StreamLimits,
    StreamTimeout, TimedOut, TimedStream, TimeoutCause, TimeoutConfig, TimeoutExt,
    TimeoutOrPrimitive, TimeoutPrimitive, TimeoutStreamExt,
};

#[cfg(feature = "logs")]
pub use tta_telemetry::logs::{LogFilter, LogHandle};
#[cfg(feature = "signals")]
pub use tta_telemetry::shutdown_signal;
#[cfg(feature = "telemetry")]
pub use tta_telemetry::{
    Compression, DeploymentEnvironment, DropReason, Exporter, Ledger, LogFormat, LogLimits,
    ObservabilityConfig, ObservabilityGuard, Origin, OtlpOptions, PartStatus, Preset, Protocol,
    Redaction, RedactionPolicy, SETTINGS, Sampler, Setting, SettingSpec, ShutdownReport,
    SignalLedger, SignalReport, SpanLimits, State, Status, Temporality, initialize_observability,
    is_prometheus_enabled, ledger, shutdown_observability,
};
#[cfg(feature = "otlp")]
pub use tta_telemetry::{
    ExportError, Exported, Exporting, SpanSink, opentelemetry, opentelemetry_layer,
    opentelemetry_sdk,
};

// The guide's code is compiled with the tests, and is no part of the crate.
#[cfg(all(doctest, feature = "full"))]
#[doc = include_str!("../../../docs/guides/composition.md")]
mod composition_guide {}

#[cfg(all(doctest, feature = "full"))]
#[doc = include_str!("../../../docs/guides/telemetry.md")]
mod telemetry_guide {}

#[cfg(all(doctest, feature = "full"))]
#[doc = include_str!("../../../docs/getting-started.md")]
mod getting_started {}
