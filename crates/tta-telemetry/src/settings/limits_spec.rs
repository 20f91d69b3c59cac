//! The settings of what is kept of a record, of examples, and of what crosses the process's edges.

use super::spec::SettingSpec;

pub(crate) const SPAN_ATTRIBUTES: SettingSpec = SettingSpec::new(
    &[
        "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
    ],
    "128",
    "with_span_limits",
    "How many attributes a span has; further ones are left out and counted in it.",
);
pub(crate) const SPAN_ATTRIBUTE_BYTES: SettingSpec = SettingSpec::new(
    &[
        "OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    ],
    "2048",
    "with_span_limits",
    "The longest text of an attribute of a span, its events and its links, in bytes; longer text \
     is cut at a character's boundary.",
);
pub(crate) const SPAN_EVENTS: SettingSpec = SettingSpec::new(
    &["OTEL_SPAN_EVENT_COUNT_LIMIT"],
    "128",
    "with_span_limits",
    "How many events a span has; further ones are left out and counted in it.",
);
pub(crate) const SPAN_LINKS: SettingSpec = SettingSpec::new(
    &["OTEL_SPAN_LINK_COUNT_LIMIT"],
    "128",
    "with_span_limits",
    "How many links a span has; further ones are left out and counted in it.",
);
pub(crate) const EVENT_ATTRIBUTES: SettingSpec = SettingSpec::new(
    &["OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT"],
    "128",
    "with_span_limits",
    "How many attributes an event has; further ones are left out and counted in it.",
);
pub(crate) const LINK_ATTRIBUTES: SettingSpec = SettingSpec::new(
    &["OTEL_LINK_ATTRIBUTE_COUNT_LIMIT"],
    "128",
    "with_span_limits",
    "How many attributes a link has; further ones are left out and counted in it.",
);
pub(crate) const LOG_ATTRIBUTES: SettingSpec = SettingSpec::new(
    &[
        "OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT",
        "OTEL_ATTRIBUTE_COUNT_LIMIT",
    ],
    "128",
    "with_log_limits",
    "How many attributes a log record has over OTLP; further ones are left out and counted in it.",
);
pub(crate) const LOG_ATTRIBUTE_BYTES: SettingSpec = SettingSpec::new(
    &[
        "OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT",
        "OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT",
    ],
    "2048",
    "with_log_limits",
    "The longest text of an attribute of a log record over OTLP, in bytes. A line on standard \
     output has up to 4,096 bytes of each.",
);
pub(crate) const EXEMPLAR_FILTER: SettingSpec = SettingSpec::new(
    &["OTEL_METRICS_EXEMPLAR_FILTER"],
    "trace_based",
    "with_exemplar_filter",
    "Which measurements may become examples, at /metrics and over OTLP: trace_based (those of \
     sampled traces), always_on or always_off.",
);
pub(crate) const PROPAGATORS: SettingSpec = SettingSpec::new(
    &["OTEL_PROPAGATORS"],
    "tracecontext,baggage",
    "",
    "What the layers of `tta-http` write into calls and read from them: a list of tracecontext, \
     baggage and none. In code: `Propagation`.",
);
pub(crate) const CONTENT_CAPTURE: SettingSpec = SettingSpec::new(
    &["OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"],
    "NO_CONTENT",
    "with_content_capture",
    "Whether `ctx.record_content(..)` records what is said to models and by them: NO_CONTENT, \
     SPAN_ONLY, EVENT_ONLY or SPAN_AND_EVENT.",
);
