use std::time::Duration;

use proptest::prelude::*;
use tta_core::{Counter, ErrorKind, Gauge, Histogram, PrimitiveMetrics, Unit, registry, step};
use tta_testkit::conformance::tokio_clock;
use tta_testkit::measured::measured;

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Within a share of the expected value.
fn near(value: Duration, expected: Duration, share: f64) -> bool {
    (value.as_secs_f64() - expected.as_secs_f64()).abs() <= expected.as_secs_f64() * share
}

#[test]
fn percentiles_of_ten_to_a_hundred_are_where_they_should_be() {
    let metrics = PrimitiveMetrics::detached("ten_to_a_hundred");
    for n in 1..=10 {
        metrics.record_success(ms(n * 10));
    }
    assert!((40..60).contains(&metrics.percentile(50.0).as_millis()));
    assert!((80..100).contains(&metrics.percentile(90.0).as_millis()));
    assert_eq!(metrics.mean(), ms(55));
}

#[test]
fn nothing_measured_reads_as_zero() {
    let metrics = PrimitiveMetrics::detached("nothing");
    assert_eq!((metrics.executions(), metrics.errors()), (0, 0));
    assert!(metrics.error_rate().abs() < f64::EPSILON);
    assert_eq!((metrics.mean(), metrics.percentile(99.0)), (ms(0), ms(0)));
}

#[test]
fn the_error_rate_is_the_share_of_executions_that_failed() {
    let metrics = PrimitiveMetrics::detached("a_quarter");
    for _ in 0..3 {
        metrics.record_success(ms(1));
    }
    metrics.record_error(ms(1), ErrorKind::Timeout);
    assert!((metrics.error_rate() - 0.25).abs() < f64::EPSILON);
    assert_eq!(metrics.errors_of(ErrorKind::Timeout), 1);
    assert_eq!(metrics.errors_of(ErrorKind::Other), 0);
}

#[test]
fn a_percentile_outside_the_scale_is_the_nearer_end() {
    let metrics = PrimitiveMetrics::detached("ends");
    metrics.record_success(ms(10));
    metrics.record_success(ms(1_000));
    for percent in [-5.0, f64::NAN, f64::NEG_INFINITY] {
        assert!(near(metrics.percentile(percent), ms(10), 0.05), "{percent}");
    }
    for percent in [500.0, f64::INFINITY] {
        assert!(
            near(metrics.percentile(percent), ms(1_000), 0.05),
            "{percent}"
        );
    }
}

#[tokio::test]
async fn resetting_one_starts_it_afresh_and_leaves_what_is_exported() {
    let flow = step("reset_one", async |ok: bool| {
        if ok {
            Ok(())
        } else {
            Err(tta_core::Error::msg("no"))
        }
    });
    flow.run(true).await.unwrap();
    flow.run(false).await.unwrap_err();
    let metrics = flow.metrics();
    metrics.reset();
    assert_eq!((metrics.executions(), metrics.errors()), (0, 0));
    assert_eq!(metrics.errors_of(ErrorKind::Other), 0);
    flow.run(false).await.unwrap_err();
    assert_eq!((metrics.executions(), metrics.errors()), (1, 1));
    assert!((metrics.error_rate() - 1.0).abs() < f64::EPSILON);
    let exported = measured(
        "primitive_executions_total",
        &["reset_one", "StepPrimitive", "error"],
    );
    assert!((exported - 2.0).abs() < f64::EPSILON, "{exported}");
}

#[test]
fn a_mean_after_a_reset_knows_only_what_came_since() {
    let metrics = PrimitiveMetrics::detached("mean_since");
    metrics.record_success(ms(10_000));
    metrics.reset();
    metrics.record_success(ms(10));
    assert_eq!(metrics.mean(), ms(10));
    assert!(near(metrics.percentile(99.0), ms(10), 0.05));
}

#[tokio::test]
async fn what_is_under_way_at_a_reset_counts_when_it_ends() {
    let flow = step("across_a_reset", async |(): ()| {
        tokio::task::yield_now().await;
        Ok(())
    });
    let metrics = flow.metrics();
    let mut running = Box::pin(flow.run(()));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(running.as_mut().poll(&mut cx).is_pending());
    metrics.reset();
    assert_eq!((metrics.executions(), metrics.in_flight()), (0, 1));
    running.await.unwrap();
    assert_eq!((metrics.executions(), metrics.in_flight()), (1, 0));
}

#[tokio::test]
async fn primitives_of_one_name_and_different_types_are_read_together() {
    let flow = step("one_name", async |(): ()| Ok(()));
    let ctx = tta_core::WorkflowContext::new();
    flow.execute((), &ctx).await.unwrap();
    for _ in 0..2 {
        let failing = async { Err::<(), _>(tta_core::Error::msg("no")) };
        ctx.observe("one_name", failing).await.unwrap_err();
    }
    let metrics = registry().primitive_metrics("one_name").unwrap();
    assert_eq!((metrics.executions(), metrics.errors()), (3, 2));
    metrics.reset();
    assert_eq!(metrics.executions(), 0);
    assert_eq!(flow.metrics().executions(), 0);
}

#[tokio::test(start_paused = true)]
async fn busy_time_is_the_time_inside_polls() {
    let flow = step("busy_half", async |(): ()| {
        tokio::time::sleep(Duration::from_mins(1)).await;
        let begun = std::time::Instant::now();
        while begun.elapsed() < ms(20) {
            std::hint::spin_loop();
        }
        Ok(())
    })
    .with_busy_time();
    flow.run(()).await.unwrap();
    let busy = measured("primitive_busy_seconds_total", &["busy_half"]);
    assert!((0.02..30.0).contains(&busy), "{busy}");
}

#[tokio::test(start_paused = true)]
async fn chosen_buckets_are_those_that_are_exported() {
    let flow = step("own_buckets", async |secs: u64| {
        tokio::time::sleep(Duration::from_secs(secs)).await;
        Ok(())
    })
    .with_duration_buckets(&[1.0, 10.0, 100.0])
    .with_name("own_buckets_renamed");
    let ctx = tta_core::WorkflowContext::builder()
        .clock(tokio_clock)
        .build();
    for secs in [1, 5, 50, 500] {
        flow.execute(secs, &ctx).await.unwrap();
    }
    let buckets: Vec<_> = duration_buckets("own_buckets_renamed");
    assert_eq!(
        buckets,
        [(1.0, 1), (10.0, 1), (100.0, 1), (f64::INFINITY, 1)]
    );
}

#[tokio::test(start_paused = true)]
async fn latencies_of_different_size_land_in_different_default_buckets() {
    let flow = step("spread", async |ms: u64| {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        Ok(())
    });
    let ctx = tta_core::WorkflowContext::builder()
        .clock(tokio_clock)
        .build();
    for ms in [2, 20, 200, 2_000] {
        flow.execute(ms, &ctx).await.unwrap();
    }
    let filled: Vec<_> = duration_buckets("spread")
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(filled, [(0.0025, 1), (0.025, 1), (0.25, 1), (2.5, 1)]);
}

fn duration_buckets(primitive: &str) -> Vec<(f64, u64)> {
    let families = registry().gather();
    let durations = families
        .iter()
        .find(|it| it.spec.name == "primitive_execution_duration_seconds");
    let sample = durations
        .unwrap()
        .samples
        .iter()
        .find(|sample| sample.labels[0] == primitive);
    match &sample.unwrap().value {
        tta_core::SampleValue::Histogram { buckets, .. } => {
            buckets.iter().map(|it| (it.upper, it.count)).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn fault_18_what_is_no_amount_changes_no_sum_and_is_counted() {
    let counter = Counter::detached(Unit::UsDollars);
    let histogram = Histogram::detached();
    counter.add(0.25);
    let before = tta_core::refused_measurements();
    for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.01, 1e300] {
        counter.add(bad);
        histogram.record_value(bad);
    }
    assert_eq!(histogram.distribution().count(), 0);
    assert!(tta_core::refused_measurements() >= before + 10);
    let sum = counter.total();
    let met = (sum - 0.25).abs() < f64::EPSILON;
    let measured = format!("{sum}, 10 of 10 counted");
    tta_testkit::faults::report(
        18,
        "NaN, infinities, negatives",
        "the sum stays 0.25",
        measured,
        met,
    );
}

#[test]
fn instruments_at_the_ends_of_their_range_do_not_panic() {
    let counter = Counter::detached(Unit::One);
    counter.add_units(u64::MAX);
    assert_eq!(counter.units(), u64::MAX);
    counter.increment();
    assert_eq!(
        counter.units(),
        0,
        "past the end it starts again, as a restarted process does"
    );
    let gauge = Gauge::detached();
    gauge.set(i64::MAX);
    gauge.add(1);
    assert_eq!(gauge.value(), i64::MIN);
    let histogram = Histogram::detached();
    histogram.record(Duration::MAX);
    histogram.record(Duration::ZERO);
    let distribution = histogram.distribution();
    assert_eq!(distribution.count(), 2);
    assert_eq!(distribution.buckets().last().unwrap().count, 1);
}

/// The nearest-rank percentile of the sorted values.
fn exact(sorted: &[u64], percent: f64) -> u64 {
    let rank = (percent / 100.0 * sorted.len() as f64).ceil().max(1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rank is a small positive number"
    )]
    let index = rank as usize - 1;
    sorted[index]
}

fn distributions() -> impl Strategy<Value = Vec<u64>> {
    let uniform = prop::collection::vec(0..10_000_000_000_u64, 1..500);
    let narrow = prop::collection::vec(1_000_000..1_001_000_u64, 1..500);
    // Every doubling is as likely as any other: from nanoseconds to hours.
    let logarithmic = prop::collection::vec(
        (0..44_u32, any::<u64>()).prop_map(|(bits, value)| value & ((2 << bits) - 1)),
        1..500,
    );
    let two_peaks = prop::collection::vec(
        prop_oneof![900_000..1_100_000_u64, 2_000_000_000..2_100_000_000_u64],
        1..500,
    );
    prop_oneof![uniform, narrow, logarithmic, two_peaks]
}

proptest! {
    #[test]
    fn percentiles_are_within_five_percent(nanos in distributions(), percent in 0.0..=100.0) {
        let metrics = PrimitiveMetrics::detached("proptest");
        for &nanos in &nanos {
            metrics.record_success(Duration::from_nanos(nanos));
        }
        let mut sorted = nanos;
        sorted.sort_unstable();
        let expected = Duration::from_nanos(exact(&sorted, percent));
        let read = metrics.percentile(percent);
        let off = read.as_secs_f64() - expected.as_secs_f64();
        prop_assert!(
            off.abs() <= expected.as_secs_f64() * 0.05 + 2e-9,
            "{read:?} for {expected:?}"
        );
    }

    #[test]
    fn what_came_after_a_reset_is_what_would_have_come_alone(
        before in distributions(),
        after in distributions(),
    ) {
        let (reset, alone) = (
            PrimitiveMetrics::detached("reset"),
            PrimitiveMetrics::detached("alone"),
        );
        for nanos in before {
            reset.record_error(Duration::from_nanos(nanos), ErrorKind::Timeout);
        }
        reset.reset();
        for nanos in after {
            reset.record_success(Duration::from_nanos(nanos));
            alone.record_success(Duration::from_nanos(nanos));
        }
        prop_assert_eq!(reset.executions(), alone.executions());
        prop_assert_eq!(reset.errors_of(ErrorKind::Timeout), 0);
        prop_assert_eq!(reset.mean(), alone.mean());
        prop_assert_eq!(reset.percentile(50.0), alone.percentile(50.0));
        prop_assert_eq!(reset.percentile(99.0), alone.percentile(99.0));
    }
}
