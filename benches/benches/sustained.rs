//! A hundred thousand spans a second through the whole pipeline to a collector that is not ours, for
//! ten seconds: what was delivered, what was lost, and the processor time of whoever takes part.
//!
//! `TTA_ROTEL_AGENT=… cargo bench -p tta-benches --bench sustained`, or `cargo xtask bench
//! --sustained`. Without a collector there is nothing to measure.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    reason = "a benchmark that cannot run has nothing to report"
)]

use std::thread;
use std::time::{Duration, Instant};

use tta_benches::{Options, Report, now};
use tta_core::{Attribute, WorkflowContext, step};
use tta_telemetry::{Compression, ObservabilityConfig, Protocol};
use tta_testkit::require;
use tta_testkit::servers::{DebugSignal, OtlpCollector};

/// A root and three steps.
const SPANS: u64 = 4;
/// A little more than the claim, for what is measured includes the time that the last batch takes.
const RATE: u64 = 102_000;
const TICK: Duration = Duration::from_millis(1);

fn main() {
    // Whatever of spans it is told it decodes, and says nothing of them.
    let collector = require!(OtlpCollector::start(DebugSignal::Metrics));
    let options = Options::from_args();
    let lasts = match (options.measures, options.quick) {
        (false, _) => Duration::from_millis(100),
        (true, true) => Duration::from_secs(3),
        (true, false) => Duration::from_secs(10),
    };
    let mut report = Report::new("sustained", options);
    for (name, protocol, compression) in [
        ("gRPC", Protocol::Grpc, Compression::None),
        ("HTTP", Protocol::HttpProtobuf, Compression::None),
        ("gRPC with gzip", Protocol::Grpc, Compression::Gzip),
        ("HTTP with gzip", Protocol::HttpProtobuf, Compression::Gzip),
    ] {
        for (what, value) in run(&collector, protocol, compression, lasts) {
            report.sample(format!("{name}, {what}"), value);
        }
    }
    report.finish();
}

/// What came of so long a time.
fn run(
    collector: &OtlpCollector,
    protocol: Protocol,
    compression: Compression,
    lasts: Duration,
) -> [(&'static str, f64); 6] {
    let endpoint = match protocol {
        Protocol::Grpc => collector.grpc_endpoint(),
        _ => collector.http_endpoint(),
    };
    let before = tta_telemetry::ledger().traces;
    let guard = ObservabilityConfig::new("sustained")
        .with_prometheus(false)
        .with_logs(false)
        .with_otlp_endpoint(endpoint)
        .with_otlp_protocol(protocol)
        .with_otlp_compression(compression)
        // A second of spans, should the machine think of something else.
        .with_queue_size(RATE as usize)
        .with_batch_size(4_096)
        .with_batch_delay(Duration::from_millis(100))
        .init();
    let (own, worker) = (processor_time("self"), exporting());
    let began = Instant::now();
    produce(lasts);
    assert!(guard.flush(Duration::from_mins(1)), "{}", guard.status());
    let took = began.elapsed().as_secs_f64();
    let own = processor_time("self").saturating_sub(own);
    let worker = exporting().saturating_sub(worker);
    drop(guard);
    let after = tta_telemetry::ledger().traces;
    let delivered = (after.delivered - before.delivered) as f64;
    [
        ("spans", (after.created - before.created) as f64),
        ("dropped", (after.dropped() - before.dropped()) as f64),
        ("delivered a second", delivered / took),
        ("cores of all threads", own.as_secs_f64() / took),
        ("cores of the export thread", worker.as_secs_f64() / took),
        (
            "ns of the export thread for a span",
            worker.as_nanos() as f64 / delivered,
        ),
    ]
}

/// Runs workflows as they are due.
fn produce(lasts: Duration) {
    let one = |name| {
        step(name, async |n: u64, ctx: &WorkflowContext| {
            ctx.set_attributes([
                Attribute::new("model", "small"),
                Attribute::new("prompt_tokens", n),
                Attribute::new("cost_usd", 0.25),
                Attribute::new("cached", false),
            ]);
            Ok(n + 1)
        })
    };
    let flow = one("read") >> one("ask") >> one("answer");
    let began = Instant::now();
    let mut done = 0;
    while began.elapsed() < lasts {
        let due = began.elapsed().as_micros() as u64 * RATE / SPANS / 1_000_000;
        for _ in done..due {
            now(flow.execute(1, &WorkflowContext::new())).expect("it does not fail");
        }
        done = due;
        thread::sleep(TICK);
    }
}

/// What the thread that exports has used.
fn exporting() -> Duration {
    let mut used = Duration::ZERO;
    for task in std::fs::read_dir("/proc/self/task").unwrap().flatten() {
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        if name.trim() == "tta-telemetry" {
            used += processor_time(&format!("self/task/{}", task.file_name().display()));
        }
    }
    used
}

/// What a process or a thread has used; a process's is that of all its threads.
fn processor_time(who: &str) -> Duration {
    if who == "self" {
        let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
        return tasks
            .map(|task| processor_time(&format!("self/task/{}", task.file_name().display())))
            .sum();
    }
    let used = std::fs::read_to_string(format!("/proc/{who}/schedstat")).unwrap_or_default();
    let nanos = used.split(' ').next().and_then(|nanos| nanos.parse().ok());
    Duration::from_nanos(nanos.unwrap_or_default())
}
