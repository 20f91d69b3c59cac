//! How many lines telemetry writes about itself, seen on the standard output of a child process.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::process::{Command, Stdio};
use std::time::Duration;

use support::{Act, Scripted, eventually, run_workflow};
use tta_telemetry::{
    ExportError, ObservabilityConfig, SpanSink, State, is_prometheus_enabled,
    shutdown_observability,
};
use tta_testkit::network::ClosedPort;

/// The lines that a scenario, run in a process of its own, writes.
fn lines_of(scenario: &str) -> Vec<serde_json::Value> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "--nocapture",
            "a_scenario_runs_in_a_process_of_its_own",
        ])
        .env(SCENARIO, scenario)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    let lines = text.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Runs the scenario that the parent process asks for; the tests that ask look at what it writes.
#[test]
fn a_scenario_runs_in_a_process_of_its_own() {
    match std::env::var(SCENARIO).as_deref() {
        Ok("child_with_an_outage") => child_with_an_outage(),
        Ok("child_without_a_collector") => child_without_a_collector(),
        Ok("child_with_a_taken_port") => child_with_a_taken_port(),
        Ok("child_with_late_spans") => child_with_late_spans(),
        Ok("child_with_a_subscriber") => child_with_a_subscriber(),
        Ok(other) => panic!("there is no scenario {other}"),
        // Not a child: nobody asked for one.
        Err(_) => {}
    }
}

/// The variable that names the scenario of a child process.
const SCENARIO: &str = "TTA_TEST_SCENARIO";

fn count(lines: &[serde_json::Value], message: &str) -> usize {
    lines
        .iter()
        .filter(|line| line["message"] == message)
        .count()
}

fn config() -> ObservabilityConfig {
    ObservabilityConfig::new("child")
        .with_prometheus(false)
        .with_batch_delay(Duration::from_millis(5))
}

#[test]
fn an_outage_is_two_lines() {
    let lines = lines_of("child_with_an_outage");
    assert_eq!(count(&lines, "telemetry_degraded"), 1, "{lines:?}");
    assert_eq!(count(&lines, "telemetry_recovered"), 1, "{lines:?}");
    let executed = count(&lines, "workflow_executed");
    assert_eq!(executed, 20, "{lines:?}");
}

fn child_with_an_outage() {
    let sink = Scripted::new(|attempt| match attempt {
        0..5 => Act::Fail(ExportError::Unreachable {
            message: "gone".to_owned(),
        }),
        _ => Act::Take,
    });
    let guard = config()
        .with_span_sink(sink as std::sync::Arc<dyn SpanSink>)
        .init();
    for _ in 0..20 {
        run_workflow().unwrap();
    }
    assert!(guard.flush(Duration::from_secs(10)));
}

#[test]
fn a_collector_that_is_down_all_the_time_is_one_line_and_one_at_the_end() {
    let lines = lines_of("child_without_a_collector");
    assert_eq!(count(&lines, "telemetry_degraded"), 2, "{lines:?}");
    let last = lines
        .iter()
        .rfind(|line| line["message"] == "telemetry_degraded")
        .unwrap();
    assert!(
        last["reason"]
            .as_str()
            .unwrap()
            .contains("80 telemetry records"),
        "60 spans and 20 lines: {last}"
    );
}

fn child_without_a_collector() {
    let closed = ClosedPort::reserve().unwrap();
    let guard = config()
        .with_otlp_endpoint(closed.endpoint())
        .with_shutdown_timeout(Duration::from_millis(500))
        .init();
    for _ in 0..20 {
        run_workflow().unwrap();
    }
    eventually("it is noticed", || guard.status().state == State::Degraded);
    drop(guard);
}

#[test]
fn a_taken_port_and_bad_settings_are_a_line_each() {
    let lines = lines_of("child_with_a_taken_port");
    assert_eq!(count(&lines, "telemetry_degraded"), 1, "{lines:?}");
    assert_eq!(count(&lines, "setting_ignored"), 2, "{lines:?}");
}

fn child_with_a_taken_port() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let guard = ObservabilityConfig::from_env_with("child", |name| match name {
        "OTEL_BSP_SCHEDULE_DELAY" | "ENVIRONMENT" => Some("nonsense".to_owned()),
        _ => None,
    })
    .with_prometheus_port(taken.local_addr().unwrap().port())
    .init();
    assert!(!is_prometheus_enabled());
    drop(guard);
}

#[test]
fn late_spans_are_one_line() {
    let lines = lines_of("child_with_late_spans");
    assert_eq!(count(&lines, "late_spans"), 1, "{lines:?}");
}

fn child_with_late_spans() {
    let sink = Scripted::new(|_| Act::Take);
    let guard = config()
        .with_span_sink(sink as std::sync::Arc<dyn SpanSink>)
        .init();
    support::block_on(async {
        let contexts: Vec<_> = (0..5).map(|_| tta_core::WorkflowContext::new()).collect();
        shutdown_observability();
        for ctx in &contexts {
            tta_core::step("late", async |()| Ok(()))
                .execute((), ctx)
                .await
                .unwrap();
        }
    });
    assert_eq!(guard.ledger().traces.dropped(), 10);
    guard.flush(Duration::from_secs(5));
}

#[test]
fn a_subscriber_of_the_users_own_is_left_alone_and_can_be_given_our_layer() {
    let lines = lines_of("child_with_a_subscriber");
    assert!(lines.is_empty(), "{lines:?}");
}

fn child_with_a_subscriber() {
    use tracing_subscriber::layer::SubscriberExt;
    let theirs = tracing_subscriber::registry().with(tta_telemetry::opentelemetry_layer());
    tracing::subscriber::set_global_default(theirs).unwrap();
    let sink = Scripted::new(|_| Act::Take);
    let guard = config()
        .with_span_sink(std::sync::Arc::clone(&sink) as std::sync::Arc<dyn SpanSink>)
        .init();
    let status = guard.status();
    for part in ["tracing", "logs"] {
        let part = status.part(part).unwrap();
        assert_eq!(part.state, State::Degraded);
        assert!(
            part.reason.as_deref().unwrap().contains("layer"),
            "{part:?}"
        );
    }
    tracing::info_span!("around").in_scope(|| run_workflow().unwrap());
    assert!(guard.flush(Duration::from_secs(5)));
    let spans = sink.spans();
    assert_eq!(spans.len(), 4);
    let trace = spans.first().unwrap().span_context.trace_id();
    assert!(
        spans
            .iter()
            .all(|span| span.span_context.trace_id() == trace)
    );
}
