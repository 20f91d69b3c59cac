//! Reading objectives: what gets past this can be turned into rules.

use serde::Deserialize;
use tta::{MetricKind, MetricSpec};

use super::{Indicator, Slo, SloError, Window};
use crate::known::Known;
use crate::promql::selectors;

pub(super) fn parse(toml: &str) -> Result<Vec<Slo>, SloError> {
    let file: File = toml::from_str(toml).map_err(|error| SloError::new(error.to_string()))?;
    if file.slo.is_empty() {
        return Err(SloError::new("there is no [[slo]]; write at least one"));
    }
    let mut slos: Vec<Slo> = Vec::new();
    for table in file.slo {
        let name = table.name.clone();
        if slos.iter().any(|slo| slo.name == name) {
            return Err(SloError::new(format!("slo `{name}` is there twice")));
        }
        let named = |error: SloError| SloError::new(format!("slo `{name}`: {error}"));
        slos.push(slo(table).map_err(named)?);
    }
    Ok(slos)
}

fn slo(table: Table) -> Result<Slo, SloError> {
    let is_plain = |sign: char| sign.is_ascii_lowercase() || sign.is_ascii_digit() || sign == '-';
    if table.name.is_empty() || !table.name.chars().all(is_plain) {
        return Err(SloError::new(
            "the name must be of lower-case letters, digits and dashes",
        ));
    }
    if !(table.objective >= LOWEST && table.objective < 100.0) {
        return Err(SloError::new(format!(
            "the objective is {} %; give a percentage from {LOWEST} to below 100",
            table.objective
        )));
    }
    let (spec, matchers) = metric(&table.selector)?;
    let subject = spec.labels.first().copied().unwrap_or_default();
    Ok(Slo {
        indicator: indicator(spec, table.threshold)?,
        name: table.name,
        metric: spec.name,
        matchers,
        subject,
        // Through a rounding to what was written, so that 99.9 leaves 0.001 and not
        // 0.000999999999999.
        budget: ((100.0 - table.objective) * 1e7).round() / 1e9,
        window: window(table.window)?,
    })
}

/// The metric of a selector, and its matchers as text.
fn metric(selector: &str) -> Result<(&'static MetricSpec, String), SloError> {
    let wrong = |why: String| SloError::new(format!("the selector `{selector}`: {why}"));
    let found = selectors(selector).map_err(wrong)?;
    let [one] = found.selectors.as_slice() else {
        return Err(wrong(
            "give one metric, with matchers or without".to_owned(),
        ));
    };
    if one.range.is_some() || !one.functions.is_empty() {
        return Err(wrong(
            "give it without a function and without a range".to_owned(),
        ));
    }
    let known = Known::declared();
    let spec = known
        .spec(&one.metric)
        .filter(|spec| spec.name == one.metric);
    let spec = spec.ok_or_else(|| {
        wrong(format!(
            "no metric `{}`; docs/reference/metrics.md lists them",
            one.metric
        ))
    })?;
    for (label, _, _) in &one.matchers {
        let is_known =
            spec.labels.contains(&label.as_str()) || label == "job" || label == "instance";
        if !is_known {
            return Err(wrong(format!("`{}` has no label `{label}`", spec.name)));
        }
        if label == "status" {
            return Err(wrong(
                "leave `status` out: it is what tells good from bad".to_owned(),
            ));
        }
    }
    let matchers = one.matchers.iter();
    let matchers = matchers.map(|(label, operator, value)| format!("{label}{operator}\"{value}\""));
    Ok((spec, matchers.collect::<Vec<_>>().join(", ")))
}

fn indicator(spec: &MetricSpec, threshold: Option<f64>) -> Result<Indicator, SloError> {
    let name = spec.name;
    match (spec.kind, threshold) {
        (MetricKind::Counter, None) if spec.labels.contains(&"status") => Ok(Indicator::Failed),
        (MetricKind::Counter, Some(_)) => Err(SloError::new(format!(
            "`{name}` counts and has no threshold; for latency select a histogram, such as \
             workflow_duration_seconds"
        ))),
        (MetricKind::Histogram, None) => Err(SloError::new(format!(
            "`{name}` is a histogram; say with `threshold` how many seconds are too long"
        ))),
        (MetricKind::Histogram, Some(seconds)) => {
            // The very numbers that the histogram was declared with.
            if spec.bounds.contains(&seconds) {
                return Ok(Indicator::Slow(seconds));
            }
            let bounds: Vec<String> = spec.bounds.iter().map(f64::to_string).collect();
            Err(SloError::new(format!(
                "`{name}` has no bucket that ends at {seconds} s; give one of {}",
                bounds.join(", ")
            )))
        }
        _ => Err(SloError::new(format!(
            "`{name}` does not tell good from bad; select a counter with the label `status`, or a \
             histogram with a `threshold`"
        ))),
    }
}

fn window(text: String) -> Result<Window, SloError> {
    let days = text
        .strip_suffix('d')
        .and_then(|days| days.parse::<u32>().ok())
        .filter(|days| (SHORTEST..=LONGEST).contains(days));
    let Some(days) = days else {
        return Err(SloError::new(format!(
            "the window is `{text}`; give whole days from {SHORTEST}d to {LONGEST}d"
        )));
    };
    Ok(Window {
        hours: f64::from(days) * 24.0,
        text,
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    slo: Vec<Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    selector: String,
    objective: f64,
    window: String,
    threshold: Option<f64>,
}

/// Below this even a total failure burns too slowly for an alert that wakes anybody.
const LOWEST: f64 = 90.0;

/// Windows for which the burn rates of the alerts mean something.
const SHORTEST: u32 = 7;
const LONGEST: u32 = 90;
