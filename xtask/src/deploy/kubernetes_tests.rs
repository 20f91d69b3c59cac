//! Each rule on the manifests, seen red.

use serde_json::json;

use super::*;

fn objects() -> Vec<Value> {
    let probe = |path: &str| json!({"httpGet": {"path": path, "port": "metrics"}});
    let field = |name: &str, path: &str| json!({"name": name, "valueFrom": {"fieldRef": {"fieldPath": path}}});
    let deployment = json!({"kind": "Deployment", "spec": {
        "selector": {"matchLabels": {"app": "a"}},
        "template": {
            "metadata": {"labels": {"app": "a", "part": "b"}, "annotations": {}},
            "spec": {
                "terminationGracePeriodSeconds": 30,
                "securityContext": {"runAsNonRoot": true},
                "containers": [{
                    "image": "a:1.0.0",
                    "ports": [{"name": "metrics", "containerPort": 9464}],
                    "env": [
                        {"name": "OTEL_EXPORTER_PROMETHEUS_HOST", "value": "0.0.0.0"},
                        {"name": "OTEL_EXPORTER_PROMETHEUS_PORT", "value": "9464"},
                        {"name": "TTA_SHUTDOWN_TIMEOUT", "value": "5000"},
                        field("K8S_NAMESPACE_NAME", "metadata.namespace"),
                        field("K8S_POD_NAME", "metadata.name"),
                        field("K8S_POD_UID", "metadata.uid"),
                        field("K8S_NODE_NAME", "spec.nodeName"),
                    ],
                    "livenessProbe": probe("/health/live"),
                    "readinessProbe": probe("/health/ready"),
                    "startupProbe": probe("/health/live"),
                    "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
                    "resources": {"requests": {"cpu": "1", "memory": "1"}, "limits": {"memory": "1"}},
                    "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true}
                }]
            }
        }
    }});
    let service = json!({"kind": "Service", "spec": {
        "selector": {"app": "a"}, "ports": [{"port": 9464, "targetPort": "metrics"}]}});
    let monitor = json!({"kind": "PodMonitor", "apiVersion": "monitoring.coreos.com/v1", "spec": {
        "selector": {"matchLabels": {"app": "a"}},
        "podMetricsEndpoints": [{"port": "metrics", "path": "/metrics"}]}});
    vec![deployment, service, monitor]
}

const CONTAINER: &str = "/spec/template/spec/containers/0";

/// The objects with one place of one of them changed.
fn set(object: usize, pointer: &str, value: Value) -> Vec<Value> {
    let mut objects = objects();
    let place = objects.get_mut(object).unwrap().pointer_mut(pointer);
    *place.unwrap_or_else(|| panic!("nothing at {pointer}")) = value;
    objects
}

#[test]
fn manifests_as_they_should_be_are_fine() {
    assert_eq!(wrong(&objects()), Vec::<String>::new());
    assert!(variables(&objects()).any(|name| name == "TTA_SHUTDOWN_TIMEOUT"));
}

#[test]
fn each_fault_of_the_deployment_is_named() {
    let of_container = |field: &str| format!("{CONTAINER}{field}");
    for (pointer, value, named) in [
        (of_container("/image"), json!("a"), "not pinned"),
        (
            "/spec/template/spec/securityContext".to_owned(),
            json!({}),
            "root",
        ),
        (
            of_container("/securityContext/readOnlyRootFilesystem"),
            json!(false),
            "root",
        ),
        (
            of_container("/resources/limits"),
            json!({}),
            "what it needs",
        ),
        (
            of_container("/livenessProbe/httpGet/port"),
            json!("http"),
            "livenessProbe",
        ),
        (
            of_container("/readinessProbe/httpGet/path"),
            json!("/"),
            "readinessProbe",
        ),
        (of_container("/env/0/value"), json!("localhost"), "reach it"),
        (of_container("/env/1/value"), json!("9465"), "differ"),
        (of_container("/env/6/valueFrom"), json!({}), "K8S_NODE_NAME"),
        (of_container("/env/2/value"), json!("25000"), "killed after"),
        (
            "/spec/template/spec/terminationGracePeriodSeconds".to_owned(),
            json!(10),
            "killed after",
        ),
    ] {
        let found = wrong(&set(0, &pointer, value));
        assert_eq!(found.len(), 1, "{pointer}: {found:?}");
        assert!(found[0].contains(named), "{found:?}");
    }
}

#[test]
fn each_fault_between_the_objects_is_named() {
    for (object, pointer, value, named) in [
        (
            0,
            "/spec/selector/matchLabels",
            json!({"app": "x"}),
            "the Deployment selects",
        ),
        (
            1,
            "/spec/selector",
            json!({"app": "x"}),
            "the Service selects",
        ),
        (
            2,
            "/spec/selector/matchLabels",
            json!({}),
            "the PodMonitor selects",
        ),
        (
            1,
            "/spec/ports/0/targetPort",
            json!("http"),
            "leads to no port",
        ),
        (
            2,
            "/spec/podMetricsEndpoints/0/port",
            json!("http"),
            "does not scrape",
        ),
        (2, "/spec/podMetricsEndpoints", json!([]), "scrapes nothing"),
        (
            2,
            "/apiVersion",
            json!("monitoring.coreos.com/v2"),
            "unknown version",
        ),
    ] {
        let found = wrong(&set(object, pointer, value));
        assert_eq!(found.len(), 1, "{pointer}: {found:?}");
        assert!(found[0].contains(named), "{found:?}");
    }
    let mut strange = objects();
    strange[2]["spec"]["endpoints"] = json!([]);
    strange[2]["spec"]["podMetricsEndpoints"][0]["targetport"] = json!(1);
    assert_eq!(wrong(&strange).len(), 2, "{:?}", wrong(&strange));
}

#[test]
fn both_ways_of_being_scraped_are_counted() {
    let annotations = "/spec/template/metadata/annotations";
    let annotated = set(0, annotations, json!({"prometheus.io/scrape": "true"}));
    assert_eq!(scrapes(&objects()), 1);
    assert_eq!(scrapes(&objects()[..2]), 0);
    assert_eq!(scrapes(&annotated[..2]), 1);
    assert_eq!(scrapes(&annotated), 2);
    let mut service = objects();
    service[1]["metadata"] = json!({"annotations": {"prometheus.io/scrape": "true"}});
    assert_eq!(scrapes(&service), 2);
    for (key, value) in [("prometheus.io/port", "80"), ("prometheus.io/path", "/")] {
        let found = wrong(&set(0, annotations, json!({key: value})));
        assert_eq!(found.len(), 1, "{found:?}");
    }
}
