//! A dashboard in Grafana's JSON.

use serde_json::{Value, json};

use super::{Dashboard, Look, Panel, Query, Row, State};
use crate::known::Known;

/// The whole file.
pub(super) fn dashboard(dashboard: &Dashboard, known: &Known) -> Result<Value, String> {
    Ok(json!({
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.description,
        "tags": ["tta"],
        "schemaVersion": SCHEMA_VERSION,
        "version": 1,
        "id": null,
        "editable": false,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "weekStart": "",
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "timepicker": {},
        "annotations": {"list": [annotation()]},
        "links": [link()],
        "templating": {"list": variables(dashboard)},
        "panels": panels(dashboard, known)?,
    }))
}

/// The data source is asked for first, since all others take their values from it.
fn variables(dashboard: &Dashboard) -> Vec<Value> {
    let data_source = json!({
        "name": "datasource",
        "label": "Data Source",
        "description": "The Prometheus to ask.",
        "type": "datasource",
        "query": "prometheus",
        "regex": "",
        "refresh": 1,
        "hide": 0,
        "includeAll": false,
        "multi": false,
        "options": [],
        "current": {},
        "skipUrlSync": false,
    });
    // Both from a metric that every process with telemetry has, whatever it runs.
    let job = variable("job", "Job", "label_values(tta_build_info, job)");
    let instances = "label_values(tta_build_info{job=~\"$job\"}, instance)";
    let instance = variable("instance", "Instance", instances);
    let own = dashboard.variables.iter().map(|own| {
        let of = format!(
            "label_values({}{{job=~\"$job\", instance=~\"$instance\"}}, {})",
            own.metric, own.name
        );
        variable(own.name, own.label, &of)
    });
    [data_source, job, instance]
        .into_iter()
        .chain(own)
        .collect()
}

fn variable(name: &str, label: &str, query: &str) -> Value {
    json!({
        "name": name,
        "label": label,
        "type": "query",
        "datasource": source(),
        "definition": query,
        "query": {"query": query, "refId": name, "qryType": 5},
        "refresh": 2,
        "sort": 1,
        "regex": "",
        "hide": 0,
        "includeAll": true,
        "allValue": ".+",
        "multi": true,
        "options": [],
        "current": {"selected": true, "text": ["All"], "value": ["$__all"]},
        "skipUrlSync": false,
    })
}

/// Rows and panels with their places: panels fill 24 columns from the left, and begin a new line
/// where the next one has no room.
fn panels(dashboard: &Dashboard, known: &Known) -> Result<Vec<Value>, String> {
    let mut all = Vec::new();
    let mut id = 0;
    let mut y = 0;
    for row in &dashboard.rows {
        id += 1;
        let row_id = id;
        let row_y = y;
        y += 1;
        let mut placed = Vec::new();
        let (mut x, mut tallest) = (0, 0);
        for panel in &row.panels {
            if x + panel.width > COLUMNS {
                y += tallest;
                (x, tallest) = (0, 0);
            }
            id += 1;
            let height = height(panel.look);
            let place = json!({"x": x, "y": y, "w": panel.width, "h": height});
            placed.push(self::panel(dashboard, panel, known, id, &place)?);
            x += panel.width;
            tallest = tallest.max(height);
        }
        y += tallest;
        // A folded row holds its panels; an open one is followed by them.
        let (inside, after) = if row.is_folded {
            (placed, Vec::new())
        } else {
            (Vec::new(), placed)
        };
        all.push(heading(row, row_id, row_y, &inside));
        all.extend(after);
    }
    Ok(all)
}

fn heading(row: &Row, id: u32, y: u32, inside: &[Value]) -> Value {
    json!({
        "id": id,
        "type": "row",
        "title": row.title,
        "collapsed": row.is_folded,
        "gridPos": {"x": 0, "y": y, "w": COLUMNS, "h": 1},
        "panels": inside,
    })
}

fn panel(
    dashboard: &Dashboard,
    panel: &Panel,
    known: &Known,
    id: u32,
    place: &Value,
) -> Result<Value, String> {
    let targets = panel.queries.iter().zip('A'..='Z');
    let targets: Result<Vec<Value>, String> = targets
        .map(|(query, letter)| target(dashboard, panel, query, known, letter))
        .collect();
    Ok(json!({
        "id": id,
        "type": kind(panel.look),
        "title": panel.title,
        "description": panel.description,
        "datasource": source(),
        "gridPos": place,
        "fieldConfig": {"defaults": defaults(panel), "overrides": []},
        "options": options(panel.look),
        "targets": targets?,
        "transformations": transformations(panel.look),
    }))
}

fn target(
    dashboard: &Dashboard,
    panel: &Panel,
    query: &Query,
    known: &Known,
    letter: char,
) -> Result<Value, String> {
    let is_table = panel.look == Look::Table;
    let is_number = panel.look == Look::Number;
    let is_instant = is_table || is_number;
    Ok(json!({
        "refId": letter.to_string(),
        "datasource": source(),
        "editorMode": "code",
        "expr": dashboard.promql(query, known)?,
        "legendFormat": query.legend,
        "range": !is_instant,
        "instant": is_instant,
        "format": if is_table { "table" } else { "time_series" },
        "exemplar": matches!(panel.look, Look::Lines | Look::Stack),
    }))
}

fn kind(look: Look) -> &'static str {
    match look {
        Look::Lines | Look::Stack => "timeseries",
        Look::Number => "stat",
        Look::States(_) => "state-timeline",
        Look::Table => "table",
    }
}

fn height(look: Look) -> u32 {
    match look {
        Look::Number => 4,
        Look::Table => 6,
        _ => 8,
    }
}

fn defaults(panel: &Panel) -> Value {
    let mut defaults = json!({
        "unit": panel.unit,
        "color": {"mode": "palette-classic"},
        "mappings": [],
        "thresholds": {"mode": "absolute", "steps": [{"color": "green", "value": null}]},
        "custom": {},
    });
    let is_stack = panel.look == Look::Stack;
    let mut more = Vec::new();
    match panel.look {
        Look::Lines | Look::Stack => {
            let custom = json!({
                "drawStyle": "line",
                "lineWidth": 1,
                "fillOpacity": if is_stack { 40 } else { 10 },
                "showPoints": "never",
                "spanNulls": false,
                "stacking": {"mode": if is_stack { "normal" } else { "none" }, "group": "A"},
            });
            more.push(("custom", custom));
        }
        Look::Number => more.push(("color", json!({"mode": "thresholds"}))),
        Look::States(states) => {
            more.push(("color", json!({"mode": "thresholds"})));
            more.push(("custom", json!({"fillOpacity": 80, "lineWidth": 0})));
            let mapping = json!([{"type": "value", "options": mapping(states)}]);
            more.push(("mappings", mapping));
        }
        Look::Table => {}
    }
    // A share never leaves 0 to 1; with a scale of its own, a dip of a thousandth looks like one
    // of a half.
    if panel.unit == "percentunit" {
        more.extend([("min", json!(0)), ("max", json!(1))]);
    }
    if let Some(defaults) = defaults.as_object_mut() {
        defaults.extend(
            more.into_iter()
                .map(|(field, value)| (field.to_owned(), value)),
        );
    }
    defaults
}

fn mapping(states: &[State]) -> Value {
    let meaning = states.iter().map(|state| {
        let shown = json!({"text": state.text, "color": state.colour, "index": state.value});
        (state.value.to_string(), shown)
    });
    Value::Object(meaning.collect())
}

fn options(look: Look) -> Value {
    match look {
        Look::Lines | Look::Stack => json!({
            "legend": {
                "displayMode": "table",
                "placement": "bottom",
                "showLegend": true,
                "calcs": ["lastNotNull", "max"],
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        }),
        Look::Number => json!({
            "colorMode": "value",
            "graphMode": "none",
            "justifyMode": "auto",
            "orientation": "auto",
            "textMode": "auto",
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": false},
        }),
        Look::States(_) => json!({
            "mergeValues": true,
            "rowHeight": 0.9,
            "showValue": "auto",
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": true},
            "tooltip": {"mode": "single", "sort": "none"},
        }),
        Look::Table => json!({"cellHeight": "sm", "showHeader": true}),
    }
}

/// A table of labels has no use for the name and the time of its series.
fn transformations(look: Look) -> Value {
    match look {
        Look::Table => json!([{
            "id": "organize",
            "options": {"excludeByName": {"Time": true, "__name__": true, "Value": true}},
        }]),
        _ => json!([]),
    }
}

fn source() -> Value {
    json!({"type": "prometheus", "uid": "${datasource}"})
}

/// Grafana's own, without which it would add one and count the dashboard as changed.
fn annotation() -> Value {
    json!({
        "name": "Annotations & Alerts",
        "type": "dashboard",
        "builtIn": 1,
        "enable": true,
        "hide": true,
        "iconColor": "rgba(0, 211, 255, 1)",
        "datasource": {"type": "grafana", "uid": "-- Grafana --"},
    })
}

/// From each dashboard to the others, with the same variables and the same time.
fn link() -> Value {
    json!({
        "title": "tta",
        "type": "dashboards",
        "tags": ["tta"],
        "asDropdown": true,
        "includeVars": true,
        "keepTime": true,
        "targetBlank": false,
        "icon": "external link",
        "tooltip": "",
        "url": "",
    })
}

/// The version of the JSON that this is written for.
pub(super) const SCHEMA_VERSION: u32 = 42;

/// The width of Grafana's grid.
pub(super) const COLUMNS: u32 = 24;
