//! Prompts and answers are where they were opted in, and nowhere else.

use tta_core::Attribute;
use tta_core::ContentCapture;
use tta_telemetry::opentelemetry::trace::{Span, Tracer};
use tta_telemetry::opentelemetry::{KeyValue, global};

use crate::spans::{attribute, run_step, span, spans_of};

const KEYS: [&str; 4] = [
    "gen_ai.input.messages",
    "gen_ai.prompt.0.content",
    "llm.output_messages.0.message.content",
    "prompt",
];

#[test]
fn content_is_where_it_was_opted_in_and_nowhere_else() {
    for (capture, in_spans, in_events) in [
        (ContentCapture::NoContent, false, false),
        (ContentCapture::SpanOnly, true, false),
        (ContentCapture::EventOnly, false, true),
        (ContentCapture::SpanAndEvent, true, true),
    ] {
        let spans = spans_of(
            |config| config.with_content_capture(capture),
            || {
                run_step(|ctx| {
                    let mut foreign = global::tracer("x").start("foreign");
                    for key in KEYS {
                        ctx.set_attribute(key, "what was said");
                        ctx.event("said", vec![Attribute::new(key, "what was said")]);
                        foreign.set_attribute(KeyValue::new(key, "what was said"));
                    }
                    ctx.set_attribute("gen_ai.usage.input_tokens", 12_i64);
                    Ok(())
                });
            },
        );
        let acting = span(&spans, "acting.execute");
        let foreign = span(&spans, "foreign");
        for key in KEYS {
            for attributes in [&acting.attributes, &foreign.attributes] {
                let is_there = attribute(attributes, key).is_some();
                assert_eq!(is_there, in_spans, "{key} {capture:?}");
            }
            let in_event = acting
                .events
                .iter()
                .any(|event| attribute(&event.attributes, key).is_some());
            assert_eq!(in_event, in_events, "{key} {capture:?}");
        }
        let tokens = attribute(&acting.attributes, "gen_ai.usage.input_tokens");
        assert!(tokens.is_some());
    }
}
