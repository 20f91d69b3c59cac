//! Memory that does not grow with what is measured.
//!
//! It is read for the whole process, so these tests are one binary and take turns.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tta_core::{Histogram, MetricSpec, PrimitiveMetrics, Registry, SampleValue, Unit};

static TURN: Mutex<()> = Mutex::new(());

const MS: Duration = Duration::from_millis(1);
const MIB: u64 = 1024 * 1024;

/// Runs `work` and tells by how many bytes the process has grown meanwhile.
fn growth(work: impl FnOnce()) -> u64 {
    let before = resident();
    work();
    resident().saturating_sub(before)
}

fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kib: u64 = line
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    kib * 1024
}

#[test]
fn a_million_distinct_label_values_are_counted_exactly_in_bounded_memory() {
    static BY_USER: MetricSpec =
        MetricSpec::counter("memory_by_user_total", Unit::One, "h").labels(&["user"]);
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let registry = Registry::new();
    let count = |user: u32| {
        let counter = registry.counter(&BY_USER, &[&format!("user-{user}")]);
        counter.unwrap().increment();
    };
    let grown = growth(|| (0..1_000_000).for_each(count));
    let begun = Instant::now();
    let families = registry.gather();
    let gathering = begun.elapsed();
    let samples = &families[0].samples;
    let total: f64 = samples
        .iter()
        .map(|sample| match sample.value {
            SampleValue::Counter(total, _) => total,
            ref other => panic!("{other:?}"),
        })
        .sum();
    println!(
        "a million label values: {} series, total {total}, RSS +{:.1} MiB, gathered in {gathering:?}",
        samples.len(),
        grown as f64 / MIB as f64
    );
    assert_eq!(samples.len(), 2_001);
    assert!((total - 1e6).abs() < f64::EPSILON);
    assert!(grown <= 8 * MIB, "{grown}");
}

#[test]
fn metrics_of_a_million_executions_take_no_more_memory_than_those_of_a_few() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let metrics = PrimitiveMetrics::detached("a_million");
    let record = |nanos: u64| metrics.record_success(Duration::from_nanos(nanos * 1_009));
    (0..100).for_each(record);
    let grown = growth(|| (0..1_000_000).for_each(record));
    println!("a million executions: RSS +{} KiB", grown / 1024);
    assert_eq!(metrics.executions(), 1_000_100);
    assert!(grown <= MIB, "{grown}");
}

#[test]
fn a_thousand_short_threads_leave_no_more_behind_than_a_few() {
    static BY_PART: MetricSpec =
        MetricSpec::histogram("memory_threads_seconds", Unit::Seconds, "h").labels(&["part"]);
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let registry = Registry::new();
    let histograms: Vec<Histogram> = (0..100)
        .map(|part| registry.histogram(&BY_PART, &[&part.to_string()]).unwrap())
        .collect();
    let threads = |count: usize| {
        for _ in 0..count {
            // Waited for to its very end, which a scope does not: whoever begins earlier is given an
            // arena of its own by the allocator.
            std::thread::scope(|scope| {
                let thread = scope.spawn(|| histograms.iter().for_each(|it| it.record(MS)));
                thread.join().unwrap();
            });
        }
    };
    threads(10);
    let grown = growth(|| threads(1_000));
    let total: u64 = histograms.iter().map(|it| it.distribution().count()).sum();
    println!(
        "a thousand threads, a hundred histograms: RSS +{} KiB",
        grown / 1024
    );
    assert_eq!(total, 101_000);
    assert!(grown <= MIB, "{grown}");
}
