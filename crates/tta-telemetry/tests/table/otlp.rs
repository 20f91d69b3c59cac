//! Where each signal goes over OTLP, and how: by the general variable and by its own.

use tta_testkit::otlp::{Protocol, ReceivedRequest, Reply, Signal};

use crate::row::{Row, Seen};

const SIGNALS: [(&str, &str, Signal); 3] = [
    ("TRACES", "/v1/traces", Signal::Traces),
    ("METRICS", "/v1/metrics", Signal::Metrics),
    ("LOGS", "/v1/logs", Signal::Logs),
];

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = general();
    rows.extend(refused());
    for (name, path, signal) in SIGNALS {
        rows.extend(of_signal(name, path, signal));
        rows.extend(files_of_signal(name, signal));
    }
    rows
}

/// One variable for all signals.
fn general() -> Vec<Row> {
    vec![
        // Without an endpoint nothing leaves the process.
        Row::new(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
            ("OTEL_METRICS_EXPORTER", "otlp"),
        ])
        .sees(|seen| assert_eq!(seen.receiver.request_count(), 0)),
        Row::new(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "{http}"),
            ("OTEL_METRICS_EXPORTER", "otlp"),
        ])
        .sees(|seen| {
            for (name, _, signal) in SIGNALS {
                let requests = of(seen, signal);
                assert!(!requests.is_empty(), "{name}");
                assert!(requests.iter().all(|it| it.protocol == Protocol::Http));
            }
        }),
        Row::new(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "{grpc}"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            (
                "OTEL_EXPORTER_OTLP_HEADERS",
                "api-key=secret%20value,tenant=t",
            ),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            ("OTEL_METRICS_EXPORTER", "otlp"),
        ])
        .sees(|seen| {
            for (name, _, signal) in SIGNALS {
                let requests = of(seen, signal);
                assert!(!requests.is_empty(), "{name}");
                for request in requests {
                    assert_eq!(request.protocol, Protocol::Grpc);
                    assert_eq!(request.header("api-key"), Some("secret value"));
                    assert_eq!(request.header("tenant"), Some("t"));
                    assert_eq!(request.header("grpc-encoding"), Some("gzip"));
                }
            }
        }),
    ]
}

/// What cannot be used, and what must not be used instead.
fn refused() -> Vec<Row> {
    vec![
        Row::new(&[("OTEL_EXPORTER_OTLP_HEADERS", "no-value")]).sees(|seen| {
            assert_eq!(seen.count("setting_ignored"), 1);
            assert!(!seen.output().contains("no-value"), "it may be secret");
            assert_eq!(seen.spans("work.execute").len(), 1);
        }),
        Row::new(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "{address}"),
            ("OTEL_EXPORTER_OTLP_INSECURE", "true"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ])
        .sees(|seen| assert_eq!(seen.spans("work.execute").len(), 1)),
        // Without the word it is TLS, and never in clear instead.
        Row::new(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "{address}"),
            ("OTEL_EXPORTER_OTLP_INSECURE", "false"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("TTA_SHUTDOWN_TIMEOUT", "300"),
        ])
        .sees(|seen| assert_eq!(seen.receiver.request_count(), 0)),
        Row::new(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317")]).sees(|seen| {
            assert_eq!(seen.receiver.request_count(), 0);
            assert!(
                seen.output().contains("it has no scheme"),
                "{}",
                seen.output()
            );
        }),
        Row::new(&[
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "40"),
            ("OTEL_BSP_SCHEDULE_DELAY", "20"),
            ("TTA_SHUTDOWN_TIMEOUT", "100"),
        ])
        .replying(Reply::Hang)
        .until(|seen| seen.health.contains("no answer within 40 ms"))
        .sees(|_| ()),
        // Files that cannot be read are named, and nothing goes out without them.
        Row::new(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://{address}"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/ca.pem"),
            ("TTA_SHUTDOWN_TIMEOUT", "100"),
        ])
        .until(|seen| {
            let health: serde_json::Value = serde_json::from_str(&seen.health).unwrap_or_default();
            let reason = health["parts"]["traces"]["reason"].as_str();
            reason.is_some_and(|reason| reason.contains("/nowhere/ca.pem"))
        })
        .sees(|seen| assert_eq!(seen.receiver.request_count(), 0)),
        Row::new(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://{address}"),
            (
                "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
                "/nowhere/client.pem",
            ),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/nowhere/client.key"),
            ("TTA_SHUTDOWN_TIMEOUT", "100"),
        ])
        .until(|seen| {
            let health: serde_json::Value = serde_json::from_str(&seen.health).unwrap_or_default();
            let reason = health["parts"]["traces"]["reason"].as_str();
            reason.is_some_and(|reason| reason.contains("/nowhere/client."))
        })
        .sees(|seen| assert_eq!(seen.receiver.request_count(), 0)),
        // A backend that asks who calls, and is vouched for by an authority of our own.
        Row::new(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "{tls}"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "{ca}"),
            ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "{certificate}"),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "{key}"),
            ("OTEL_METRICS_EXPORTER", "otlp"),
            ("TTA_SHUTDOWN_TIMEOUT", "30000"),
        ])
        .sees(|seen| {
            for (name, _, signal) in SIGNALS {
                assert!(!of(seen, signal).is_empty(), "{name}\n{}", seen.output());
            }
        }),
        Row::new(&[("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/nowhere/client.key")]).sees(|seen| {
            assert!(
                seen.output().contains("belong together"),
                "{}",
                seen.output()
            );
        }),
    ]
}

/// The signal's own variables, each against a general one that says otherwise.
fn of_signal(name: &'static str, path: &'static str, signal: Signal) -> Vec<Row> {
    let own = |what: &str| format!("OTEL_EXPORTER_OTLP_{name}_{what}");
    let here = format!("{{http}}{path}");
    let row = with_metrics;
    vec![
        row(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "{closed}"),
            ("TTA_SHUTDOWN_TIMEOUT", "500"),
            (&own("ENDPOINT"), &here),
        ])
        .sees(move |seen| {
            let signals: Vec<_> = seen.receiver.requests();
            assert!(!signals.is_empty());
            assert!(signals.iter().all(|request| request.signal() == signal));
        }),
        row(&[
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
            (&own("PROTOCOL"), "grpc"),
            (&own("ENDPOINT"), "{grpc}"),
        ])
        .sees(move |seen| {
            for request in seen.receiver.requests() {
                let is_grpc = request.protocol == Protocol::Grpc;
                assert_eq!(is_grpc, request.signal() == signal);
            }
            assert!(!of(seen, signal).is_empty());
        }),
        row(&[
            ("OTEL_EXPORTER_OTLP_HEADERS", "from=general"),
            (&own("HEADERS"), "from=own"),
            ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
            (&own("COMPRESSION"), "none"),
        ])
        .sees(move |seen| {
            for request in seen.receiver.requests() {
                let is_own = request.signal() == signal;
                let (from, encoding) = if is_own {
                    ("own", None)
                } else {
                    ("general", Some("gzip"))
                };
                assert_eq!(request.header("from"), Some(from));
                assert_eq!(request.header("content-encoding"), encoding);
            }
            assert!(!of(seen, signal).is_empty());
        }),
        row(&[
            (&own("TIMEOUT"), "40"),
            ("OTEL_BSP_SCHEDULE_DELAY", "20"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "20"),
            ("OTEL_METRIC_EXPORT_INTERVAL", "50"),
            ("OTEL_METRICS_EXPORTER", "prometheus,otlp"),
            ("TTA_SHUTDOWN_TIMEOUT", "100"),
        ])
        .replying(Reply::Hang)
        .until(move |seen| {
            let health: serde_json::Value = serde_json::from_str(&seen.health).unwrap_or_default();
            let reason = &health["parts"][part(signal)]["reason"];
            let reason = reason.as_str().unwrap_or_default();
            reason.contains("no answer within 40 ms")
        })
        .sees(|_| ()),
        row(&[
            ("OTEL_EXPORTER_OTLP_INSECURE", "false"),
            (&own("INSECURE"), "true"),
            (&own("ENDPOINT"), "{address}"),
            (&own("PROTOCOL"), "grpc"),
        ])
        .sees(move |seen| assert!(!of(seen, signal).is_empty(), "{}", seen.output())),
    ]
}

/// The signal's own files of TLS, and files that cannot be read.
fn files_of_signal(name: &'static str, signal: Signal) -> Vec<Row> {
    let own = |what: &str| format!("OTEL_EXPORTER_OTLP_{name}_{what}");
    vec![
        // Its own files go before those of all, which are none.
        with_metrics(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "{tls}"),
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            ("OTEL_EXPORTER_OTLP_CERTIFICATE", "/nowhere/ca.pem"),
            ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", "/nowhere/c.pem"),
            ("OTEL_EXPORTER_OTLP_CLIENT_KEY", "/nowhere/c.key"),
            (&own("CERTIFICATE"), "{ca}"),
            (&own("CLIENT_CERTIFICATE"), "{certificate}"),
            (&own("CLIENT_KEY"), "{key}"),
            ("TTA_SHUTDOWN_TIMEOUT", "30000"),
        ])
        .sees(move |seen| {
            let requests = seen.receiver.requests();
            assert!(!requests.is_empty(), "{}", seen.output());
            assert!(requests.iter().all(|request| request.signal() == signal));
        }),
        with_metrics(&[
            (&own("ENDPOINT"), "https://{address}"),
            (&own("CERTIFICATE"), "/nowhere/own-ca.pem"),
            ("TTA_SHUTDOWN_TIMEOUT", "300"),
        ])
        .until(|seen| degraded(seen).contains("/nowhere/own-ca.pem"))
        .sees(move |seen| assert!(of(seen, signal).is_empty())),
        with_metrics(&[
            (&own("ENDPOINT"), "https://{address}"),
            (&own("CLIENT_KEY"), "/nowhere/own.key"),
            (&own("CLIENT_CERTIFICATE"), "/nowhere/own.pem"),
            ("TTA_SHUTDOWN_TIMEOUT", "300"),
        ])
        .until(|seen| degraded(seen).contains("/nowhere/own."))
        .sees(move |seen| assert!(of(seen, signal).is_empty())),
    ]
}

/// A row in which metrics go over OTLP too.
fn with_metrics(variables: &[(&str, &str)]) -> Row {
    let mut all = vec![("OTEL_METRICS_EXPORTER", "otlp")];
    all.extend_from_slice(variables);
    Row::new(&all)
}

fn of(seen: &Seen, signal: Signal) -> Vec<ReceivedRequest> {
    let requests = seen.receiver.requests().into_iter();
    requests
        .filter(|request| request.signal() == signal)
        .collect()
}

fn part(signal: Signal) -> &'static str {
    match signal {
        Signal::Metrics => "metrics_otlp",
        Signal::Logs => "logs_otlp",
        _ => "traces",
    }
}

/// What was said of parts that do not work.
fn degraded(seen: &Seen) -> String {
    let lines = seen.lines();
    let lines = lines
        .iter()
        .filter(|line| line["message"] == "telemetry_degraded");
    lines.map(ToString::to_string).collect()
}
