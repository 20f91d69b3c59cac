//! Processes that wait to be told to end.

use std::time::{Duration, Instant};

use tta_testkit::faults::report;
use tta_testkit::otlp::OtlpReceiver;

use super::child::{ENDPOINT, Running, say, scenario};
use super::ending::config;
use super::support::{SPANS, block_on, run_workflows};

const WORKFLOWS: usize = 10;

/// So long that nothing is exported before the end.
fn patient() -> tta_telemetry::ObservabilityGuard {
    config().with_batch_delay(Duration::from_mins(10)).init()
}

pub(crate) fn waits_in_async_code() {
    let guard = patient();
    run_workflows(WORKFLOWS);
    let report = block_on(async {
        let told = tokio::spawn(guard.shutdown_on_signal());
        // The task listens when it has been polled once.
        tokio::task::yield_now().await;
        say("waits", 0);
        told.await.unwrap()
    });
    say("delivered", report.traces.delivered);
}

pub(crate) fn waits_without() {
    let guard = patient();
    run_workflows(WORKFLOWS);
    let saying = std::thread::spawn(|| {
        // It listens when its thread is there.
        let listens = || {
            let tasks = std::fs::read_dir("/proc/self/task").unwrap();
            let names = tasks
                .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok());
            names.into_iter().any(|name| name.trim() == "tta-signals")
        };
        while !(listens() && catches_sigterm()) {
            std::thread::sleep(Duration::from_millis(1));
        }
        say("waits", 0);
    });
    let report = guard.shutdown_on_signal_blocking();
    saying.join().unwrap();
    say("delivered", report.traces.delivered);
}

/// Whether the process has a handler for it.
fn catches_sigterm() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let mask = u64::from_str_radix(line.unwrap().trim(), 16).unwrap();
    mask & (1 << 14) != 0
}

/// A server that has something to finish when it is told to end, and telemetry after it.
pub(crate) fn serves_until_told() {
    let guard = patient();
    run_workflows(WORKFLOWS / 2);
    block_on(async {
        let told = tta_telemetry::shutdown_signal();
        say("waits", 0);
        told.await;
    });
    // What was under way when the signal came.
    run_workflows(WORKFLOWS / 2);
    let report = guard.shutdown();
    say("delivered", report.traces.delivered);
}

#[test]
fn fault_24_a_process_that_waits_for_signals_delivers_all_and_ends_well() {
    let expected = WORKFLOWS * usize::try_from(SPANS).unwrap();
    for (name, signal) in [
        ("waits_in_async_code", "TERM"),
        ("waits_in_async_code", "INT"),
        ("waits_without", "TERM"),
        ("waits_without", "INT"),
        ("serves_until_told", "TERM"),
    ] {
        let receiver = OtlpReceiver::start().unwrap();
        let mut command = scenario(name, &[]);
        command.env(ENDPOINT, receiver.http_endpoint());
        let mut child = Running::start(command);
        child.wait_for("waits");
        let began = Instant::now();
        child.send(signal);
        let (said, status) = child.end();
        let took = began.elapsed();
        assert!(status.success(), "{name}: {status} {said:?}");
        assert_eq!(said.get("delivered"), Some(&expected.to_string()), "{name}");
        let lost = expected - receiver.span_count();
        report(
            24,
            &format!("SIG{signal}, {name}"),
            "0 lost, <= 2.1 s",
            format!("{lost} of {expected} spans lost, {took:.1?}"),
            lost == 0 && took <= Duration::from_millis(2_100),
        );
    }
}
