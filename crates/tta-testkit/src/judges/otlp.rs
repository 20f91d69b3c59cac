//! OTLP as Python understands it.

use std::io;
use std::path::PathBuf;
use std::process::Command;

use serde_json::Value;

use super::{feed, python_with};
use crate::otlp::Signal;
use crate::servers::StartError;

/// The messages of OTLP in Python, from the package `opentelemetry-proto`, and the rules that a
/// message must keep beyond being one.
#[derive(Debug, Clone)]
pub struct OtlpProto {
    python: PathBuf,
}

impl OtlpProto {
    /// Finds a Python as [`OpenMetricsParser::find`](super::OpenMetricsParser::find) does.
    ///
    /// # Errors
    ///
    /// [`StartError::Missing`] where there is no Python with the `opentelemetry-proto` package.
    pub fn find() -> Result<Self, StartError> {
        let module = "opentelemetry.proto.collector.trace.v1.trace_service_pb2";
        let python = python_with(module, "opentelemetry-proto (Python)")?;
        Ok(Self { python })
    }

    /// A request of this signal as Python read it, with the names of the protocol, and identifiers
    /// in hexadecimal.
    ///
    /// # Errors
    ///
    /// With Python's words when it is no such message, has a field that the protocol does not know,
    /// or breaks a rule: lengths of identifiers, times in order, buckets that fit their bounds and
    /// their count, a temporality, a severity.
    pub fn decode(&self, signal: Signal, message: &[u8]) -> io::Result<Value> {
        let name = match signal {
            Signal::Traces => "trace",
            Signal::Metrics => "metrics",
            Signal::Logs => "logs",
        };
        let output = feed(
            Command::new(&self.python).args(["-c", DECODE, name]),
            message,
        )?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(io::Error::new(io::ErrorKind::InvalidData, words));
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

const DECODE: &str = r#"
import base64, importlib, json, sys
from google.protobuf.json_format import MessageToDict
from google.protobuf.unknown_fields import UnknownFieldSet

signal = sys.argv[1]
service = importlib.import_module(f"opentelemetry.proto.collector.{signal}.v1.{signal}_service_pb2")
name = {"trace": "Trace", "metrics": "Metrics", "logs": "Logs"}[signal]
request = getattr(service, f"Export{name}ServiceRequest").FromString(sys.stdin.buffer.read())

def inner(message):
    for field, value in message.ListFields():
        if field.message_type is not None:
            yield from value if field.is_repeated else [value]

def know(message):
    unknown = [field.field_number for field in UnknownFieldSet(message)]
    assert not unknown, f"{message.DESCRIPTOR.name} has unknown fields {unknown}"
    for one in inner(message):
        know(one)

def identify(message, names):
    for name, lengths in names.items():
        length = len(getattr(message, name))
        assert length in lengths, f"{message.DESCRIPTOR.name}.{name} has {length} bytes"

def judge(message):
    kind = message.DESCRIPTOR.name
    if kind == "Span":
        identify(message, {"trace_id": [16], "span_id": [8], "parent_span_id": [0, 8]})
        assert 0 < message.start_time_unix_nano <= message.end_time_unix_nano, "its time runs back"
        assert message.name, "a span has no name"
    elif kind == "Link":
        identify(message, {"trace_id": [16], "span_id": [8]})
    elif kind == "Exemplar":
        identify(message, {"trace_id": [0, 16], "span_id": [0, 8]})
        assert message.WhichOneof("value"), "an exemplar has no value"
    elif kind == "LogRecord":
        identify(message, {"trace_id": [0, 16], "span_id": [0, 8]})
        assert 1 <= message.severity_number <= 24, "a record has no severity"
    elif kind == "Metric":
        assert message.name and message.WhichOneof("data"), f"{message.name} is no metric"
    elif kind in ("Sum", "Histogram"):
        assert message.aggregation_temporality in (1, 2), f"a {kind} has no temporality"
    elif kind == "NumberDataPoint":
        assert message.WhichOneof("value"), "a point has no value"
        assert message.time_unix_nano >= message.start_time_unix_nano, "a point's time runs back"
    elif kind == "HistogramDataPoint":
        bounds = list(message.explicit_bounds)
        assert bounds == sorted(set(bounds)), "bounds are in order, each once"
        assert len(message.bucket_counts) == len(bounds) + 1, "a bucket for each bound, and one more"
        assert sum(message.bucket_counts) == message.count, "the buckets hold what was counted"
        assert message.time_unix_nano >= message.start_time_unix_nano, "a point's time runs back"
    elif kind == "KeyValue":
        assert message.key, "an attribute has no key"
    keys = [pair.key for pair in getattr(message, "attributes", [])]
    assert len(keys) == len(set(keys)), f"a key twice among {keys}"
    for one in inner(message):
        judge(one)

def readable(value):
    if isinstance(value, list):
        return [readable(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: base64.b64decode(one).hex() if key.endswith("_id") and isinstance(one, str) else readable(one)
        for key, one in value.items()
    }

know(request)
judge(request)
json.dump(readable(MessageToDict(request, preserving_proto_field_name=True)), sys.stdout)
"#;
