//! A hundred thousand spans a second through the whole pipeline to a collector that is not ours, for
//! ten seconds: spans a second, what was lost, and the processor time of whoever takes part.
//!
//! `TTA_ROTEL_AGENT=… cargo bench -p tta-benches --bench sustained`. Without a collector there is
//! nothing to measure.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    reason = "a benchmark that cannot run has nothing to report"
)]

use std::thread;
use std::time::{Duration, Instant};

use tta_benches::now;
use tta_core::{Attribute, WorkflowContext, step};
use tta_telemetry::{Compression, ObservabilityConfig, Protocol};
use tta_testkit::servers::{DebugSignal, OtlpCollector};

/// A root and three steps.
const SPANS: u64 = 4;
const RATE: u64 = 100_000;
const TICK: Duration = Duration::from_millis(1);
const MEASURED: Duration = Duration::from_secs(10);

fn main() {
    // Whatever of spans it is told it decodes, and says nothing of them.
    let collector = match OtlpCollector::start(DebugSignal::Metrics) {
        Ok(collector) => collector,
        Err(why) => {
            println!("not measured: {why}");
            return;
        }
    };
    for (protocol, compression) in [
        (Protocol::Grpc, Compression::None),
        (Protocol::HttpProtobuf, Compression::None),
        (Protocol::Grpc, Compression::Gzip),
        (Protocol::HttpProtobuf, Compression::Gzip),
    ] {
        run(&collector, protocol, compression);
    }
}

fn run(collector: &OtlpCollector, protocol: Protocol, compression: Compression) {
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
    let (own, whole) = (processor_time("self"), threads());
    let began = Instant::now();
    produce();
    assert!(guard.flush(Duration::from_mins(1)), "{}", guard.status());
    let took = began.elapsed().as_secs_f64();
    let used = processor_time("self").saturating_sub(own).as_secs_f64();
    let worker = threads().saturating_sub(whole);
    drop(guard);
    let after = tta_telemetry::ledger().traces;
    let delivered = after.delivered - before.delivered;
    println!(
        "{protocol:?} {compression:?}: {:.0} spans/s for {took:.1} s; {} created, {delivered} \
         delivered, {} dropped; all threads {:.0} % of a core, export {:.0} % ({:.0} ns a span)",
        delivered as f64 / took,
        after.created - before.created,
        after.dropped() - before.dropped(),
        used / took * 100.0,
        worker.as_secs_f64() / took * 100.0,
        worker.as_nanos() as f64 / delivered as f64,
    );
}

/// Runs workflows as they are due.
fn produce() {
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
    while began.elapsed() < MEASURED {
        let due = began.elapsed().as_micros() as u64 * RATE / SPANS / 1_000_000;
        for _ in done..due {
            now(flow.execute(1, &WorkflowContext::new())).expect("it does not fail");
        }
        done = due;
        thread::sleep(TICK);
    }
}

/// What the thread that exports has used.
fn threads() -> Duration {
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
