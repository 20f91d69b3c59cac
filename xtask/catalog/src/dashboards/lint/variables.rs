//! The variables.

use serde_json::Value;

use super::{list, shown, text};
use crate::promql::selectors;

/// There is a variable for the data source, called as everywhere.
pub(super) fn data_source(dashboard: &Value) -> Vec<String> {
    let of_type = list(dashboard, "/templating/list").find(|it| text(it, "/type") == "datasource");
    let Some(variable) = of_type else {
        return vec!["there is no variable for the data source".to_owned()];
    };
    let expected = [
        ("name", "datasource"),
        ("label", "Data Source"),
        ("query", "prometheus"),
    ];
    let wrong = expected.into_iter().filter_map(|(field, value)| {
        let found = text(variable, &format!("/{field}"));
        (found != value).then(|| format!("its {field} is `{found}`, not `{value}`"))
    });
    wrong.collect()
}

/// There is a variable for the job.
pub(super) fn job(dashboard: &Value) -> Vec<String> {
    required(dashboard, "job", "Job")
}

/// There is a variable for the instance.
pub(super) fn instance(dashboard: &Value) -> Vec<String> {
    required(dashboard, "instance", "Instance")
}

/// Variables take their values from queries that can be read.
pub(super) fn label_promql(dashboard: &Value) -> Vec<String> {
    let wrong = queried(dashboard).filter_map(|variable| {
        let query = text(variable, "/query/query");
        let inside = query
            .strip_prefix("label_values(")
            .and_then(|rest| rest.strip_suffix(')'))
            .and_then(|inside| inside.rsplit_once(", "));
        let fits = inside.is_some_and(|(metric, label)| {
            let one = selectors(metric).is_ok_and(|found| found.selectors.len() == 1);
            one && !label.is_empty() && label.chars().all(|it| it.is_ascii_lowercase() || it == '_')
        });
        (!fits).then(|| format!("variable `{}`: `{query}`", text(variable, "/name")))
    });
    wrong.collect()
}

/// Values are looked up again when another time is shown.
pub(super) fn reload(dashboard: &Value) -> Vec<String> {
    let on_time_range_change = Some(2);
    let stale = queried(dashboard).filter(|variable| {
        variable.pointer("/refresh").and_then(Value::as_u64) != on_time_range_change
    });
    stale
        .map(|variable| format!("variable `{}` must have refresh 2", text(variable, "/name")))
        .collect()
}

/// What can be chosen has an effect.
pub(super) fn unused(dashboard: &Value) -> Vec<String> {
    let idle = queried(dashboard).filter(|variable| {
        let sign = format!("\"${}\"", text(variable, "/name"));
        let mut targets = shown(dashboard).flat_map(|panel| list(panel, "/targets"));
        !targets.any(|target| text(target, "/expr").contains(&sign))
    });
    idle.map(|variable| format!("variable `{}`", text(variable, "/name")))
        .collect()
}

/// Those whose values are looked up.
fn queried(dashboard: &Value) -> impl Iterator<Item = &Value> {
    list(dashboard, "/templating/list").filter(|it| text(it, "/type") == "query")
}

fn required(dashboard: &Value, name: &str, label: &str) -> Vec<String> {
    let Some(variable) = queried(dashboard).find(|it| text(it, "/name") == name) else {
        return vec![format!("there is no variable `{name}` that is looked up")];
    };
    let mut wrong = Vec::new();
    if text(variable, "/datasource/uid") != "${datasource}" {
        wrong.push(format!("`{name}` must ask `${{datasource}}`"));
    }
    if text(variable, "/label") != label {
        wrong.push(format!("`{name}` must be labelled `{label}`"));
    }
    if variable.pointer("/multi") != Some(&Value::Bool(true)) {
        wrong.push(format!("`{name}` must let several be chosen"));
    }
    if variable.pointer("/includeAll") != Some(&Value::Bool(true)) {
        wrong.push(format!("`{name}` must let all be chosen"));
    }
    if text(variable, "/allValue") != ".+" {
        wrong.push(format!("`{name}` must mean `.+` by all"));
    }
    wrong
}
