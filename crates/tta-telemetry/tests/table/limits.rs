//! What is kept of a record, and that what is left out is counted in it.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use tta_testkit::otlp::{ReceivedLog, opentelemetry_proto};

use crate::row::{Row, Seen};

pub(crate) fn rows() -> Vec<Row> {
    vec![
        // By default two kibibytes of a text, and all of the rest.
        Row::new(&[("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "")]).sees(|seen| {
            for span in [seen.span("work.execute"), seen.span("foreign")] {
                assert_eq!(bytes(&span.span.attributes, "long"), 2_048);
                assert_eq!(span.span.dropped_attributes_count, 0);
                assert_eq!(span.span.events.len(), 5);
                assert_eq!(span.span.links.len(), 5);
            }
            assert_eq!(bytes(&said(seen).record.attributes, "long"), 2_048);
        }),
        attributes("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", true, false),
        attributes("OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT", false, true),
        attributes("OTEL_ATTRIBUTE_COUNT_LIMIT", true, true),
        lengths("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", true, false),
        lengths("OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT", false, true),
        lengths("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", true, true),
        // More than the default is kept as well.
        Row::new(&[("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "5000")]).sees(|seen| {
            for span in [seen.span("work.execute"), seen.span("foreign")] {
                assert_eq!(bytes(&span.span.attributes, "long"), 5_000);
            }
            assert_eq!(bytes(&said(seen).record.attributes, "long"), 3_000);
        }),
        // The signal's own goes before the general one.
        Row::new(&[
            ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", "10"),
            ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", "20"),
        ])
        .sees(|seen| {
            assert_eq!(bytes(&seen.span("foreign").span.attributes, "long"), 20);
            assert_eq!(bytes(&said(seen).record.attributes, "long"), 10);
        }),
        Row::new(&[("OTEL_SPAN_EVENT_COUNT_LIMIT", "2")]).sees(|seen| {
            for span in [seen.span("work.execute"), seen.span("foreign")] {
                assert_eq!(span.span.events.len(), 2);
                assert_eq!(span.span.dropped_events_count, 3);
            }
        }),
        Row::new(&[("OTEL_SPAN_LINK_COUNT_LIMIT", "2")]).sees(|seen| {
            for span in [seen.span("work.execute"), seen.span("foreign")] {
                assert_eq!(span.span.links.len(), 2);
                assert_eq!(span.span.dropped_links_count, 3);
            }
        }),
        Row::new(&[("OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT", "1")]).sees(|seen| {
            for (span, said) in [(seen.span("work.execute"), 4), (seen.span("foreign"), 2)] {
                for event in &span.span.events {
                    assert_eq!(event.attributes.len(), 1);
                    assert_eq!(event.dropped_attributes_count, said - 1);
                }
            }
        }),
        Row::new(&[("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "1")]).sees(|seen| {
            for link in &seen.span("foreign").span.links {
                assert_eq!(link.attributes.len(), 1);
                assert_eq!(link.dropped_attributes_count, 1);
            }
        }),
        Row::new(&[("OTEL_SPAN_EVENT_COUNT_LIMIT", "few")]).sees(|seen| {
            assert_eq!(seen.count("setting_ignored"), 1);
            assert_eq!(seen.span("work.execute").span.events.len(), 5);
        }),
    ]
}

/// Two attributes of each record, where the variable is for its signal.
fn attributes(variable: &str, of_spans: bool, of_logs: bool) -> Row {
    Row::new(&[(variable, "2")]).sees(move |seen| {
        for name in ["work.execute", "foreign"] {
            let span = seen.span(name).span;
            assert_eq!(span.attributes.len() == 2, of_spans, "{name}");
            assert_eq!(span.dropped_attributes_count > 0, of_spans, "{name}");
        }
        // Six attributes are set, of which two stay.
        let dropped = seen.span("foreign").span.dropped_attributes_count;
        assert_eq!(dropped, if of_spans { 4 } else { 0 });
        let record = said(seen).record;
        assert_eq!(record.attributes.len() == 2, of_logs);
        assert_eq!(record.dropped_attributes_count, if of_logs { 2 } else { 0 });
    })
}

/// Eleven bytes of each text, which is ten where a character would be cut in two.
fn lengths(variable: &str, of_spans: bool, of_logs: bool) -> Row {
    Row::new(&[(variable, "11")]).sees(move |seen| {
        for name in ["work.execute", "foreign"] {
            let found = bytes(&seen.span(name).span.attributes, "long");
            assert_eq!(found, if of_spans { 10 } else { 2_048 }, "{name}");
        }
        let found = bytes(&said(seen).record.attributes, "long");
        assert_eq!(found, if of_logs { 10 } else { 2_048 });
    })
}

/// The record of the line that says much.
#[track_caller]
fn said(seen: &Seen) -> ReceivedLog {
    let logs = seen.receiver.logs().into_iter();
    let mut said = logs.filter(|log| {
        let body = log
            .record
            .body
            .as_ref()
            .and_then(|body| body.value.as_ref());
        body == Some(&Value::StringValue("said".to_owned()))
    });
    said.next().unwrap_or_else(|| panic!("{}", seen.output()))
}

/// How long the text of an attribute is.
#[track_caller]
fn bytes(attributes: &[KeyValue], key: &str) -> usize {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        Some(Value::StringValue(text)) => text.len(),
        other => panic!("{key} is {other:?}"),
    }
}
