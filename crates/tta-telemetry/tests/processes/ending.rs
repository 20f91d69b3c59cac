//! Processes that end without a shutdown.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use tta_core::{WorkflowContext, step};
use tta_telemetry::ObservabilityConfig;
use tta_testkit::faults::report;
use tta_testkit::otlp::OtlpReceiver;

use super::child::{ENDPOINT, Running, say, scenario, told};
use super::support::block_on;

/// How long spans wait for others in these processes.
const INTERVAL: Duration = Duration::from_millis(500);
/// For the export itself, on a machine that has other things to do.
const EXPORT: Duration = Duration::from_millis(300);
const WORKS_FOR: Duration = Duration::from_millis(1_300);

pub(crate) fn config() -> ObservabilityConfig {
    ObservabilityConfig::new("child")
        .with_prometheus(false)
        .with_otlp_endpoint(told(ENDPOINT))
        .with_batch_delay(INTERVAL)
}

/// Runs a workflow every millisecond, and says after each which one it was and when.
fn work(until: Instant) {
    let began = Instant::now();
    let numbered = step("numbered", async |n: u64, ctx: &WorkflowContext| {
        ctx.set_attribute("n", n);
        Ok(())
    });
    block_on(async {
        for n in 0_u64.. {
            if Instant::now() >= until {
                break;
            }
            numbered.execute(n, &WorkflowContext::new()).await.unwrap();
            say("made", format!("{n} {}", began.elapsed().as_millis()));
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    });
}

/// Until somebody ends it.
pub(crate) fn works() {
    let guard = config().init();
    say("works", 0);
    work(Instant::now() + Duration::from_mins(1));
    drop(guard);
}

/// For a while, and then ends without a word to telemetry.
pub(crate) fn works_and_exits() {
    let guard = config().init();
    work(Instant::now() + WORKS_FOR);
    std::mem::forget(guard);
    say("exits", 0);
    std::process::exit(0);
}

/// The numbers of the workflows of which a span arrived.
fn arrived(receiver: &OtlpReceiver) -> HashSet<i64> {
    let spans = receiver.spans();
    let numbers = spans.iter().filter_map(|span| match span.attribute("n") {
        Some(Value::IntValue(n)) => Some(*n),
        _ => None,
    });
    numbers.collect()
}

/// Ends a process that works, and reports how long before its end the oldest lost span was made.
fn loses_at_most_the_last_batch(part: &str, end: impl FnOnce(&mut Running)) {
    let receiver = OtlpReceiver::start().unwrap();
    let name = if part == "exit" {
        "works_and_exits"
    } else {
        "works"
    };
    let mut command = scenario(name, &[]);
    command.env(ENDPOINT, receiver.http_endpoint());
    let mut child = Running::start(command);
    let mut made = Vec::new();
    let began = Instant::now();
    let note = |child: &mut Running, made: &mut Vec<(i64, u64)>| {
        let line = child.wait_for_next("made");
        if let Some(line) = line {
            let (n, at) = line.split_once(' ').unwrap();
            made.push((n.parse().unwrap(), at.parse().unwrap()));
            true
        } else {
            false
        }
    };
    while note(&mut child, &mut made) {
        if part != "exit" && began.elapsed() >= WORKS_FOR {
            break;
        }
    }
    end(&mut child);
    let ending = Instant::now();
    while note(&mut child, &mut made) {}
    child.process.wait().unwrap();
    let ended_after = ending.elapsed();
    // What it sent just before is read here a moment later.
    std::thread::sleep(Duration::from_millis(200));
    let arrived = arrived(&receiver);
    let ended_at = made.last().unwrap().1;
    let missing: Vec<_> = made.iter().filter(|(n, _)| !arrived.contains(n)).collect();
    let oldest = missing.first().map_or(ended_at, |(_, at)| *at);
    let lost_span = Duration::from_millis(ended_at - oldest);
    assert!(!arrived.is_empty());
    report(
        24,
        part,
        "loss <= one batch interval of 500 ms and 300 ms for its export",
        format!(
            "{} of {} workflows, those of the last {lost_span:.0?}",
            missing.len(),
            made.len()
        ),
        lost_span <= INTERVAL + EXPORT,
    );
    report(
        24,
        &format!("{part}, until the process is gone"),
        "<= 200 ms",
        format!("{ended_after:.1?}"),
        ended_after <= Duration::from_millis(200),
    );
}

#[test]
fn fault_24_a_process_that_exits_loses_its_last_batch_and_is_not_held_up() {
    loses_at_most_the_last_batch("exit", |_| {});
}

#[test]
fn fault_24_a_process_that_is_terminated_loses_its_last_batch() {
    loses_at_most_the_last_batch("SIGTERM", |child| child.send("TERM"));
}

#[test]
fn fault_24_a_process_that_is_killed_loses_its_last_batch() {
    loses_at_most_the_last_batch("SIGKILL", |child| child.process.kill().unwrap());
}
