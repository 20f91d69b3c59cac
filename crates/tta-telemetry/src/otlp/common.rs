//! What the messages of all signals are made of.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;

/// The attributes of this process, as OTLP has them.
pub(crate) fn resource(attributes: &[(String, String)]) -> Resource {
    let attributes = attributes.iter().map(|(key, value)| KeyValue {
        key: key.clone(),
        value: Some(any(resource_value(key, value))),
        ..KeyValue::default()
    });
    Resource {
        attributes: attributes.collect(),
        ..Resource::default()
    }
}

/// The one attribute that the conventions have as a number, and text.
fn resource_value(key: &str, value: &str) -> any_value::Value {
    match value.parse() {
        Ok(number) if key == "process.pid" => any_value::Value::IntValue(number),
        _ => any_value::Value::StringValue(value.to_owned()),
    }
}

pub(super) fn any(value: any_value::Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

pub(super) fn unix_nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
