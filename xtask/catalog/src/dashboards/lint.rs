//! What a dashboard's JSON must keep to: Grafana's schema, and the rules of its dashboard-linter.
//!
//! It reads the file as Grafana does and knows nothing of how it was made. The linter's rules for
//! Loki have nothing to look at here.
//!
//! ```
//! use serde_json::json;
//! use tta_catalog::dashboards::lint::offences;
//!
//! let offences = offences(&json!({"title": "Empty", "editable": true}));
//! assert!(offences.iter().any(|it| it.starts_with("uneditable-dashboard-rule")));
//! ```
//!
//! # Source
//!
//! <https://github.com/grafana/dashboard-linter/tree/main/docs/rules>, by the names of its rules.

mod grid;
mod panels;
mod queries;
mod schema;
mod variables;

use serde_json::Value;

/// What is wrong with a dashboard, each with the name of the rule in front.
pub fn offences(dashboard: &Value) -> Vec<String> {
    let rules: [(&str, Rule); 23] = [
        ("schema", schema::fields),
        ("schema-version", schema::version),
        ("stable-uid", schema::uid),
        ("unique-ids", grid::unique_ids),
        ("no-overlap", grid::overlaps),
        ("rows", grid::rows),
        ("no-input-placeholder", schema::placeholders),
        ("exemplars", queries::exemplars),
        ("uneditable-dashboard-rule", schema::uneditable),
        ("template-datasource-rule", variables::data_source),
        ("template-job-rule", variables::job),
        ("template-instance-rule", variables::instance),
        ("template-label-promql-rule", variables::label_promql),
        ("template-on-time-change-reload-rule", variables::reload),
        ("template-unused-rule", variables::unused),
        ("panel-datasource-rule", panels::data_source),
        (
            "panel-title-description-rule",
            panels::title_and_description,
        ),
        ("panel-units-rule", panels::units),
        ("panel-no-targets-rule", panels::no_targets),
        ("target-promql-rule", queries::promql),
        ("target-rate-interval-rule", queries::rate_interval),
        ("target-job-and-instance-rules", queries::job_and_instance),
        ("target-counter-agg-rule", queries::counters),
    ];
    let of_rule = |(name, rule): (&str, Rule)| {
        let named = move |offence: String| format!("{name}: {offence}");
        rule(dashboard).into_iter().map(named).collect::<Vec<_>>()
    };
    rules.into_iter().flat_map(of_rule).collect()
}

/// Says what offends it.
type Rule = fn(&Value) -> Vec<String>;

/// The elements of a list, or none where there is no list.
fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    let list = value.pointer(pointer).and_then(Value::as_array);
    list.into_iter().flatten()
}

/// A text, or an empty one.
fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// The panels with something to show, those in folded rows included.
fn shown(dashboard: &Value) -> impl Iterator<Item = &Value> {
    everything(dashboard).filter(|panel| text(panel, "/type") != "row")
}

/// The panels and rows.
fn everything(dashboard: &Value) -> impl Iterator<Item = &Value> {
    list(dashboard, "/panels")
        .flat_map(|panel| std::iter::once(panel).chain(list(panel, "/panels")))
}
