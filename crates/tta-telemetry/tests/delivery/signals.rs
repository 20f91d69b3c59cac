//! One record or more of each signal, on their way to one backend.

use std::time::{Duration, Instant};

use tta_core::{WorkflowContext, step};
use tta_telemetry::{Ledger, ObservabilityConfig, ObservabilityGuard, Protocol, SignalLedger};
use tta_testkit::otlp::{OtlpReceiver, Signal};

use crate::support::block_on;

/// Both ways to speak OTLP.
pub(crate) const BOTH: [Protocol; 2] = [Protocol::Grpc, Protocol::HttpProtobuf];

/// All signals.
pub(crate) const SIGNALS: [Signal; 3] = [Signal::Traces, Signal::Metrics, Signal::Logs];

/// Text that is part of everything that is sent: in the resource, in headers and in each signal.
pub(crate) const CANARY: &str = "canary-0f3a";

/// How long a condition is waited for before a test has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// All three signals to one endpoint, in batches that go out when they are flushed.
pub(crate) fn everything_to(
    endpoint: impl Into<String>,
    protocol: Protocol,
) -> ObservabilityConfig {
    ObservabilityConfig::from_env_with(CANARY, |name| match name {
        "OTEL_METRICS_EXPORTER" => Some("otlp".to_owned()),
        "OTEL_BLRP_SCHEDULE_DELAY" => Some("600000".to_owned()),
        _ => None,
    })
    .with_prometheus(false)
    .with_batch_delay(Duration::from_mins(10))
    .with_metric_interval(Duration::from_hours(1))
    .with_otlp_endpoint(endpoint)
    .with_otlp_protocol(protocol)
    .with_otlp_header("x-canary", CANARY)
}

/// Where this receiver is for that protocol.
pub(crate) fn endpoint(receiver: &OtlpReceiver, protocol: Protocol) -> String {
    match protocol {
        Protocol::Grpc => receiver.grpc_endpoint(),
        _ => receiver.http_endpoint(),
    }
}

/// Makes a span or two and a line; a measurement is made when they are flushed.
pub(crate) fn make_records() {
    let canary = step(CANARY, async |n: u32| Ok(n));
    block_on(async { canary.execute(1, &WorkflowContext::new()).await }).unwrap();
    tracing::warn!(target: "delivery", "{CANARY}");
}

/// What became of the records of one signal.
pub(crate) fn account(ledger: &Ledger, signal: Signal) -> SignalLedger {
    match signal {
        Signal::Traces => ledger.traces,
        Signal::Metrics => ledger.metrics,
        _ => ledger.logs,
    }
}

pub(crate) fn assert_all_balanced(guard: &ObservabilityGuard) {
    let ledger = guard.ledger();
    for signal in SIGNALS {
        let account = account(&ledger, signal);
        assert!(account.is_balanced(), "{signal:?}: {account:?}");
    }
}

/// Asks again and again until it is so.
pub(crate) fn await_that(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + PATIENCE;
    while !is_so() {
        assert!(Instant::now() < until, "never came to pass: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// How often these bytes hold that text.
pub(crate) fn occurrences(bytes: &[u8], text: &str) -> usize {
    let places = bytes.windows(text.len());
    places.filter(|place| *place == text.as_bytes()).count()
}

/// The resident memory of this process, in bytes.
pub(crate) fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().trim().trim_end_matches("kB").trim();
    kilobytes.parse::<u64>().unwrap() * 1024
}
