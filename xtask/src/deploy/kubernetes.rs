//! The Kubernetes manifests as they are rendered, beyond their schema.

use serde_json::Value;

use super::documents::{entries, items, number, text};
use super::images;
use super::settings::SHUTDOWN_DEFAULT;

/// How often the pods of these objects are scraped: by a `PodMonitor`, by annotations, or by both.
pub(crate) fn scrapes(objects: &[Value]) -> usize {
    let annotated = |object: &Value, pointer: &str| {
        entries(object, pointer)
            .any(|(key, value)| key == "prometheus.io/scrape" && value == "true")
    };
    objects
        .iter()
        .filter(|object| match text(object, "/kind") {
            "PodMonitor" | "ServiceMonitor" => true,
            "Deployment" => annotated(object, "/spec/template/metadata/annotations"),
            _ => annotated(object, "/metadata/annotations"),
        })
        .count()
}

/// What is wrong with the objects, and between them.
pub(crate) fn wrong(objects: &[Value]) -> Vec<String> {
    let Some(deployment) = of_kind(objects, "Deployment").next() else {
        return vec!["there is no Deployment".to_owned()];
    };
    let mut wrong = wrong_deployment(deployment);
    let empty = Value::Null;
    let labels = deployment
        .pointer("/spec/template/metadata/labels")
        .unwrap_or(&empty);
    let selectors = [
        ("Deployment", "/spec/selector/matchLabels"),
        ("Service", "/spec/selector"),
        ("PodMonitor", "/spec/selector/matchLabels"),
    ];
    for (kind, pointer) in selectors {
        for object in of_kind(objects, kind) {
            let selected =
                entries(object, pointer).all(|(key, value)| labels.get(key) == Some(value));
            if !selected || entries(object, pointer).next().is_none() {
                wrong.push(format!(
                    "the {kind} selects other pods than the Deployment's"
                ));
            }
        }
    }
    let (name, port) = metrics_port(deployment);
    for service in of_kind(objects, "Service") {
        if !items(service, "/spec/ports").all(|port| text(port, "/targetPort") == name) {
            wrong.push("a port of the Service leads to no port of the container".to_owned());
        }
    }
    for monitor in of_kind(objects, "PodMonitor") {
        wrong.extend(wrong_monitor(monitor, name));
    }
    let annotations = "/spec/template/metadata/annotations";
    for (key, value) in entries(deployment, annotations) {
        let is_right = match key {
            "prometheus.io/port" => number(value) == port,
            "prometheus.io/path" => value == "/metrics",
            _ => true,
        };
        if !is_right {
            wrong.push(format!("the annotation {key} is {value}"));
        }
    }
    wrong
}

/// The variables that the pods are given.
pub(crate) fn variables(objects: &[Value]) -> impl Iterator<Item = &str> {
    let deployments = of_kind(objects, "Deployment");
    deployments.flat_map(|deployment| {
        let env = items(deployment, "/spec/template/spec/containers/0/env");
        env.map(|variable| text(variable, "/name"))
    })
}

fn wrong_deployment(deployment: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let pod = deployment
        .pointer("/spec/template/spec")
        .unwrap_or(&Value::Null);
    let container = pod.pointer("/containers/0").unwrap_or(&Value::Null);
    let mut needs = |is_right: bool, what: &str| {
        if !is_right {
            wrong.push(what.to_owned());
        }
    };
    let is = |value: &Value, pointer: &str, wanted: bool| {
        value.pointer(pointer) == Some(&Value::Bool(wanted))
    };
    needs(
        images::is_pinned(text(container, "/image")),
        "the image is not pinned",
    );
    needs(
        is(pod, "/securityContext/runAsNonRoot", true)
            && is(
                container,
                "/securityContext/allowPrivilegeEscalation",
                false,
            )
            && is(container, "/securityContext/readOnlyRootFilesystem", true),
        "it runs as root, may become so, or may write to its image",
    );
    let resources = ["/requests/cpu", "/requests/memory", "/limits/memory"];
    let has = |field: &&str| container.pointer(&format!("/resources{field}")).is_some();
    needs(resources.iter().all(has), "it does not say what it needs");
    let (name, port) = metrics_port(deployment);
    for (probe, path) in [
        ("livenessProbe", "/health/live"),
        ("readinessProbe", "/health/ready"),
        ("startupProbe", "/health/live"),
    ] {
        let get = format!("/{probe}/httpGet");
        let is_right = text(container, &format!("{get}/path")) == path
            && text(container, &format!("{get}/port")) == name;
        needs(
            is_right,
            &format!("the {probe} does not ask {path} of the port `{name}`"),
        );
    }
    let variable = |name: &str| {
        items(container, "/env")
            .find(|variable| text(variable, "/name") == name)
            .unwrap_or(&Value::Null)
    };
    let value = |name: &str| variable(name).get("value").unwrap_or(&Value::Null);
    needs(
        value("OTEL_EXPORTER_PROMETHEUS_HOST") == "0.0.0.0",
        "neither Prometheus nor the probes reach it",
    );
    needs(
        number(value("OTEL_EXPORTER_PROMETHEUS_PORT")) == port,
        "OTEL_EXPORTER_PROMETHEUS_PORT and the container's port differ",
    );
    for (name, field) in DOWNWARD {
        let found = text(variable(name), "/valueFrom/fieldRef/fieldPath");
        needs(found == field, &format!("{name} is not {field} of the pod"));
    }
    let flush = number(value("TTA_SHUTDOWN_TIMEOUT")).unwrap_or(SHUTDOWN_DEFAULT);
    let pause = container.pointer("/lifecycle/preStop/sleep/seconds");
    let pause = pause.and_then(number).unwrap_or(0) * 1_000;
    let grace = pod
        .pointer("/terminationGracePeriodSeconds")
        .and_then(number);
    let grace = grace.unwrap_or(30) * 1_000;
    needs(
        grace > pause + flush,
        &format!(
            "it is killed after {grace} ms, pauses for {pause} ms and may flush for {flush} ms"
        ),
    );
    wrong
}

/// There is no schema of it among those of Kubernetes.
fn wrong_monitor(monitor: &Value, port: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    if text(monitor, "/apiVersion") != "monitoring.coreos.com/v1" {
        wrong.push("the PodMonitor is of an unknown version".to_owned());
    }
    let known = [
        "selector",
        "namespaceSelector",
        "podMetricsEndpoints",
        "jobLabel",
        "podTargetLabels",
    ];
    let strange = entries(monitor, "/spec").filter(|(field, _)| !known.contains(field));
    wrong.extend(strange.map(|(field, _)| format!("a PodMonitor has no `{field}`")));
    let mut endpoints = items(monitor, "/spec/podMetricsEndpoints").peekable();
    if endpoints.peek().is_none() {
        wrong.push("the PodMonitor scrapes nothing".to_owned());
    }
    for endpoint in endpoints {
        let known = [
            "port",
            "path",
            "interval",
            "scrapeTimeout",
            "scheme",
            "relabelings",
        ];
        let strange = entries(endpoint, "").filter(|(field, _)| !known.contains(field));
        wrong.extend(strange.map(|(field, _)| format!("an endpoint has no `{field}`")));
        if text(endpoint, "/port") != port || text(endpoint, "/path") != "/metrics" {
            wrong.push(format!(
                "the PodMonitor does not scrape /metrics of the port `{port}`"
            ));
        }
    }
    wrong
}

/// The name and number of the container's first port.
fn metrics_port(deployment: &Value) -> (&str, Option<u64>) {
    let port = deployment.pointer("/spec/template/spec/containers/0/ports/0");
    let port = port.unwrap_or(&Value::Null);
    (
        text(port, "/name"),
        port.get("containerPort").and_then(number),
    )
}

fn of_kind<'a>(objects: &'a [Value], kind: &str) -> impl Iterator<Item = &'a Value> {
    objects
        .iter()
        .filter(move |object| text(object, "/kind") == kind)
}

/// What the pod is told of itself.
const DOWNWARD: [(&str, &str); 4] = [
    ("K8S_NAMESPACE_NAME", "metadata.namespace"),
    ("K8S_POD_NAME", "metadata.name"),
    ("K8S_POD_UID", "metadata.uid"),
    ("K8S_NODE_NAME", "spec.nodeName"),
];

#[cfg(test)]
#[path = "kubernetes_tests.rs"]
mod tests;
