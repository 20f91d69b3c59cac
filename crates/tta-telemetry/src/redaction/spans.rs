//! Spans without what must not leave the process: our own and foreign ones alike.

use opentelemetry::trace::Status;
use opentelemetry::{Array, InstrumentationScope, KeyValue, StringValue, Value};
use opentelemetry_sdk::trace::SpanData;

use super::redactor::{Place, Redactor, Verdict};

/// Takes out what must not leave the process. Runs on the export thread.
pub(crate) fn redact_span(span: &mut SpanData, redactor: &Redactor) {
    if let Some(name) = redactor.named(Place::Span, "span.name", &span.name) {
        span.name = name.into();
    }
    redact_all(&mut span.attributes, Place::Span, redactor);
    for event in &mut span.events.events {
        if let Some(name) = redactor.named(Place::Event, "event.name", &event.name) {
            event.name = name.into();
        }
        redact_all(&mut event.attributes, Place::Event, redactor);
    }
    for link in &mut span.links.links {
        redact_all(&mut link.attributes, Place::Span, redactor);
    }
    if let Status::Error { description } = &mut span.status
        && let Some(text) = redactor.named(Place::Span, "status.description", description)
    {
        *description = text.into();
    }
    // Ours has no attributes, and hardly any other has.
    if span.instrumentation_scope.attributes().next().is_some() {
        span.instrumentation_scope = redacted_scope(&span.instrumentation_scope, redactor);
    }
}

fn redacted_scope(scope: &InstrumentationScope, redactor: &Redactor) -> InstrumentationScope {
    let mut attributes: Vec<KeyValue> = scope.attributes().cloned().collect();
    redact_all(&mut attributes, Place::Span, redactor);
    let mut builder =
        InstrumentationScope::builder(scope.name().to_owned()).with_attributes(attributes);
    if let Some(version) = scope.version() {
        builder = builder.with_version(version.to_owned());
    }
    if let Some(url) = scope.schema_url() {
        builder = builder.with_schema_url(url.to_owned());
    }
    builder.build()
}

fn redact_all(attributes: &mut Vec<KeyValue>, place: Place, redactor: &Redactor) {
    attributes.retain_mut(|attribute| {
        match verdict(
            attribute.key.as_str(),
            &mut attribute.value,
            place,
            redactor,
        ) {
            Verdict::Keep => true,
            Verdict::Replace(text) => {
                attribute.value = Value::String(text.into());
                true
            }
            Verdict::Drop => false,
        }
    });
}

fn verdict(key: &str, value: &mut Value, place: Place, redactor: &Redactor) -> Verdict {
    match value {
        Value::String(text) => redactor.text(place, key, text.as_str()),
        Value::I64(number) => redactor.number(place, key, number),
        Value::F64(number) => redactor.number(place, key, number),
        Value::Array(Array::String(texts)) => {
            if redactor.is_content(place, key) {
                return redactor.text(place, key, "");
            }
            texts.retain_mut(|text| match redactor.text(place, key, text.as_str()) {
                Verdict::Keep => true,
                Verdict::Replace(with) => {
                    *text = StringValue::from(with);
                    true
                }
                Verdict::Drop => false,
            });
            Verdict::Keep
        }
        // Whether there is a password is no secret, and a hook may still have a word.
        other => redactor.other(place, key, other),
    }
}
