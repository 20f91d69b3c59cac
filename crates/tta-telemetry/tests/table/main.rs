//! Each variable is set for a process of its own, and what it changes is looked at where it arrives:
//! at an OTLP backend, at `/metrics` and `/health`, on standard output.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod both;
mod child;
mod console;
mod environment;
mod limits;
mod metrics;
mod otlp;
mod queues;
mod resource;
mod row;
mod sampling;
mod server;
mod traces;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use row::Row;

#[test]
fn every_variable_acts_where_its_effect_arrives() {
    let rows = rows();
    let failures = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(row) = rows.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| row.check())) {
                        let why = panic
                            .downcast_ref::<String>()
                            .map_or("it panicked", String::as_str);
                        // There are forty lines of no interest, and one that is very long.
                        let why: Vec<_> = why
                            .lines()
                            .filter(|line| !line.contains("workflow_executed"))
                            .map(|line| &line[..line.floor_char_boundary(300)])
                            .collect();
                        let why = why.join("\n");
                        failures
                            .lock()
                            .unwrap()
                            .push(format!("{}: {why}", row.name()));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(
        failures.is_empty(),
        "{} of {} rows:\n{}",
        failures.len(),
        rows.len(),
        failures.join("\n")
    );
}

#[test]
fn every_variable_has_a_row() {
    let rows = rows();
    let set: std::collections::HashSet<String> = rows
        .iter()
        .flat_map(Row::variables)
        .map(str::to_owned)
        .collect();
    let missing: Vec<_> = tta_telemetry::SETTINGS
        .iter()
        .flat_map(|setting| setting.variables)
        .filter(|variable| !set.contains(**variable))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

/// The whole table.
fn rows() -> Vec<Row> {
    let rows = [
        environment::rows(),
        resource::rows(),
        otlp::rows(),
        traces::rows(),
        sampling::rows(),
        metrics::rows(),
        server::rows(),
        limits::rows(),
        queues::rows(),
        console::rows(),
    ];
    rows.into_iter().flatten().collect()
}

/// How many processes run at a time.
const AT_ONCE: usize = 3;
