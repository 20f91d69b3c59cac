//! A standard output that nobody reads.

use std::io::Read;
use std::time::{Duration, Instant};

use tta_telemetry::{LogFormat, ObservabilityConfig};

use crate::child::{child, leave, reported};

const LINES: u64 = 60_000;

#[test]
fn a_full_pipe_costs_lines_that_are_counted_and_never_time() {
    let mut running = child("blocked").spawn().unwrap();
    // Nobody reads until the child has ended, which it does by itself.
    let status = running.wait().unwrap();
    assert!(status.success(), "{status}");
    let mut pipe = Vec::new();
    running
        .stdout
        .take()
        .unwrap()
        .read_to_end(&mut pipe)
        .unwrap();
    let text = String::from_utf8_lossy(&pipe).into_owned();
    let arrived = text
        .lines()
        .filter(|line| line.contains("unread") && line.ends_with('}'));
    let arrived = arrived.count() as u64;

    let report = reported("blocked");
    let numbers: Vec<u64> = report.split(' ').map(|n| n.parse().unwrap()).collect();
    let [created, written, lost, queued, millis] = numbers[..] else {
        panic!("{report}")
    };
    assert_eq!(created, LINES, "{report}");
    assert_eq!(written + lost + queued, LINES, "{report}");
    assert!(lost > 0 && queued > 0, "{report}");
    // What is in the pipe is more than was taken for written, by a part of one batch.
    assert!(
        arrived >= written && arrived < written + queued,
        "{arrived}: {report}"
    );
    assert!(millis < 60_000, "{report}");
}

/// In the child.
pub(crate) fn run() {
    let guard = ObservabilityConfig::new("blocked")
        .with_prometheus(false)
        .with_log_format(LogFormat::Json)
        .with_shutdown_timeout(Duration::from_millis(300))
        .init();
    let lines = guard.log_handle().unwrap();
    let text = "x".repeat(400);
    let began = Instant::now();
    for n in 0..LINES {
        tracing::info!(n, text, "unread");
    }
    let elapsed = began.elapsed();
    let shutdown = Instant::now();
    drop(guard);
    assert!(shutdown.elapsed() < Duration::from_secs(10));
    let stats = lines.stats();
    leave(&format!(
        "{} {} {} {} {}",
        stats.created,
        stats.written,
        stats.lost,
        stats.queued,
        elapsed.as_millis()
    ));
    // What would print the end of the test would wait for the pipe.
    std::process::exit(0);
}
