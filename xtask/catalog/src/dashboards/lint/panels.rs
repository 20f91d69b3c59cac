//! The panels.

use serde_json::Value;

use super::{list, shown, text};

/// Panels ask the data source that was chosen.
pub(super) fn data_source(dashboard: &Value) -> Vec<String> {
    let own = shown(dashboard).map(|panel| (panel, panel));
    let of_targets = shown(dashboard)
        .flat_map(|panel| list(panel, "/targets").map(move |target| (panel, target)));
    own.chain(of_targets)
        .filter(|(_, asking)| text(asking, "/datasource/uid") != "${datasource}")
        .map(|(panel, _)| name(panel))
        .collect()
}

/// Panels say what they are and how to read them.
pub(super) fn title_and_description(dashboard: &Value) -> Vec<String> {
    let silent = shown(dashboard)
        .filter(|it| text(it, "/title").is_empty() || text(it, "/description").is_empty());
    silent.map(name).collect()
}

/// Panels have a unit that Grafana knows.
pub(super) fn units(dashboard: &Value) -> Vec<String> {
    let unit = |panel| text(panel, "/fieldConfig/defaults/unit");
    let strange = shown(dashboard).filter(|panel| !UNITS.contains(&unit(panel)));
    strange
        .map(|panel| format!("{} has `{}`", name(panel), unit(panel)))
        .collect()
}

/// Panels ask something.
pub(super) fn no_targets(dashboard: &Value) -> Vec<String> {
    let idle = shown(dashboard).filter(|panel| list(panel, "/targets").next().is_none());
    idle.map(name).collect()
}

fn name(panel: &Value) -> String {
    format!("panel `{}`", text(panel, "/title"))
}

/// Grafana's names for the units that our metrics can have.
const UNITS: [&str; 14] = [
    "none",
    "short",
    "percentunit",
    "currencyUSD",
    "bytes",
    "decbytes",
    "Bps",
    "s",
    "cps",
    "ops",
    "reqps",
    "rps",
    "bool_on_off",
    "dateTimeAsIso",
];
