//! What is taken out of lines on the writer's thread.

use std::time::Duration;

use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt;
use tta_core::Level;
use tta_telemetry::logs::{LogOptions, LogWriter, log_layer};
use tta_telemetry::{LogFormat, Redaction, RedactionPolicy};

use crate::captured::Destination;

/// The lines that `run` logs through a writer with these rules.
fn lines_with(policy: RedactionPolicy, format: LogFormat, run: impl FnOnce()) -> String {
    let to = Destination::default();
    let writer = LogWriter::new(to.clone()).unwrap().with_redaction(policy);
    let layer = log_layer(LogOptions {
        service: "shop".to_owned(),
        filter: Level::Trace.into(),
        format,
        writer: writer.clone(),
    });
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), run);
    assert!(writer.flush(Duration::from_secs(30)));
    to.text()
}

fn objects_with(policy: RedactionPolicy, run: impl FnOnce()) -> Vec<Value> {
    let lines = lines_with(policy, LogFormat::Json, run);
    let lines = lines.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn speak() {
    tracing::info!(
        authorization = "Bearer canary",
        url = "redis://:canary@cache:6379",
        amount = 7,
        api_key = 12_345_u64,
        token_type = "input",
        prompt = "the canary sings",
        text = "line one\npassword=\"canary\" \u{2028} \\ end",
        "called with api_key=canary \"quoted\""
    );
}

#[test]
fn secrets_are_masked_and_all_else_is_as_it_was() {
    let objects = objects_with(RedactionPolicy::new(), speak);
    let line = &objects[0];
    assert_eq!(line["authorization"], "***");
    assert_eq!(line["url"], "redis://***@cache:6379");
    assert_eq!(line["amount"], 7);
    assert_eq!(line["api_key"], "***");
    assert_eq!(line["token_type"], "input");
    assert_eq!(line.get("prompt"), None);
    assert_eq!(line["text"], "line one\npassword=\"***\" \u{2028} \\ end");
    assert_eq!(line["message"], "called with api_key=*** \"quoted\"");
    assert_eq!(line["service"], "shop");
}

#[test]
fn a_text_line_says_no_more_than_the_object() {
    let line = lines_with(RedactionPolicy::new(), LogFormat::Text, speak);
    assert!(!line.contains("canary"), "{line}");
    assert!(
        line.contains("called with api_key=*** \"quoted\" authorization=***"),
        "{line}"
    );
    assert!(line.contains(" amount=7 api_key=*** "), "{line}");
}

#[test]
fn hooks_see_every_field_once_the_rules_are_done_with_it() {
    let policy = RedactionPolicy::new()
        .with_key("iban")
        .with_exempt_key("page.token")
        .with_hook(|key, value| match (key, value) {
            ("email", _) => Redaction::Replace("a \"nobody\"".into()),
            ("age", "42") | ("message", "gone") => Redaction::Drop,
            ("paid", "true") => Redaction::Replace("hidden".into()),
            (_, value) if value.contains("canary") => panic!("a hook saw a secret"),
            _ => Redaction::Keep,
        });
    let objects = objects_with(policy, || {
        tracing::info!(
            email = "ada@example.org",
            age = 42,
            paid = true,
            user.iban = "DE02",
            page.token = "next",
            url = "https://ada:canary@x",
            "gone"
        );
    });
    let line = objects[0].as_object().unwrap();
    assert_eq!(line["email"], "a \"nobody\"");
    assert_eq!(line.get("age"), None);
    assert_eq!(line["paid"], "hidden");
    assert_eq!(line["user.iban"], "***");
    assert_eq!(line["page.token"], "next");
    assert_eq!(line["url"], "https://***@x");
    // Every line has a message.
    assert_eq!(line["message"], "***");
}

#[test]
fn a_hook_that_panics_costs_the_value_and_not_the_line() {
    let policy = RedactionPolicy::new().with_hook(|key, _| {
        assert_ne!(key, "odd", "as the test wants it");
        Redaction::Keep
    });
    let objects = objects_with(policy, || {
        tracing::info!(odd = "canary", even = "kept", "said");
        tracing::info!(even = "kept", "said again");
    });
    assert_eq!(objects.len(), 2);
    assert_eq!(objects[0].get("odd"), None);
    assert_eq!(objects[0]["even"], "kept");
    assert_eq!(objects[1]["message"], "said again");
}

#[test]
fn a_hook_that_says_much_makes_no_line_too_long() {
    let policy = RedactionPolicy::new().with_hook(|key, _| match key {
        "a" | "b" | "c" => Redaction::Replace("é\n".repeat(20_000).into()),
        _ => Redaction::Keep,
    });
    let objects = lines_with(policy, LogFormat::Json, || {
        tracing::info!(a = 1, b = 2, c = "x", d = "kept", "said");
    });
    assert!(objects.len() < 17 << 10, "{}", objects.len());
    let line: Value = serde_json::from_str(&objects).unwrap();
    assert_eq!(line["d"], "kept");
}

#[test]
fn without_the_rules_only_prompts_are_left_out() {
    let policy = RedactionPolicy::new().without_builtin_rules();
    let objects = objects_with(policy, speak);
    assert_eq!(objects[0]["authorization"], "Bearer canary");
    assert_eq!(objects[0].get("prompt"), None);
}
