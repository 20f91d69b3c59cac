//! `deploy/compose.yaml`, beyond its schema.

use serde_json::Value;

use super::documents::{entries, items, number, text};
use super::images;
use super::settings::SHUTDOWN_DEFAULT;

/// What is wrong with the services by themselves; `exists` tells whether a path from the workspace's
/// root leads to a file or folder.
pub(crate) fn wrong(compose: &Value, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, service) in entries(compose, "/services") {
        let mut says = |what: String| wrong.push(format!("{name}: {what}"));
        let image = text(service, "/image");
        if !images::is_pinned(image) {
            says(format!("the image `{image}` is not pinned"));
        }
        let checked = !service
            .pointer("/healthcheck/test")
            .unwrap_or(&Value::Null)
            .is_null();
        if checked == WITHOUT_SHELL.contains(&name) {
            says("it needs a health check, or a place in the list of those without a shell".into());
        }
        let profiles: Vec<&str> = items(service, "/profiles")
            .filter_map(Value::as_str)
            .collect();
        let watches = !["app", "redis"].contains(&name);
        if watches != (profiles == ["observability"]) {
            says("what watches, and nothing else, has the profile `observability`".into());
        }
        for port in items(service, "/ports").filter_map(Value::as_str) {
            if !port.starts_with("127.0.0.1:") {
                says(format!("the port {port} is open to other machines"));
            }
        }
        for volume in items(service, "/volumes").filter_map(Value::as_str) {
            let source = expanded(volume);
            let source = source.split(':').next().unwrap_or_default();
            if source.starts_with('.') && !exists(&from_deploy(source)) {
                says(format!("nothing to mount at {source}"));
            }
        }
        for (needed, how) in entries(service, "/depends_on") {
            let other = compose.pointer(&format!("/services/{needed}"));
            let hidden = other.is_some_and(|other| other.get("profiles").is_some());
            let optional = how.get("required") == Some(&Value::Bool(false));
            if other.is_none() || (hidden && profiles.is_empty() && !optional) {
                says(format!(
                    "it does not start without {needed}, which may not be there"
                ));
            }
        }
    }
    wrong
}

/// What is wrong with the application as one that is scraped, exports and is stopped.
pub(crate) fn wrong_app(compose: &Value, exposed: Option<u64>) -> Vec<String> {
    let Some(app) = compose.pointer("/services/app") else {
        return vec!["there is no service `app`".to_owned()];
    };
    let mut wrong = Vec::new();
    let variable = |name: &str| expanded(text(app, &format!("/environment/{name}")));
    if variable("OTEL_EXPORTER_PROMETHEUS_HOST") != "0.0.0.0" {
        wrong.push("a scrape from another container finds nobody".to_owned());
    }
    let port = port_of_app(app);
    let published = items(app, "/ports").filter_map(Value::as_str);
    let published = published.filter_map(|port| port.rsplit(':').next()?.parse().ok());
    if port.is_none() || exposed != port || !published.into_iter().any(|it: u64| Some(it) == port) {
        wrong.push(format!(
            "OTEL_EXPORTER_PROMETHEUS_PORT {port:?}, the published port and EXPOSE {exposed:?} differ"
        ));
    }
    let endpoint = variable("OTEL_EXPORTER_OTLP_ENDPOINT");
    let host = endpoint.strip_prefix("http://").unwrap_or_default();
    let host = host.split(':').next().unwrap_or_default();
    if compose.pointer(&format!("/services/{host}")).is_none() {
        wrong.push(format!("`{endpoint}` leads to no service"));
    }
    let flush = app.pointer("/environment/TTA_SHUTDOWN_TIMEOUT");
    let flush = flush.and_then(number).unwrap_or(SHUTDOWN_DEFAULT);
    let grace = text(app, "/stop_grace_period").strip_suffix('s');
    let grace = grace
        .and_then(|grace| grace.parse::<u64>().ok())
        .unwrap_or(10)
        * 1_000;
    if grace <= flush {
        wrong.push(format!(
            "it is killed after {grace} ms, and may flush for {flush} ms"
        ));
    }
    wrong
}

/// The variables that the application is given.
pub(crate) fn variables(compose: &Value) -> impl Iterator<Item = &str> {
    entries(compose, "/services/app/environment").map(|(name, _)| name)
}

/// The port on which the application serves its metrics.
pub(crate) fn port_of_app(app: &Value) -> Option<u64> {
    app.pointer("/environment/OTEL_EXPORTER_PROMETHEUS_PORT")
        .and_then(number)
}

/// `${NAME-default}` and `${NAME:-default}` as they read where the variable is not set.
pub(crate) fn expanded(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let (inside, after) = after.split_once('}').unwrap_or((after, ""));
        let default = inside.split_once('-').map_or("", |(_, default)| default);
        out.push_str(before);
        out.push_str(default);
        rest = after;
    }
    out + rest
}

fn from_deploy(source: &str) -> String {
    match source.strip_prefix("../") {
        Some(above) => above.to_owned(),
        None => format!("deploy/{}", source.trim_start_matches("./")),
    }
}

/// Images of one program alone, in which no check can run; each says in the file who looks instead.
const WITHOUT_SHELL: [&str; 1] = ["collector"];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn compose() -> Value {
        json!({"services": {
            "app": {
                "image": "a:1.0.0",
                "environment": {
                    "OTEL_EXPORTER_PROMETHEUS_HOST": "0.0.0.0",
                    "OTEL_EXPORTER_PROMETHEUS_PORT": "9464",
                    "OTEL_EXPORTER_OTLP_ENDPOINT": "${X-http://collector:4317}",
                    "TTA_SHUTDOWN_TIMEOUT": "5000"
                },
                "ports": ["127.0.0.1:9464:9464"],
                "healthcheck": {"test": ["CMD", "a"]},
                "depends_on": {"collector": {"required": false}},
                "stop_grace_period": "15s"
            },
            "collector": {
                "image": "c:0.1.0",
                "profiles": ["observability"],
                "volumes": ["./c/${B:-jaeger}.yaml:/c.yaml:ro", "named:/data"]
            }
        }})
    }

    fn set(pointer: &str, value: Value) -> Value {
        let mut compose = compose();
        *compose.pointer_mut(pointer).unwrap() = value;
        compose
    }

    fn exists(path: &str) -> bool {
        path == "deploy/c/jaeger.yaml"
    }

    #[test]
    fn services_as_they_should_be_are_fine() {
        assert_eq!(wrong(&compose(), exists), Vec::<String>::new());
        assert_eq!(wrong_app(&compose(), Some(9464)), Vec::<String>::new());
    }

    #[test]
    fn each_fault_of_a_service_is_named() {
        for (pointer, value, named) in [
            ("/services/app/image", json!("a:latest"), "not pinned"),
            ("/services/app/healthcheck", json!({}), "health check"),
            ("/services/collector/profiles", json!([]), "profile"),
            (
                "/services/app/ports",
                json!(["9464:9464"]),
                "other machines",
            ),
            (
                "/services/collector/volumes",
                json!(["./gone:/x"]),
                "nothing to mount",
            ),
            (
                "/services/app/depends_on",
                json!({"collector": {}}),
                "does not start without",
            ),
            (
                "/services/app/depends_on",
                json!({"gone": {}}),
                "does not start without",
            ),
        ] {
            let found = wrong(&set(pointer, value), exists);
            assert_eq!(found.len(), 1, "{pointer}: {found:?}");
            assert!(found[0].contains(named), "{found:?}");
        }
    }

    #[test]
    fn each_fault_of_the_application_is_named() {
        let environment = |name: &str| format!("/services/app/environment/{name}");
        for (pointer, value, named) in [
            (
                environment("OTEL_EXPORTER_PROMETHEUS_HOST"),
                json!("localhost"),
                "another container",
            ),
            (
                environment("OTEL_EXPORTER_PROMETHEUS_PORT"),
                json!("9465"),
                "differ",
            ),
            (
                "/services/app/ports".to_owned(),
                json!(["127.0.0.1:9464:9000"]),
                "differ",
            ),
            (
                environment("OTEL_EXPORTER_OTLP_ENDPOINT"),
                json!("http://localhost:4317"),
                "no service",
            ),
            (
                "/services/app/stop_grace_period".to_owned(),
                json!("5s"),
                "killed",
            ),
        ] {
            let found = wrong_app(&set(&pointer, value), Some(9464));
            assert_eq!(found.len(), 1, "{pointer}: {found:?}");
            assert!(found[0].contains(named), "{found:?}");
        }
        assert_eq!(wrong_app(&compose(), Some(80)).len(), 1);
    }
}
