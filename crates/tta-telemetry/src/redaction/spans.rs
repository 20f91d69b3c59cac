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

#[cfg(test)]
mod tests {
    use std::hint::black_box;
    use std::time::{Duration, Instant, SystemTime};

    use opentelemetry::trace::{SpanContext, SpanId, SpanKind, TraceFlags, TraceId, TraceState};
    use opentelemetry_sdk::trace::{SpanEvents, SpanLinks};

    use super::*;
    use crate::redaction::RedactionPolicy;
    use tta_core::ContentCapture;

    /// What design note 0026 states.
    #[test]
    #[ignore = "a measurement, which says something in a release build alone"]
    fn what_a_span_costs_on_the_export_thread() {
        let redactor = Redactor::new(RedactionPolicy::new(), ContentCapture::default());
        let hooked = RedactionPolicy::new().with_hook(|_, _| crate::Redaction::Keep);
        let hooked = Redactor::new(hooked, ContentCapture::default());
        for (name, span) in [
            ("a step, 5 short attributes", span_of(&step())),
            ("a model call, 16 attributes", span_of(&model_call())),
            (
                "one text of 2 KiB",
                span_of(&[("text", "lorem ipsum, dolor: sit ".repeat(85))]),
            ),
            (
                "one secret",
                span_of(&[("url", "redis://:hunter2@cache:6379/0".to_owned())]),
            ),
        ] {
            let plain = median(&span, |_| {});
            let rules = median(&span, |span| redact_span(span, &redactor));
            let hooks = median(&span, |span| redact_span(span, &hooked));
            println!(
                "{name}: rules {:.0} ns, with a hook {:.0} ns",
                rules - plain,
                hooks - plain
            );
        }
    }

    fn step() -> Vec<(&'static str, String)> {
        let pairs = [
            ("primitive.name", "summarize"),
            ("primitive.type", "StepPrimitive"),
            ("correlation_id", "0b7f1c9e-0d0b-4e0c-9f57-3c1a52f5a3b1"),
            ("workflow.id", "b9c3a7e2d1f04c55"),
            ("session.id", "session-4711"),
        ];
        pairs.map(|(key, value)| (key, value.to_owned())).to_vec()
    }

    fn model_call() -> Vec<(&'static str, String)> {
        let mut pairs = step();
        pairs.extend(
            [
                ("gen_ai.operation.name", "chat"),
                ("gen_ai.provider.name", "openai"),
                ("gen_ai.request.model", "gpt-4o-mini-2024-07-18"),
                ("gen_ai.response.id", "chatcmpl-9J3uYQ0p7XbqvYgV"),
                ("server.address", "api.example.org"),
                (
                    "url.full",
                    "https://api.example.org/v1/chat/completions?stream=true",
                ),
                ("http.request.method", "POST"),
                ("route_selected", "cheap"),
                ("route.reason", "score 0.31 is below 0.6"),
                ("user_agent.original", "reqwest/0.12 (linux; x86_64)"),
                ("gen_ai.response.finish_reasons", "stop"),
            ]
            .map(|(key, value)| (key, value.to_owned())),
        );
        pairs
    }

    fn span_of(attributes: &[(&'static str, String)]) -> SpanData {
        let now = SystemTime::now();
        let (trace, span) = (TraceId::from_bytes([1; 16]), SpanId::from_bytes([1; 8]));
        SpanData {
            span_context: SpanContext::new(
                trace,
                span,
                TraceFlags::SAMPLED,
                false,
                TraceState::NONE,
            ),
            parent_span_id: span,
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: "summarize.execute".into(),
            start_time: now,
            end_time: now,
            attributes: attributes
                .iter()
                .map(|(key, value)| KeyValue::new(*key, value.clone()))
                .collect(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: SpanLinks::default(),
            status: Status::Ok,
            instrumentation_scope: InstrumentationScope::builder("tta").build(),
        }
    }

    /// Nanoseconds a span, the median of many batches. Each batch has fresh copies.
    fn median(span: &SpanData, act: impl Fn(&mut SpanData)) -> f64 {
        let mut times: Vec<Duration> = (0..200)
            .map(|_| {
                let mut batch = vec![span.clone(); 512];
                let began = Instant::now();
                for span in &mut batch {
                    act(black_box(span));
                }
                began.elapsed()
            })
            .collect();
        times.sort_unstable();
        times
            .get(100)
            .map_or(0.0, |time| time.as_nanos() as f64 / 512.0)
    }
}
