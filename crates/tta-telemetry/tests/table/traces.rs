//! Which traces are recorded, where they go, and what of what is said to models they hold.

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use tta_testkit::otlp::opentelemetry_proto;

use crate::row::Row;

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(&[("OTEL_TRACES_EXPORTER", "none")]).sees(|seen| {
            assert_eq!(seen.receiver.span_count(), 0);
            assert!(!seen.receiver.logs().is_empty());
        }),
        Row::new(&[("OTEL_LOGS_EXPORTER", "none")]).sees(|seen| {
            assert_eq!(seen.receiver.logs().len(), 0);
            assert_eq!(seen.count("said"), 1, "the line is still written");
            assert!(seen.receiver.span_count() > 0);
        }),
        Row::new(&[("OTEL_TRACES_EXPORTER", "zipkin")]).sees(|seen| {
            assert_eq!(seen.count("setting_ignored"), 1);
            assert!(seen.receiver.span_count() > 0);
        }),
        Row::new(&[("OTEL_TRACES_SAMPLER", "always_off")]).sees(|seen| {
            assert_eq!(seen.receiver.span_count(), 0);
            assert!(seen.text_page.contains("workflow=\"many\""));
        }),
        Row::new(&[("OTEL_TRACES_SAMPLER", "always_on")]).sees(|seen| {
            assert_eq!(seen.spans("many.execute").len(), 40);
        }),
        Row::new(&[
            ("OTEL_TRACES_SAMPLER", "traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0.5"),
        ])
        .sees(|seen| {
            // Outside it once in a thousand million runs.
            let kept = seen.spans("many.execute").len();
            assert!((2..=38).contains(&kept), "{kept} of 40");
        }),
        Row::new(&[
            ("OTEL_TRACES_SAMPLER", "parentbased_traceidratio"),
            ("OTEL_TRACES_SAMPLER_ARG", "0"),
        ])
        .sees(|seen| assert_eq!(seen.receiver.span_count(), 0)),
        Row::new(&[("OTEL_TRACES_SAMPLER", "parentbased_always_off")])
            .sees(|seen| assert_eq!(seen.receiver.span_count(), 0)),
        Row::new(&[("OTEL_TRACES_SAMPLER", "sometimes")]).sees(|seen| {
            assert_eq!(seen.count("setting_ignored"), 1);
            assert_eq!(seen.spans("many.execute").len(), 40);
        }),
        content("", false, false),
        content("NO_CONTENT", false, false),
        content("SPAN_ONLY", true, false),
        content("event_only", false, true),
        content("SPAN_AND_EVENT", true, true),
        // As instrumentations had it before there were four words.
        content("true", true, true),
        content("false", false, false),
        content("maybe", false, false),
    ]
}

/// Where what was said to a model is found.
fn content(value: &str, on_span: bool, as_event: bool) -> Row {
    Row::new(&[("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", value)]).sees(move |seen| {
        let span = seen.span("work.execute");
        let said = Value::StringValue("what ails me?".to_owned());
        let attribute = span.attribute("gen_ai.input.messages");
        assert_eq!(attribute == Some(&said), on_span, "{attribute:?}");
        let event = span
            .span
            .events
            .iter()
            .find(|event| event.name == "gen_ai.client.inference.operation.details");
        assert_eq!(event.is_some(), as_event);
        let everywhere = format!("{:?} {}", seen.receiver.requests(), seen.output());
        assert_eq!(everywhere.contains("what ails me?"), on_span || as_event);
    })
}
