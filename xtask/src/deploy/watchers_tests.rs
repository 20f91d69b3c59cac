//! Each rule on what watches, seen red.

use serde_json::json;

use super::*;

const COMPOSE: &str = "deploy/compose.yaml";
const PROMETHEUS: &str = "deploy/prometheus/compose.yml";
const SOURCES: &str = "deploy/grafana/provisioning/datasources/datasources.yaml";
const FOLDERS: &str = "deploy/grafana/provisioning/dashboards/dashboards.yaml";
const POINTS: &str = "deploy/grafana/provisioning/alerting/contact-points.yaml";

fn files() -> Vec<(&'static str, Value)> {
    let targets = |target: &str| json!([{"targets": [target]}]);
    vec![
        (
            COMPOSE,
            json!({"services": {
                "app": {"environment": {"OTEL_EXPORTER_PROMETHEUS_PORT": "9464"}},
                "prometheus": {"ports": ["127.0.0.1:9090:9090"]},
                "jaeger": {"ports": ["127.0.0.1:16686:16686"]},
                "alertmanager": {"ports": ["127.0.0.1:9093:9093"]},
                "grafana": {"environment": {"HOOK": "x"}, "volumes": ["../d:/dashboards:ro"]}
            }}),
        ),
        (
            "deploy/prometheus/prometheus.yml",
            json!({"scrape_configs": [{"job_name": "tta-app"}]}),
        ),
        (
            PROMETHEUS,
            json!({
                "alerting": {"alertmanagers": [{"static_configs": targets("alertmanager:9093")}]},
                "scrape_configs": [
                    {"job_name": "tta-app", "static_configs": targets("app:9464")},
                    {"job_name": "self", "static_configs": targets("localhost:9090")}
                ]
            }),
        ),
        (
            SOURCES,
            json!({"apiVersion": 1, "datasources": [
                {"uid": "p", "type": "prometheus", "url": "http://prometheus:9090",
                 "jsonData": {"exemplarTraceIdDestinations": [{"name": "trace_id", "datasourceUid": "j"}]}},
                {"uid": "j", "type": "jaeger", "url": "http://jaeger:16686",
                 "jsonData": {"tracesToMetrics": {"datasourceUid": "p", "queries": [{"query": "x{$$__tags}"}]}}}
            ]}),
        ),
        (
            FOLDERS,
            json!({"apiVersion": 1, "providers": [{"options": {"path": "/dashboards"}}]}),
        ),
        (
            POINTS,
            json!({"apiVersion": 1, "contactPoints": [{"url": "$HOOK"}]}),
        ),
    ]
}

#[test]
fn services_that_find_each_other_are_fine() {
    assert_eq!(wrong(&Documents::of(&files())), Vec::<String>::new());
}

#[test]
fn each_fault_between_them_is_named() {
    for (path, pointer, value, named) in [
        (
            PROMETHEUS,
            "/scrape_configs/0/static_configs/0/targets",
            json!(["app:9465"]),
            "app:9465",
        ),
        (
            PROMETHEUS,
            "/scrape_configs/0/job_name",
            json!("app"),
            "two names",
        ),
        (
            PROMETHEUS,
            "/alerting/alertmanagers/0/static_configs/0/targets",
            json!(["localhost:9093"]),
            "localhost:9093",
        ),
        (
            SOURCES,
            "/datasources/1/url",
            json!("http://localhost:16686"),
            "localhost:16686",
        ),
        (
            SOURCES,
            "/datasources/1/uid",
            json!("x"),
            "no data source j",
        ),
        (
            SOURCES,
            "/datasources/1/uid",
            json!("p"),
            "a uid of its own",
        ),
        (
            SOURCES,
            "/datasources/0/jsonData/exemplarTraceIdDestinations/0/name",
            json!("traceID"),
            "no exemplar",
        ),
        (
            FOLDERS,
            "/providers/0/options/path",
            json!("/elsewhere"),
            "/elsewhere",
        ),
        (FOLDERS, "/apiVersion", json!(2), "apiVersion"),
        (POINTS, "/contactPoints/0/url", json!("$HOK"), "$HOK"),
    ] {
        let mut files = files();
        let file = files.iter_mut().find(|(of, _)| *of == path).unwrap();
        *file.1.pointer_mut(pointer).unwrap() = value;
        let found = wrong(&Documents::of(&files));
        assert!(
            found.iter().any(|found| found.contains(named)),
            "{pointer}: {found:?}"
        );
    }
}
