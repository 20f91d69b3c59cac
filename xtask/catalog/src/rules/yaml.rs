//! Rules in YAML.
//!
//! Every text is in double quotes, where YAML escapes as JSON does, or in a block of its own.

use std::fmt::Write as _;

use super::{Alert, Record, Rule, RuleFile};

pub(super) fn file(file: &RuleFile) -> String {
    let mut text = String::from("# Written by `cargo xtask generate`; do not edit.\n");
    for line in file.comment.lines() {
        // Writing into a string cannot fail.
        let _ = writeln!(text, "# {line}");
    }
    text.push_str("groups:\n");
    for group in &file.groups {
        let _ = writeln!(text, "  - name: {}\n    rules:", quoted(&group.name));
        for rule in &group.rules {
            match rule {
                Rule::Record(record) => self::record(&mut text, record),
                Rule::Alert(alert) => self::alert(&mut text, alert),
            }
        }
    }
    text
}

fn record(text: &mut String, record: &Record) {
    let _ = writeln!(text, "      - record: {}", quoted(&record.name));
    expression(text, &record.promql);
    pairs(text, "labels", &record.labels);
}

fn alert(text: &mut String, alert: &Alert) {
    let _ = writeln!(text, "      - alert: {}", alert.name);
    expression(text, &alert.promql);
    let _ = writeln!(text, "        for: {}", alert.hold);
    let severity = ("severity", alert.severity.as_str().to_owned());
    let labels: Vec<_> = [severity].into_iter().chain(alert.labels.clone()).collect();
    pairs(text, "labels", &labels);
    let annotations = [
        ("summary", alert.summary.clone()),
        ("description", alert.description.clone()),
        ("runbook_url", format!("{RUNBOOKS}/{}.md", alert.name)),
    ];
    pairs(text, "annotations", &annotations);
}

fn expression(text: &mut String, promql: &str) {
    text.push_str("        expr: |-\n");
    for line in promql.lines() {
        let _ = writeln!(text, "          {line}");
    }
}

fn pairs(text: &mut String, name: &str, pairs: &[(&str, String)]) {
    if pairs.is_empty() {
        return;
    }
    let _ = writeln!(text, "        {name}:");
    for (key, value) in pairs {
        let _ = writeln!(text, "          {key}: {}", quoted(value));
    }
}

fn quoted(value: &str) -> String {
    serde_json::Value::from(value).to_string()
}

/// Where the runbooks are read.
const RUNBOOKS: &str = "https://github.com/theinterneti/TTA.dev/blob/main/docs/runbooks";
