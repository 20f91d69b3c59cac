//! What panels ask.

use serde_json::Value;

use super::{list, shown, text};
use crate::promql::{Query, Selector, selectors};

/// Queries can be read.
pub(super) fn promql(dashboard: &Value) -> Vec<String> {
    let unread = asked(dashboard).filter_map(|(name, expr)| Some((name, selectors(expr).err()?)));
    unread.map(|(name, why)| format!("{name}: {why}")).collect()
}

/// Rates are taken over as long as fits the scrape interval and the time shown.
pub(super) fn rate_interval(dashboard: &Value) -> Vec<String> {
    each_selector(dashboard, |selector| {
        let function = selector.functions.last()?;
        let of_rate = ["rate", "irate"].contains(&function.as_str());
        let fits = selector.range.as_deref() == Some("$__rate_interval");
        let is_fixed = selector
            .range
            .as_deref()
            .is_some_and(|range| !range.starts_with('$'));
        ((of_rate && !fits) || is_fixed)
            .then(|| format!("`{}` must be taken over $__rate_interval", selector.metric))
    })
}

/// Each selector is held to the jobs and instances that were chosen.
pub(super) fn job_and_instance(dashboard: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    for label in ["job", "instance"] {
        let chosen = (label.to_owned(), "=~".to_owned(), format!("${label}"));
        wrong.extend(each_selector(dashboard, |selector| {
            (!selector.matchers.contains(&chosen))
                .then(|| format!("`{}` lacks {label}=~\"${label}\"", selector.metric))
        }));
    }
    wrong
}

/// Counters are read by their growth.
pub(super) fn counters(dashboard: &Value) -> Vec<String> {
    each_selector(dashboard, |selector| {
        let growth = ["rate", "irate", "increase"];
        let is_grown = selector
            .functions
            .last()
            .is_some_and(|function| growth.contains(&function.as_str()));
        let is_counter = selector.metric.ends_with("_total");
        (is_counter && !(is_grown && selector.range.is_some()))
            .then(|| format!("`{}` is neither in rate nor in increase", selector.metric))
    })
}

/// Lines over time ask for the exemplars too, which lead to traces.
pub(super) fn exemplars(dashboard: &Value) -> Vec<String> {
    let lines = shown(dashboard).filter(|panel| text(panel, "/type") == "timeseries");
    let without = lines.filter(|panel| {
        list(panel, "/targets").any(|it| it.pointer("/exemplar") != Some(&Value::Bool(true)))
    });
    without
        .map(|panel| format!("panel `{}` does not ask for them", text(panel, "/title")))
        .collect()
}

/// The queries with the names of their panels.
fn asked(dashboard: &Value) -> impl Iterator<Item = (String, &str)> {
    shown(dashboard).flat_map(|panel| {
        let name = move || format!("panel `{}`", text(panel, "/title"));
        list(panel, "/targets").map(move |target| (name(), text(target, "/expr")))
    })
}

fn each_selector(dashboard: &Value, offends: impl Fn(&Selector) -> Option<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, expr) in asked(dashboard) {
        // What cannot be read offends another rule.
        let found: Query = selectors(expr).unwrap_or_default();
        let offences = found.selectors.iter().filter_map(&offends);
        wrong.extend(offences.map(|why| format!("{name}: {why}")));
    }
    wrong
}
