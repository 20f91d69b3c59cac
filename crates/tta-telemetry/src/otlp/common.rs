//! What the messages of all signals are made of.

use std::time::{SystemTime, UNIX_EPOCH};

use opentelemetry::{Array, KeyValue as OtelKeyValue, Value};
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue, any_value};
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

pub(super) fn key_value(pair: &OtelKeyValue) -> KeyValue {
    KeyValue {
        key: pair.key.as_str().to_owned(),
        value: Some(value(&pair.value)),
        ..KeyValue::default()
    }
}

fn value(value: &Value) -> AnyValue {
    any(match value {
        Value::Bool(value) => any_value::Value::BoolValue(*value),
        Value::I64(value) => any_value::Value::IntValue(*value),
        Value::F64(value) => any_value::Value::DoubleValue(*value),
        Value::String(text) => any_value::Value::StringValue(text.as_str().to_owned()),
        Value::Array(array) => any_value::Value::ArrayValue(ArrayValue {
            values: elements(array),
        }),
        // A kind of value that this version does not know is sent as it prints.
        other => any_value::Value::StringValue(other.to_string()),
    })
}

fn elements(array: &Array) -> Vec<AnyValue> {
    match array {
        Array::Bool(values) => each(values, |value| any_value::Value::BoolValue(*value)),
        Array::I64(values) => each(values, |value| any_value::Value::IntValue(*value)),
        Array::F64(values) => each(values, |value| any_value::Value::DoubleValue(*value)),
        Array::String(values) => each(values, |text| {
            any_value::Value::StringValue(text.as_str().to_owned())
        }),
        other => vec![any(any_value::Value::StringValue(other.to_string()))],
    }
}

fn each<T>(values: &[T], convert: impl Fn(&T) -> any_value::Value) -> Vec<AnyValue> {
    values.iter().map(|value| any(convert(value))).collect()
}

pub(super) fn any(value: any_value::Value) -> AnyValue {
    AnyValue { value: Some(value) }
}

pub(super) fn unix_nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
