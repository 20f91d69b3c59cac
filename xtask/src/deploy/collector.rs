//! Configurations of the Collector, as far as they can be judged without one.

use std::collections::BTreeSet;

use serde_json::Value;

use super::documents::{entries, items, text};

/// What is wrong with one configuration.
pub(crate) fn wrong(config: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut used: BTreeSet<String> = BTreeSet::new();
    let pipelines: Vec<_> = entries(config, "/service/pipelines").collect();
    if pipelines.is_empty() {
        wrong.push("it has no pipeline".to_owned());
    }
    for (pipeline, parts) in &pipelines {
        let signal = pipeline.split('/').next().unwrap_or_default();
        if !["traces", "metrics", "logs"].contains(&signal) {
            wrong.push(format!(
                "`{pipeline}` is no pipeline of traces, metrics or logs"
            ));
        }
        for section in ["receivers", "processors", "exporters"] {
            let names: Vec<&str> = items(parts, &format!("/{section}"))
                .filter_map(Value::as_str)
                .collect();
            if names.is_empty() && section != "processors" {
                wrong.push(format!("{pipeline}: it has no {section}"));
            }
            if section == "processors" && !in_order(&names) {
                wrong.push(format!(
                    "{pipeline}: memory_limiter is first, and batch last"
                ));
            }
            used.extend(names.iter().map(|name| format!("{section}/{name}")));
        }
    }
    let extensions = items(config, "/service/extensions").filter_map(Value::as_str);
    used.extend(extensions.map(|name| format!("extensions/{name}")));
    let mut defined: BTreeSet<String> = BTreeSet::new();
    for (section, known) in COMPONENTS {
        for (name, component) in entries(config, &format!("/{section}")) {
            defined.insert(format!("{section}/{name}"));
            let kind = name.split('/').next().unwrap_or_default();
            match known.iter().find(|(known, _)| *known == kind) {
                None => wrong.push(format!("`{kind}` is unknown among {section}")),
                Some((_, needed)) => {
                    let lacking = needed
                        .iter()
                        .filter(|field| component.pointer(field).is_none());
                    wrong.extend(lacking.map(|field| format!("{section}/{name}: no {field}")));
                }
            }
        }
    }
    for name in used.difference(&defined) {
        wrong.push(format!("{name} is used and not defined"));
    }
    for name in defined.difference(&used) {
        wrong.push(format!("{name} is defined and not used"));
    }
    let known = [
        "receivers",
        "processors",
        "exporters",
        "extensions",
        "service",
    ];
    for (section, _) in entries(config, "").filter(|(section, _)| !known.contains(section)) {
        wrong.push(format!("`{section}` is no section"));
    }
    wrong.extend(wrong_addresses(config));
    wrong
}

/// The ports on which it takes OTLP, serves its own metrics and answers whether it is well.
fn wrong_addresses(config: &Value) -> Vec<String> {
    let expected = [
        ("/receivers/otlp/protocols/grpc/endpoint", "0.0.0.0:4317"),
        ("/receivers/otlp/protocols/http/endpoint", "0.0.0.0:4318"),
        ("/extensions/health_check/endpoint", "0.0.0.0:13133"),
    ];
    let mut wrong: Vec<String> = expected
        .iter()
        .filter(|(pointer, address)| text(config, pointer) != *address)
        .map(|(pointer, address)| format!("{pointer} is not {address}"))
        .collect();
    let own = "/service/telemetry/metrics/readers/0/pull/exporter/prometheus";
    let host = text(config, &format!("{own}/host"));
    let port = config
        .pointer(&format!("{own}/port"))
        .and_then(Value::as_u64);
    if (host, port) != ("0.0.0.0", Some(OWN_METRICS)) {
        wrong.push(format!("its own metrics are not at 0.0.0.0:{OWN_METRICS}"));
    }
    wrong
}

fn in_order(processors: &[&str]) -> bool {
    processors.first() == Some(&"memory_limiter") && processors.last() == Some(&"batch")
}

/// The port of the Collector's own metrics.
pub(crate) const OWN_METRICS: u64 = 8888;

type Component = (&'static str, &'static [&'static str]);

/// The components of the contrib distribution that we use, and what each cannot be without.
const COMPONENTS: [(&str, &[Component]); 4] = [
    ("receivers", &[("otlp", &["/protocols"])]),
    (
        "processors",
        &[
            ("memory_limiter", &["/check_interval", "/limit_percentage"]),
            ("batch", &[]),
        ],
    ),
    (
        "exporters",
        &[
            ("otlp_grpc", &["/endpoint"]),
            ("otlp_http", &["/endpoint"]),
            ("zipkin", &["/endpoint"]),
            ("awsxray", &["/region"]),
            ("googlecloud", &["/project"]),
        ],
    ),
    ("extensions", &[("health_check", &["/endpoint"])]),
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn config() -> Value {
        json!({
            "receivers": {"otlp": {"protocols": {
                "grpc": {"endpoint": "0.0.0.0:4317"}, "http": {"endpoint": "0.0.0.0:4318"}}}},
            "processors": {"batch": {}, "memory_limiter": {"check_interval": "1s", "limit_percentage": 80}},
            "exporters": {"zipkin/a": {"endpoint": "http://z"}},
            "extensions": {"health_check": {"endpoint": "0.0.0.0:13133"}},
            "service": {
                "extensions": ["health_check"],
                "telemetry": {"metrics": {"readers": [
                    {"pull": {"exporter": {"prometheus": {"host": "0.0.0.0", "port": 8888}}}}]}},
                "pipelines": {"traces": {
                    "receivers": ["otlp"],
                    "processors": ["memory_limiter", "batch"],
                    "exporters": ["zipkin/a"]}}
            }
        })
    }

    #[test]
    fn a_configuration_as_it_should_be_is_fine() {
        assert_eq!(wrong(&config()), Vec::<String>::new());
    }

    #[test]
    fn each_fault_is_named() {
        let pipeline = "/service/pipelines/traces";
        for (pointer, value, named) in [
            ("/service/pipelines".to_owned(), json!({}), "no pipeline"),
            (format!("{pipeline}/receivers"), json!([]), "no receivers"),
            (
                format!("{pipeline}/processors"),
                json!(["batch", "memory_limiter"]),
                "batch last",
            ),
            (
                format!("{pipeline}/exporters"),
                json!(["zipkin"]),
                "used and not defined",
            ),
            (
                "/exporters".to_owned(),
                json!({"zipkn/a": {}}),
                "unknown among exporters",
            ),
            ("/exporters/zipkin~1a".to_owned(), json!({}), "no /endpoint"),
            (
                "/service/extensions".to_owned(),
                json!([]),
                "defined and not used",
            ),
            (
                "/extensions/health_check/endpoint".to_owned(),
                json!("localhost:13133"),
                "0.0.0.0:13133",
            ),
            (
                "/receivers/otlp/protocols/grpc/endpoint".to_owned(),
                json!("localhost:4317"),
                "0.0.0.0:4317",
            ),
            (
                "/service/telemetry".to_owned(),
                json!({}),
                "its own metrics",
            ),
        ] {
            let mut config = config();
            *config.pointer_mut(&pointer).unwrap() = value;
            let found = wrong(&config);
            assert!(
                found.iter().any(|found| found.contains(named)),
                "{pointer}: {found:?}"
            );
        }
        let mut config = config();
        config["exporter"] = json!({});
        assert_eq!(wrong(&config), ["`exporter` is no section"]);
    }
}
