//! What the file itself must have.

use serde_json::Value;

use super::{everything, list, text};
use crate::dashboards::json::SCHEMA_VERSION;

/// The fields that Grafana's schema knows and a dashboard needs, of their types.
pub(super) fn fields(dashboard: &Value) -> Vec<String> {
    let mut wrong = missing(dashboard, "the dashboard", DASHBOARD);
    for panel in everything(dashboard) {
        let name = format!("panel `{}`", text(panel, "/title"));
        let of_kind = if text(panel, "/type") == "row" {
            ROW
        } else {
            PANEL
        };
        wrong.extend(missing(panel, &name, of_kind));
        for target in list(panel, "/targets") {
            wrong.extend(missing(target, &format!("a query of {name}"), TARGET));
        }
    }
    for variable in list(dashboard, "/templating/list") {
        let name = format!("variable `{}`", text(variable, "/name"));
        wrong.extend(missing(variable, &name, VARIABLE));
    }
    wrong
}

/// The version of the schema.
pub(super) fn version(dashboard: &Value) -> Vec<String> {
    let version = dashboard.pointer("/schemaVersion").and_then(Value::as_u64);
    if version == Some(SCHEMA_VERSION.into()) {
        return Vec::new();
    }
    vec![format!("it is {version:?}, not {SCHEMA_VERSION}")]
}

/// An id by which links find it after an import, and no number of one Grafana's database.
pub(super) fn uid(dashboard: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let uid = text(dashboard, "/uid");
    let may_stand = |sign: char| sign.is_ascii_alphanumeric() || sign == '-' || sign == '_';
    if uid.is_empty() || uid.len() > LONGEST_UID || !uid.chars().all(may_stand) {
        wrong.push(format!("`{uid}` is none"));
    }
    if !dashboard.pointer("/id").is_none_or(Value::is_null) {
        wrong.push("`id` must be null: it belongs to one database".to_owned());
    }
    wrong
}

/// What only an import by hand would fill in, so that provisioning from files fails.
pub(super) fn placeholders(dashboard: &Value) -> Vec<String> {
    let text = dashboard.to_string();
    let found = ["${DS_", "__inputs", "__requires"];
    let found = found.iter().filter(|sign| text.contains(**sign));
    found.map(|sign| format!("it contains `{sign}`")).collect()
}

/// Whoever edits a provisioned dashboard in place loses that with the next version.
pub(super) fn uneditable(dashboard: &Value) -> Vec<String> {
    let is_fixed = dashboard.pointer("/editable") == Some(&Value::Bool(false));
    if is_fixed {
        return Vec::new();
    }
    vec!["`editable` must be false".to_owned()]
}

fn missing(value: &Value, name: &str, fields: &[(&str, Kind)]) -> Vec<String> {
    let wrong = fields.iter().filter_map(|(field, kind)| {
        let found = value.pointer(field);
        let fits = found.is_some_and(|found| kind.fits(found));
        let what = if found.is_none() { "no" } else { "a strange" };
        (!fits).then(|| format!("{name} has {what} `{}`", field.trim_start_matches('/')))
    });
    wrong.collect()
}

#[derive(Clone, Copy)]
enum Kind {
    Text,
    Number,
    Truth,
    List,
    Object,
}

impl Kind {
    fn fits(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Number => value.is_u64(),
            Self::Truth => value.is_boolean(),
            Self::List => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}

const DASHBOARD: &[(&str, Kind)] = &[
    ("/uid", Kind::Text),
    ("/title", Kind::Text),
    ("/description", Kind::Text),
    ("/tags", Kind::List),
    ("/schemaVersion", Kind::Number),
    ("/editable", Kind::Truth),
    ("/refresh", Kind::Text),
    ("/time/from", Kind::Text),
    ("/time/to", Kind::Text),
    ("/annotations/list", Kind::List),
    ("/templating/list", Kind::List),
    ("/links", Kind::List),
    ("/panels", Kind::List),
];

const ROW: &[(&str, Kind)] = &[
    ("/id", Kind::Number),
    ("/title", Kind::Text),
    ("/collapsed", Kind::Truth),
    ("/panels", Kind::List),
    ("/gridPos", Kind::Object),
];

const PANEL: &[(&str, Kind)] = &[
    ("/id", Kind::Number),
    ("/type", Kind::Text),
    ("/title", Kind::Text),
    ("/datasource/type", Kind::Text),
    ("/datasource/uid", Kind::Text),
    ("/gridPos/x", Kind::Number),
    ("/gridPos/y", Kind::Number),
    ("/gridPos/w", Kind::Number),
    ("/gridPos/h", Kind::Number),
    ("/fieldConfig/defaults", Kind::Object),
    ("/fieldConfig/overrides", Kind::List),
    ("/options", Kind::Object),
];

const TARGET: &[(&str, Kind)] = &[
    ("/refId", Kind::Text),
    ("/expr", Kind::Text),
    ("/legendFormat", Kind::Text),
    ("/datasource/uid", Kind::Text),
];

const VARIABLE: &[(&str, Kind)] = &[
    ("/name", Kind::Text),
    ("/label", Kind::Text),
    ("/type", Kind::Text),
];

/// What Grafana's database has room for.
const LONGEST_UID: usize = 40;
