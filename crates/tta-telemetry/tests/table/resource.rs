//! What is said of the process.

use crate::row::Row;

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = stated();
    rows.extend(in_kubernetes());
    rows
}

/// What is found out, and what variables say over it.
fn stated() -> Vec<Row> {
    vec![
        Row::new(&[("OTEL_METRICS_EXPORTER", "prometheus,otlp")]).sees(|seen| {
            let text = |key| seen.resource_text(key);
            assert_eq!(text("service.name").unwrap(), "table");
            assert_eq!(text("service.instance.id").unwrap().len(), 36);
            assert_eq!(text("host.arch").unwrap(), arch());
            assert!(!text("host.name").unwrap().is_empty());
            assert_eq!(text("os.type").unwrap(), "linux");
            assert_eq!(text("process.runtime.name").unwrap(), "rustc");
            assert!(text("process.runtime.version").unwrap().starts_with("1."));
            assert!(
                text("process.executable.name")
                    .unwrap()
                    .starts_with("table-")
            );
            // No argument of the command is said.
            assert!(!text("process.command").unwrap().contains("--exact"));
            assert!(text("process.pid").unwrap().starts_with("IntValue("));
            assert_eq!(text("deployment.environment.name").unwrap(), "development");
            assert_eq!(text("telemetry.sdk.language").unwrap(), "rust");

            // Every signal says the same.
            let spans = seen.receiver.spans();
            let (logs, metrics) = (seen.receiver.logs(), seen.receiver.metrics());
            assert_eq!(spans[0].resource, logs[0].resource);
            assert_eq!(spans[0].resource, metrics[0].resource);

            // `target_info` says what tells processes apart.
            let info = line(&seen.text_page, "target_info{");
            for label in [
                "service_instance_id=",
                "host_name=",
                "service_name=\"table\"",
            ] {
                assert!(info.contains(label), "{info}");
            }
            for label in ["process_pid", "process_command", "os_description"] {
                assert!(!info.contains(label), "{info}");
            }
        }),
        Row::new(&[("OTEL_SERVICE_NAME", "billing")]).sees(|seen| {
            assert_eq!(seen.resource_text("service.name").unwrap(), "billing");
            let info = line(&seen.text_page, "target_info{");
            assert!(info.contains("service_name=\"billing\""), "{info}");
            assert!(seen.lines().iter().all(|line| line["service"] == "billing"));
        }),
        // Stated attributes go over what is found out, and the name's own variable over them.
        Row::new(&[
            (
                "OTEL_RESOURCE_ATTRIBUTES",
                "host.name=mine,service.name=other,service.version=1.2%2B3,cloud.region=eu",
            ),
            ("OTEL_SERVICE_NAME", "billing"),
        ])
        .sees(|seen| {
            let text = |key| seen.resource_text(key).unwrap();
            assert_eq!(text("host.name"), "mine");
            assert_eq!(text("service.name"), "billing");
            assert_eq!(text("service.version"), "1.2+3");
            let info = line(&seen.text_page, "target_info{");
            assert!(info.contains("cloud_region=\"eu\""), "{info}");
        }),
        Row::new(&[("OTEL_RESOURCE_ATTRIBUTES", "novalue")]).sees(|seen| {
            assert_eq!(seen.count("setting_ignored"), 1);
            assert_eq!(seen.resource_text("service.name").unwrap(), "table");
        }),
        Row::new(&[("ENVIRONMENT", "Production")]).sees(|seen| {
            let name = seen.resource_text("deployment.environment.name");
            assert_eq!(name.unwrap(), "production");
        }),
        Row::new(&[
            ("ENVIRONMENT", "staging"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=qa"),
        ])
        .sees(|seen| {
            let name = seen.resource_text("deployment.environment.name");
            assert_eq!(name.unwrap(), "qa");
        }),
    ]
}

/// What the downward API says.
fn in_kubernetes() -> Vec<Row> {
    vec![
        Row::new(&[
            ("K8S_CLUSTER_NAME", "c"),
            ("K8S_NAMESPACE_NAME", "ns"),
            ("K8S_NODE_NAME", "n"),
            ("K8S_POD_NAME", "p"),
            ("K8S_POD_UID", "u"),
            ("K8S_CONTAINER_NAME", "main"),
            ("K8S_DEPLOYMENT_NAME", "d"),
        ])
        .sees(|seen| {
            for (key, value) in [
                ("k8s.cluster.name", "c"),
                ("k8s.namespace.name", "ns"),
                ("k8s.node.name", "n"),
                ("k8s.pod.name", "p"),
                ("k8s.pod.uid", "u"),
                ("k8s.container.name", "main"),
                ("k8s.deployment.name", "d"),
            ] {
                assert_eq!(seen.resource_text(key).as_deref(), Some(value), "{key}");
            }
            let info = line(&seen.text_page, "target_info{");
            assert!(info.contains("k8s_pod_name=\"p\""), "{info}");
        }),
        // Inside a pod the names without a prefix count too, outside they may mean something else.
        Row::new(&[
            ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
            ("K8S_NAMESPACE", "ns"),
            ("NODE_NAME", "n"),
            ("POD_NAME", "p"),
            ("POD_UID", "u"),
            ("CONTAINER_NAME", "main"),
        ])
        .sees(|seen| {
            let text = |key| seen.resource_text(key);
            assert_eq!(text("k8s.namespace.name").unwrap(), "ns");
            assert_eq!(text("k8s.node.name").unwrap(), "n");
            assert_eq!(text("k8s.pod.name").unwrap(), "p");
            assert_eq!(text("k8s.pod.uid").unwrap(), "u");
            assert_eq!(text("k8s.container.name").unwrap(), "main");
        }),
        Row::new(&[
            ("NODE_NAME", "jenkins"),
            ("POD_NAME", "p"),
            ("POD_NAMESPACE", "ns"),
        ])
        .sees(|seen| {
            for key in ["k8s.node.name", "k8s.pod.name", "k8s.namespace.name"] {
                assert_eq!(seen.resource_text(key), None, "{key}");
            }
        }),
        Row::new(&[
            ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
            ("POD_NAMESPACE", "ns"),
        ])
        .sees(|seen| {
            let namespace = seen.resource_text("k8s.namespace.name");
            assert_eq!(namespace.unwrap(), "ns");
        }),
    ]
}

/// The line of a page that begins so.
#[track_caller]
pub(crate) fn line(page: &str, begin: &str) -> String {
    let found = page.lines().find(|line| line.starts_with(begin));
    found
        .unwrap_or_else(|| panic!("no line begins with {begin}:\n{page}"))
        .to_owned()
}

fn arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}
