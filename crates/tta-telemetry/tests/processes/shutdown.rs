//! A shutdown of all three signals at once, under the deadline that holds by default.

use std::time::Duration;

use tta_core::{Level, LogField, LogRecord, LogSpec, log_globally};
use tta_telemetry::{DropReason, ObservabilityConfig, Protocol, ShutdownReport, SignalReport};
use tta_testkit::faults::report;
use tta_testkit::network::{BlackHole, ClosedPort};
use tta_testkit::otlp::{OtlpReceiver, Reply};

use super::support::{SPANS, alone, run_workflows, timed};

static SPOKEN: LogSpec = LogSpec {
    name: "spoken",
    help: "What a test says.",
    fields: &["reason"],
};

const LIMIT: Duration = Duration::from_millis(2_100);
const WORKFLOWS: usize = 20;

/// Has spans, values and lines wait for this backend, and shuts down.
fn shutdown_of_all(endpoint: String, protocol: Protocol) -> (ShutdownReport, Duration) {
    let guard = ObservabilityConfig::from_env_with("all", |name| match name {
        "OTEL_METRICS_EXPORTER" => Some("otlp".to_owned()),
        "OTEL_BLRP_SCHEDULE_DELAY" => Some("600000".to_owned()),
        _ => None,
    })
    .with_otlp_endpoint(endpoint)
    .with_otlp_protocol(protocol)
    .with_batch_delay(Duration::from_mins(10))
    .init();
    run_workflows(WORKFLOWS);
    for _ in 0..5 {
        let fields = [LogField::new("reason", "a test")];
        log_globally(&LogRecord::new(&SPOKEN, Level::Info, &fields));
    }
    let (stopped, took) = timed(|| guard.shutdown());
    for (signal, account) in stopped.ledger.signals() {
        assert!(account.is_balanced(), "{signal}: {account:?}");
        assert_eq!((account.queued, account.in_flight), (0, 0), "{signal}");
        assert!(account.created > 0, "{signal}");
    }
    let [all, traces, metrics, logs] = [
        stopped.ledger.all(),
        stopped.ledger.traces,
        stopped.ledger.metrics,
        stopped.ledger.logs,
    ];
    assert_eq!(all.created, traces.created + metrics.created + logs.created);
    assert_eq!(traces.created, WORKFLOWS as u64 * SPANS);
    assert!(logs.created >= 5, "{logs:?}");
    (stopped, took)
}

/// A shutdown at which nothing can be delivered says so, of each signal.
fn nothing_arrives(part: &str, endpoint: String, protocol: Protocol) {
    let _alone = alone();
    let (stopped, took) = shutdown_of_all(endpoint, protocol);
    let each = [
        (stopped.traces, stopped.ledger.traces),
        (stopped.metrics, stopped.ledger.metrics),
        (stopped.logs, stopped.ledger.logs),
    ];
    for (said, account) in each {
        assert_eq!(account.delivered, 0, "{part}: {stopped:?}");
        assert_eq!(account.dropped(), account.created, "{part}: {stopped:?}");
        assert_eq!(said.delivered, 0);
        assert_eq!(said.left, account.dropped_for(DropReason::Shutdown));
        assert_eq!(
            said.left + said.dropped,
            account.created,
            "{part}: {stopped:?}"
        );
    }
    let all = [stopped.traces, stopped.metrics, stopped.logs];
    let lost = |report: SignalReport| report.left + report.dropped;
    let sum: u64 = all.into_iter().map(lost).sum();
    assert_eq!(stopped.left + stopped.dropped, sum);
    let error = stopped.result().unwrap_err().to_string();
    assert!(error.contains(&sum.to_string()), "{error}");
    report(
        22,
        &format!("all three signals, the collector {part}"),
        "<= 2.1 s of a deadline of 2 s, a truthful report",
        format!("{took:.2?}, {sum} lost of {}", stopped.ledger.all().created),
        took <= LIMIT,
    );
}

#[test]
fn fault_22_a_shutdown_of_all_signals_keeps_the_deadline_when_the_collector_refuses() {
    let closed = ClosedPort::reserve().unwrap();
    nothing_arrives("refuses", closed.endpoint(), Protocol::Grpc);
    nothing_arrives(
        "refuses, over HTTP",
        closed.endpoint(),
        Protocol::HttpProtobuf,
    );
}

#[test]
fn fault_22_a_shutdown_of_all_signals_keeps_the_deadline_when_the_collector_hangs() {
    let hole = BlackHole::open().unwrap();
    nothing_arrives("hangs", hole.endpoint(), Protocol::Grpc);
    nothing_arrives("hangs, over HTTP", hole.endpoint(), Protocol::HttpProtobuf);
}

#[test]
fn fault_22_a_shutdown_of_all_signals_keeps_the_deadline_when_the_collector_is_unavailable() {
    for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
        let receiver = OtlpReceiver::start().unwrap();
        receiver.set_default(Reply::unavailable());
        let (part, endpoint) = if protocol == Protocol::Grpc {
            ("answers UNAVAILABLE", receiver.grpc_endpoint())
        } else {
            ("answers 503", receiver.http_endpoint())
        };
        nothing_arrives(part, endpoint, protocol);
    }
}

#[test]
fn a_shutdown_of_all_signals_delivers_each_and_says_how_much_of_it() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let (stopped, _) = shutdown_of_all(receiver.grpc_endpoint(), Protocol::Grpc);
    assert!(stopped.result().is_ok(), "{stopped:?}");
    let delivered = [stopped.traces, stopped.metrics, stopped.logs].map(|it| it.delivered);
    let accounts = [
        stopped.ledger.traces,
        stopped.ledger.metrics,
        stopped.ledger.logs,
    ];
    assert_eq!(delivered, accounts.map(|account| account.created));
    assert_eq!(stopped.delivered, delivered.iter().sum::<u64>());
    assert_eq!(stopped.traces.delivered, receiver.span_count() as u64);
    assert_eq!(stopped.logs.delivered, receiver.logs().len() as u64);
}
