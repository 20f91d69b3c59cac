use std::sync::Barrier;
use std::time::Duration;

use tta_core::{Counter, Histogram, MetricSpec, Registry, Unit, step};

static SHORT: MetricSpec = MetricSpec::counter("threads_short_total", Unit::One, "h");
static CROWD: MetricSpec = MetricSpec::counter("threads_crowd_total", Unit::One, "h");
static CROWD_SECONDS: MetricSpec =
    MetricSpec::histogram("threads_crowd_seconds", Unit::Seconds, "h");

#[test]
fn a_thousand_threads_that_come_and_go_leave_exact_totals() {
    let registry = Registry::new();
    let counter = registry.counter(&SHORT, &[]).unwrap();
    for _ in 0..100 {
        std::thread::scope(|scope| {
            for _ in 0..10 {
                scope.spawn(|| (0..100).for_each(|_| counter.increment()));
            }
        });
    }
    assert_eq!(counter.units(), 100_000);
}

/// Records from 100 threads that are all alive at once: more than have cells of their own.
fn crowd(counter: &Counter, histogram: &Histogram) {
    let (begin, end) = (Barrier::new(100), Barrier::new(100));
    std::thread::scope(|scope| {
        for _ in 0..100 {
            scope.spawn(|| {
                begin.wait();
                for _ in 0..5_000 {
                    counter.increment();
                    histogram.record(Duration::from_nanos(3));
                }
                end.wait();
            });
        }
    });
}

#[test]
fn a_hundred_threads_at_once_leave_exact_totals() {
    let registry = Registry::new();
    let counter = registry.counter(&CROWD, &[]).unwrap();
    let histogram = registry.histogram(&CROWD_SECONDS, &[]).unwrap();
    crowd(&counter, &histogram);
    // The cells of threads that have ended go to those that follow.
    crowd(&counter, &histogram);
    let distribution = histogram.distribution();
    assert_eq!(
        (counter.units(), distribution.count()),
        (1_000_000, 1_000_000)
    );
    assert!((distribution.sum() - 3e-3).abs() < 1e-12);
}

#[test]
fn steps_on_many_threads_are_counted_exactly() {
    let flow = step("on_many_threads", async |n: u64| Ok(n));
    std::thread::scope(|scope| {
        for _ in 0..80 {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread()
                    .build()
                    .unwrap();
                runtime.block_on(async {
                    for n in 0..50 {
                        flow.run(n).await.unwrap();
                    }
                });
            });
        }
    });
    let metrics = flow.metrics();
    assert_eq!((metrics.executions(), metrics.in_flight()), (4_000, 0));
}

#[test]
fn what_a_thread_records_while_it_ends_is_counted() {
    thread_local! {
        static LAST: std::cell::RefCell<Option<OnExit>> = const { std::cell::RefCell::new(None) };
    }
    struct OnExit(Counter);
    impl Drop for OnExit {
        fn drop(&mut self) {
            self.0.increment();
        }
    }
    static EXIT: MetricSpec = MetricSpec::counter("threads_exit_total", Unit::One, "h");
    let counter = Registry::new().counter(&EXIT, &[]).unwrap();
    for early in [false, true] {
        let counter = counter.clone();
        let thread = std::thread::spawn(move || {
            // Destructors of thread locals run in an order of the platform's choice: both are tried.
            if early {
                counter.increment();
            }
            LAST.with(|last| *last.borrow_mut() = Some(OnExit(counter.clone())));
            if !early {
                counter.increment();
            }
        });
        thread.join().unwrap();
    }
    assert_eq!(counter.units(), 4);
}

#[test]
fn a_reading_while_threads_write_never_goes_back() {
    static LIVE: MetricSpec = MetricSpec::counter("threads_live_total", Unit::One, "h");
    let registry = Registry::new();
    let counter = registry.counter(&LIVE, &[]).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..50_000).for_each(|_| counter.increment()));
        }
        let mut last = 0;
        while last < 200_000 {
            let now = counter.units();
            assert!((last..=200_000).contains(&now), "{now} after {last}");
            last = now;
            std::thread::yield_now();
        }
    });
}
