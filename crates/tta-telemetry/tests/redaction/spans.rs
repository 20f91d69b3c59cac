//! Spans, ours and foreign, as a sink receives them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tta_core::{Attribute, Error, ErrorKind, Result, SampleValue, WorkflowContext, registry};
use tta_telemetry::opentelemetry::trace::{Span, TraceContextExt, Tracer};
use tta_telemetry::opentelemetry::{Array, Context, KeyValue, StringValue, Value, global};
use tta_telemetry::opentelemetry_sdk::trace::SpanData;
use tta_telemetry::{ObservabilityConfig, Redaction, RedactionPolicy, SpanSink};

use crate::support::{Act, Scripted, alone, block_on, traces_only};

/// The spans of this work, as they arrive.
pub(crate) fn spans_of(
    configure: impl FnOnce(ObservabilityConfig) -> ObservabilityConfig,
    work: impl FnOnce(),
) -> Vec<SpanData> {
    counted_spans_of(configure, work).0
}

/// The same, and how many values of spans each rule took out.
fn counted_spans_of(
    configure: impl FnOnce(ObservabilityConfig) -> ObservabilityConfig,
    work: impl FnOnce(),
) -> (Vec<SpanData>, HashMap<String, f64>) {
    let _alone = alone();
    let before = counts();
    let sink = Scripted::new(|_| Act::Take);
    let guard = configure(traces_only())
        .with_span_sink(Arc::clone(&sink) as Arc<dyn SpanSink>)
        .init();
    work();
    assert!(guard.flush(Duration::from_secs(30)));
    let account = guard.ledger().traces;
    assert!(account.is_balanced());
    assert_eq!(account.delivered, account.created);
    let mut counted = counts();
    for (rule, count) in &mut counted {
        *count -= before.get(rule).copied().unwrap_or_default();
    }
    (sink.spans(), counted)
}

/// Runs a step that sets attributes.
pub(crate) fn run_step(act: impl Fn(&WorkflowContext) -> Result<()> + Send + Sync) {
    let ctx = WorkflowContext::new();
    let _ = block_on(ctx.observe("acting", async { act(&ctx) }));
}

#[track_caller]
pub(crate) fn span<'a>(spans: &'a [SpanData], name: &str) -> &'a SpanData {
    let found = spans.iter().find(|span| span.name == name);
    found.unwrap_or_else(|| panic!("no {name} in {spans:?}"))
}

pub(crate) fn attribute<'a>(attributes: &'a [KeyValue], key: &str) -> Option<&'a Value> {
    let found = attributes.iter().find(|pair| pair.key.as_str() == key);
    found.map(|pair| &pair.value)
}

fn text(value: &str) -> Value {
    Value::String(StringValue::from(value.to_owned()))
}

/// How many values of spans each rule has taken out so far.
fn counts() -> HashMap<String, f64> {
    let families = registry().gather();
    let family = families
        .iter()
        .find(|family| family.spec.name == "telemetry_values_redacted_total");
    let samples = family.into_iter().flat_map(|family| &family.samples);
    samples
        .filter_map(|sample| match (sample.labels.as_slice(), &sample.value) {
            ([signal, rule], SampleValue::Counter(value, _)) => {
                (signal == "traces").then(|| (rule.clone(), *value))
            }
            _ => panic!("{sample:?}"),
        })
        .collect()
}

#[test]
fn a_step_says_no_secret_in_attributes_events_and_errors() {
    let (spans, counted) = counted_spans_of(
        |config| config,
        || {
            run_step(|ctx| {
                ctx.set_attribute("http.request.header.authorization", "Bearer canary");
                ctx.set_attribute("url.full", "https://ada:canary@x.io/a");
                ctx.set_attribute("api_key", 12_345_i64);
                ctx.set_attribute("model", "small");
                ctx.event(
                    "called",
                    vec![
                        Attribute::new("cookie", "canary"),
                        Attribute::new("prompt_tokens", 12_i64),
                    ],
                );
                let message = "login with password=canary was refused";
                Err(Error::new(ErrorKind::PermissionDenied, message))
            });
        },
    );
    assert!(!format!("{spans:?}").contains("canary"), "{spans:?}");
    let acting = span(&spans, "acting.execute");
    let of = |key| attribute(&acting.attributes, key);
    assert_eq!(of("http.request.header.authorization"), Some(&text("***")));
    assert_eq!(of("url.full"), Some(&text("https://***@x.io/a")));
    assert_eq!(of("api_key"), Some(&text("***")));
    assert_eq!(of("model"), Some(&text("small")));
    let called = acting.events.iter().find(|event| event.name == "called");
    let called = &called.unwrap().attributes;
    assert_eq!(attribute(called, "cookie"), Some(&text("***")));
    assert_eq!(attribute(called, "prompt_tokens"), Some(&Value::I64(12)));
    let status = format!("{:?}", acting.status);
    assert!(
        status.contains("login with password=*** was refused"),
        "{status}"
    );
    // Three keys, one URL, and the error at least in its event and in the step's status.
    assert_eq!(counted["key"], 3.0);
    assert_eq!(counted["url_credentials"], 1.0);
    assert!(counted["assignment"] >= 2.0);
    assert_eq!(counted["content"], 0.0);
}

#[test]
fn foreign_spans_say_none_either() {
    let spans = spans_of(
        |config| config,
        || {
            run_step(|_| {
                let mut foreign = global::tracer("their.library").start("GET https://canary@x/");
                foreign.set_attribute(KeyValue::new("db.password", "canary"));
                foreign.set_attribute(KeyValue::new(
                    "args",
                    Value::Array(Array::String(vec![
                        "--token=canary".into(),
                        "--verbose".into(),
                    ])),
                ));
                foreign.add_event(
                    "sent sk-canarycanarycanary",
                    vec![KeyValue::new("secret", "canary")],
                );
                foreign.end();
                let span = tracing::info_span!("theirs", password = "canary", n = 1);
                span.in_scope(|| {
                    tracing::info!(url = "redis://:canary@h", "to bearer canary12345");
                });
                let cx = Context::current();
                cx.span().set_attribute(KeyValue::new("apiKey", "canary"));
                Ok(())
            });
        },
    );
    assert!(!format!("{spans:?}").contains("canary"), "{spans:?}");
    let foreign = span(&spans, "GET https://***@x/");
    assert_eq!(
        attribute(&foreign.attributes, "args"),
        Some(&Value::Array(Array::String(vec![
            "--token=***".into(),
            "--verbose".into()
        ])))
    );
    assert_eq!(foreign.events[0].name, "sent ***");
    assert_eq!(
        attribute(&span(&spans, "theirs").attributes, "n"),
        Some(&Value::I64(1))
    );
    let acting = span(&spans, "acting.execute");
    assert_eq!(attribute(&acting.attributes, "apiKey"), Some(&text("***")));
}

#[test]
fn hooks_keep_replace_and_drop_and_one_that_panics_costs_the_value() {
    let policy = RedactionPolicy::new().with_hook(|key, value| match key {
        "email" => Redaction::Replace("nobody".into()),
        "age" if value == "42" => Redaction::Drop,
        "ratio" => Redaction::Replace("some".into()),
        "broken" => panic!("as the test wants it"),
        "flag" => Redaction::Drop,
        _ => Redaction::Keep,
    });
    let (spans, counted) = counted_spans_of(
        |config| config.with_redaction(policy),
        || {
            run_step(|ctx| {
                ctx.set_attribute("email", "ada@example.org");
                ctx.set_attribute("age", 42_i64);
                ctx.set_attribute("ratio", 0.5);
                ctx.set_attribute("broken", "canary");
                ctx.set_attribute("flag", true);
                ctx.set_attribute("kept", "kept");
                Ok(())
            });
            run_step(|_| Ok(()));
        },
    );
    assert_eq!(spans.len(), 2);
    let acting = span(&spans, "acting.execute");
    let of = |key| attribute(&acting.attributes, key);
    assert_eq!(of("email"), Some(&text("nobody")));
    assert_eq!(of("ratio"), Some(&text("some")));
    assert_eq!(of("kept"), Some(&text("kept")));
    assert_eq!((of("age"), of("broken"), of("flag")), (None, None, None));
    assert_eq!(counted["hook"], 4.0);
    assert_eq!(counted["hook_panic"], 1.0);
}
