//! What the guide on troubleshooting quotes is what the status says.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::time::Duration;

use support::{alone, eventually, run_workflow};
use tta_telemetry::{ObservabilityConfig, ObservabilityGuard, State, is_prometheus_enabled};
use tta_testkit::network::ClosedPort;
use tta_testkit::otlp::{OtlpReceiver, Reply};

const GUIDE: &str = include_str!("../../../docs/guides/troubleshooting.md");

/// Telemetry under these variables, once a workflow has run.
fn telemetry(variables: &[(&'static str, String)]) -> ObservabilityGuard {
    let variables = variables.to_vec();
    let lookup = move |name: &str| {
        let found = variables.iter().find(|(variable, _)| *variable == name)?;
        Some(found.1.clone())
    };
    let guard = ObservabilityConfig::from_env_with("shop", lookup)
        .with_prometheus_port(0)
        .with_prometheus_host("127.0.0.1")
        .with_batch_delay(Duration::from_millis(5))
        .with_shutdown_timeout(Duration::from_millis(50))
        .with_logs(false)
        .init();
    run_workflow().unwrap();
    guard
}

/// Sees that a part says so, and that the guide has the same words.
fn says(guard: &ObservabilityGuard, part: &str, words: &str) {
    eventually(words, || {
        let status = guard.status();
        let reason = status.part(part).unwrap().reason.clone();
        reason.is_some_and(|reason| reason.contains(words))
    });
    assert!(GUIDE.contains(words), "{words}");
}

#[test]
fn what_is_wrong_with_traces_is_said_in_the_words_of_the_guide() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let closed = ClosedPort::reserve().unwrap();
    let (http, grpc) = (receiver.http_endpoint(), receiver.grpc_endpoint());
    let text = |text: &str| text.to_owned();
    let (endpoint, protocol) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_PROTOCOL");
    for (variables, words) in [
        (vec![], "no endpoint is set; nothing leaves the process"),
        (
            vec![
                (endpoint, http.clone()),
                ("OTEL_TRACES_EXPORTER", text("none")),
            ],
            "its exporters are without otlp",
        ),
        (
            vec![("OTEL_SDK_DISABLED", text("true"))],
            "all telemetry is switched off",
        ),
        (
            vec![(endpoint, text("localhost:4317"))],
            "it has no scheme; write it as http://host:port",
        ),
        (
            vec![(endpoint, text("http://ada:pw@localhost:4317"))],
            "it names a user; send credentials as headers instead",
        ),
        (vec![(endpoint, closed.endpoint())], "Connection refused"),
        (
            vec![(endpoint, grpc), (protocol, text("http/protobuf"))],
            "invalid HTTP version parsed",
        ),
    ] {
        let guard = telemetry(&variables);
        says(&guard, "traces", words);
    }
    let guard = telemetry(&[(endpoint, http.clone()), (protocol, text("grpc"))]);
    eventually("gRPC to a port of HTTP fails", || {
        guard.status().part("traces").unwrap().state == State::Degraded
    });
    drop(guard);
    for (status, words) in [
        (401, "HTTP status 401 Unauthorized"),
        (404, "HTTP status 404 Not Found"),
    ] {
        receiver.set_default(Reply::status(status, 2));
        says(&telemetry(&[(endpoint, http.clone())]), "traces", words);
    }
}

#[test]
fn a_sampler_that_keeps_nothing_is_seen_in_the_ledger() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let guard = telemetry(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.http_endpoint()),
        ("OTEL_TRACES_SAMPLER", "always_off".to_owned()),
    ]);
    assert_eq!(guard.status().part("traces").unwrap().state, State::Healthy);
    assert_eq!(guard.ledger().traces.created, 0);
}

#[test]
fn a_port_that_is_taken_is_said_and_is_no_prometheus() {
    let _alone = alone();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let guard = ObservabilityConfig::new("shop")
        .with_prometheus_host("127.0.0.1")
        .with_prometheus_port(taken.local_addr().unwrap().port())
        .with_logs(false)
        .init();
    says(&guard, "metrics", "the port is taken");
    assert!(!is_prometheus_enabled());
}

#[test]
fn a_level_that_is_off_is_said() {
    let _alone = alone();
    let guard = ObservabilityConfig::from_env_with("shop", |name| {
        (name == "RUST_LOG").then(|| "off".to_owned())
    })
    .with_prometheus(false)
    .init();
    says(&guard, "logs", "the level is off");
}
