//! Where panels stand.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{everything, list, text};
use crate::dashboards::json::COLUMNS;

/// Each panel and row has a number of its own.
pub(super) fn unique_ids(dashboard: &Value) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let ids =
        everything(dashboard).map(|panel| (panel.pointer("/id").and_then(Value::as_u64), panel));
    ids.filter(|(id, _)| !seen.insert(*id))
        .map(|(id, panel)| format!("panel `{}` has the id {id:?} again", text(panel, "/title")))
        .collect()
}

/// Panels stand beside each other, within the grid.
pub(super) fn overlaps(dashboard: &Value) -> Vec<String> {
    let placed: Vec<(&str, Place)> = everything(dashboard)
        .filter_map(|panel| Some((text(panel, "/title"), Place::of(panel)?)))
        .collect();
    let mut wrong = Vec::new();
    for (index, (name, place)) in placed.iter().enumerate() {
        if place.width == 0 || place.height == 0 || place.x + place.width > COLUMNS.into() {
            wrong.push(format!("panel `{name}` does not fit into the grid"));
        }
        let later = placed.iter().skip(index + 1);
        let over = later.filter(|(_, other)| place.overlaps(other));
        wrong.extend(over.map(|(other, _)| format!("panels `{name}` and `{other}` overlap")));
    }
    wrong
}

/// A folded row holds its panels, an open one none; rows do not stand in rows.
pub(super) fn rows(dashboard: &Value) -> Vec<String> {
    let rows = list(dashboard, "/panels").filter(|panel| text(panel, "/type") == "row");
    let mut wrong = Vec::new();
    let mut count = 0;
    for row in rows {
        count += 1;
        let is_folded = row.pointer("/collapsed") == Some(&Value::Bool(true));
        let inside: Vec<&Value> = list(row, "/panels").collect();
        if is_folded == inside.is_empty() {
            wrong.push(format!(
                "row `{}` has its panels elsewhere",
                text(row, "/title")
            ));
        }
        if inside.iter().any(|panel| text(panel, "/type") == "row") {
            wrong.push(format!("row `{}` holds a row", text(row, "/title")));
        }
    }
    if count == 0 {
        wrong.push("no row folds".to_owned());
    }
    wrong
}

struct Place {
    x: u64,
    y: u64,
    width: u64,
    height: u64,
}

impl Place {
    fn of(panel: &Value) -> Option<Self> {
        let number = |field: &str| panel.pointer(&format!("/gridPos/{field}"))?.as_u64();
        Some(Self {
            x: number("x")?,
            y: number("y")?,
            width: number("w")?,
            height: number("h")?,
        })
    }

    fn overlaps(&self, other: &Self) -> bool {
        let beside = self.x + self.width <= other.x || other.x + other.width <= self.x;
        let below = self.y + self.height <= other.y || other.y + other.height <= self.y;
        !beside && !below
    }
}
