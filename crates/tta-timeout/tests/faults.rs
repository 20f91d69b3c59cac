//! The rows of the table of faults that are a timeout's, each with its figure.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;
use tta_core::{ErrorKind, Result, WorkflowContext, registry, step, step_with};
use tta_testkit::faults::{percentile, report};
use tta_timeout::{BlockingExt, TimeoutConfig, TimeoutExt};

const MS: Duration = Duration::from_millis(1);

/// Dropped after `k` polls, for each `k` there is: nothing of it stays.
#[test]
fn fault_48_a_future_dropped_at_every_await_point_gives_all_back() {
    let runtime = paused();
    let permits = Arc::new(Semaphore::new(1));
    let mut drops = 0;
    let mut left = 0;
    runtime.block_on(async {
        for polls in 0..12 {
            let flow = step_with(
                "fault_48_held",
                Arc::clone(&permits),
                async |permits: &Arc<Semaphore>, (): (), ctx: &WorkflowContext| {
                    let _permit = permits.acquire().await?;
                    for _ in 0..5 {
                        tokio::task::yield_now().await;
                    }
                    ctx.cancelled().await;
                    tokio::task::yield_now().await;
                    Ok(())
                },
            )
            .timeout(TimeoutConfig::new(MS).with_grace(MS))
            .unwrap()
            .with_name("fault_48");
            let ctx = tokio_clock();
            {
                let mut run = std::pin::pin!(flow.execute((), &ctx));
                for _ in 0..polls {
                    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
                    if run.as_mut().poll(&mut cx).is_ready() {
                        break;
                    }
                    if polls > 7 {
                        tokio::time::advance(MS / 2).await;
                    }
                }
                drops += 1;
            }
            left += flow.metrics().in_flight() + held("fault_48_held");
            left += 1 - permits.available_permits() as u64;
        }
    });
    report(
        48,
        "timeout dropped after each poll",
        "0 gauges or permits left",
        format!("{left} left in {drops} drops"),
        left == 0,
    );
}

#[test]
fn fault_49_panics_of_the_step_its_limit_or_its_destructor_stay_in_one_workflow() {
    struct Panics;
    impl Drop for Panics {
        fn drop(&mut self) {
            panic!("a destructor");
        }
    }
    let runtime = paused();
    let mut errors = 0;
    let mut after = 0;
    runtime.block_on(async {
        let panics_in_step = step("fault_49", async |n: u64| {
            assert!(n != 1, "a step");
            Ok(n)
        })
        .timeout(MS)
        .unwrap();
        let limit = |n: &u64, _: &WorkflowContext| {
            assert!(*n != 1, "a limit");
            MS
        };
        let panics_in_limit = step("fault_49", async |n: u64| Ok(n))
            .timeout(TimeoutConfig::from_policy(limit))
            .unwrap();
        let panics_in_drop = step("fault_49", async |n: u64| {
            if n == 1 {
                let _panics = Panics;
                std::future::pending::<()>().await;
            }
            Ok(n)
        })
        .timeout(TimeoutConfig::new(MS).with_grace(MS))
        .unwrap();
        for recorded in [true, false] {
            let ctx = || {
                let recorder = tta_testkit::recording::RecordingRecorder::new();
                let builder = recorder.builder().sampled(recorded);
                builder
                    .clock(|| tokio::time::Instant::now().into_std())
                    .build()
            };
            errors += usize::from(panics_in_step.execute(1, &ctx()).await.is_err());
            errors += usize::from(panics_in_limit.execute(1, &ctx()).await.is_err());
            errors += usize::from(panics_in_drop.execute(1, &ctx()).await.is_err());
            after += usize::from(panics_in_step.execute(2, &ctx()).await.is_ok());
            after += usize::from(panics_in_limit.execute(2, &ctx()).await.is_ok());
            after += usize::from(panics_in_drop.execute(2, &ctx()).await.is_ok());
        }
    });
    report(
        49,
        "timeout: panic of step, limit, destructor",
        "0 aborts, the next call answers",
        format!("{errors} of 6 errors, then {after} of 6 answers"),
        (errors, after) == (6, 6),
    );
}

#[test]
fn fault_50_nested_limits_and_deadlines_end_on_time_on_a_paused_clock() {
    let times = prop_oneof![
        4 => (1_u64..60).prop_map(Duration::from_millis),
        1 => Just(Duration::MAX),
        1 => Just(Duration::from_nanos(1)),
        1 => Just(Duration::from_secs(u64::MAX)),
    ];
    let deadlines = prop_oneof![
        2 => (0_u64..60).prop_map(|ms| Some(Duration::from_millis(ms))),
        1 => Just(None),
    ];
    let late = Mutex::new(Duration::ZERO);
    let mut runner = TestRunner::new(Config::with_cases(300));
    let strategy = (
        proptest::collection::vec((times.clone(), times), 1..4),
        deadlines,
        0_u64..100,
    );
    let checked = runner.run(&strategy, |(limits, deadline, takes)| {
        let takes = Duration::from_millis(takes);
        let (result, elapsed, allowed) = paused().block_on(nested(&limits, deadline, takes));
        // With nothing left at the start not even an operation that takes no time is begun.
        let begun = deadline != Some(Duration::ZERO);
        let in_time = begun && allowed.is_none_or(|allowed| takes <= allowed);
        prop_assert_eq!(result.is_ok(), in_time, "{:?} of {:?}", takes, allowed);
        let expected = allowed.map_or(takes, |allowed| allowed.min(takes));
        let error = elapsed.saturating_sub(expected);
        let mut worst = late.lock().unwrap();
        *worst = (*worst).max(error);
        // The runtime's timers tick in milliseconds.
        prop_assert!(error < MS, "{:?} instead of {:?}", elapsed, expected);
        Ok(())
    });
    let worst = *late.lock().unwrap();
    if let Err(found) = &checked {
        eprintln!("{found}");
    }
    report(
        50,
        "nested limits with grace, zero left, Duration::MAX, 300 cases, paused",
        "exact to the timer's 1 ms",
        format!("{worst:?} late at worst, {}", checked.is_ok()),
        checked.is_ok() && worst < MS,
    );
}

#[test]
fn fault_50_a_deadline_in_the_past_and_a_limit_of_zero_start_nothing() {
    let runtime = paused();
    let calls = Arc::new(AtomicUsize::new(0));
    let counts = || {
        step_with(
            "fault_50_past",
            Arc::clone(&calls),
            async |calls: &Arc<AtomicUsize>, (): ()| {
                calls.fetch_add(1, Ordering::Relaxed);
                Ok(())
            },
        )
    };
    let refused = counts().timeout(Duration::ZERO).is_err();
    let errors = runtime.block_on(async {
        let ctx = tokio_clock();
        tokio::time::advance(10 * MS).await;
        let mut errors = 0;
        for ago in [Duration::ZERO, Duration::from_nanos(1), 10 * MS] {
            let past = ctx.with_deadline(ctx.now().checked_sub(ago).unwrap());
            let flow =
                counts().timeout(TimeoutConfig::new(Duration::MAX).with_grace(Duration::MAX));
            errors += usize::from(timed_out(flow.unwrap().execute((), &past).await));
        }
        errors
    });
    let calls = calls.load(Ordering::Relaxed);
    report(
        50,
        "deadline now, 1 ns and 10 ms ago; limit of zero",
        "3 errors, 0 calls, refused",
        format!("{errors} errors, {calls} calls, refused: {refused}"),
        (errors, calls, refused) == (3, 0, true),
    );
}

#[test]
fn fault_50_the_error_comes_within_5_ms_of_the_deadline_in_real_time() {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let (mut late, mut bare) = runtime.block_on(async {
        let never = step("fault_50_never", async |(): ()| {
            std::future::pending::<()>().await;
            Ok(())
        });
        let flow = never.timeout(20 * MS).unwrap().timeout(30 * MS).unwrap();
        let (mut late, mut bare) = (Vec::new(), Vec::new());
        for _ in 0..50 {
            let begun = Instant::now();
            let after = || begun.elapsed().saturating_sub(20 * MS);
            let timer = async {
                tokio::time::sleep(20 * MS).await;
                after()
            };
            let limited = async {
                assert!(timed_out(flow.run(()).await));
                after()
            };
            let (of_timer, of_error) = tokio::join!(timer, limited);
            bare.push(of_timer);
            late.push(of_error);
        }
        (late, bare)
    });
    let (median, bare) = (percentile(&mut late, 0.5), percentile(&mut bare, 0.5));
    report(
        50,
        "error after the deadline, median of 50, real clock",
        "<= 5 ms",
        format!("{median:?}, a bare timer {bare:?}"),
        // On a machine that is busy with something else every timer is late.
        median <= 5 * MS + bare.saturating_sub(2 * MS),
    );
}

#[test]
fn fault_51_a_step_that_never_yields_is_reported_as_an_overrun() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let flow = step("fault_51_spins", async |(): ()| {
        spin(30 * MS);
        Ok(())
    })
    .timeout(5 * MS)
    .unwrap();
    let error = runtime.block_on(flow.run(())).unwrap_err();
    let said = error.to_string();
    report(
        51,
        "a step that holds its thread 30 ms under a limit of 5 ms",
        "a timeout that says it held its thread",
        &said,
        error.kind() == ErrorKind::Timeout && said.contains("held its thread"),
    );
}

#[test]
fn fault_51_steps_on_blocking_threads_leave_the_workers_to_others() {
    let alone = latency_of_others(Blocking::None);
    let beside = latency_of_others(Blocking::OnItsOwnThread);
    let in_the_way = latency_of_others(Blocking::OnTheWorker);
    // A timer's tick is a millisecond; below it there is nothing to compare.
    let ratio = beside.max(MS).as_secs_f64() / alone.max(MS).as_secs_f64();
    report(
        51,
        "p99 of other workflows beside 2 steps that block, 2 workers",
        "<= 2 times alone",
        format!(
            "{ratio:.2} times: {beside:?} to {alone:?}; {in_the_way:?} without blocking threads"
        ),
        ratio <= 2.0,
    );
}

#[derive(Clone, Copy, PartialEq)]
enum Blocking {
    None,
    OnItsOwnThread,
    OnTheWorker,
}

/// The 99th percentile of a workflow that waits 5 ms, while two others block 20 ms at a time.
fn latency_of_others(blocking: Blocking) -> Duration {
    let runtime = Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    runtime.block_on(async {
        let blocks = || {
            step("fault_51_blocks", async |(): ()| {
                std::thread::sleep(20 * MS);
                Ok(())
            })
        };
        let mut blockers = Vec::new();
        for _ in 0..2 {
            let stop = Arc::clone(&stop);
            blockers.push(tokio::spawn(async move {
                while blocking != Blocking::None && !stop.load(Ordering::Relaxed) {
                    let _ = match blocking {
                        Blocking::OnTheWorker => blocks().timeout(MS).unwrap().run(()).await,
                        _ => {
                            blocks()
                                .on_blocking_thread()
                                .timeout(MS)
                                .unwrap()
                                .run(())
                                .await
                        }
                    };
                    tokio::task::yield_now().await;
                }
            }));
        }
        let other = tokio::spawn(async move {
            let flow = step("fault_51_other", async |(): ()| {
                tokio::time::sleep(5 * MS).await;
                Ok(())
            });
            let mut took = Vec::new();
            for _ in 0..100 {
                let begun = Instant::now();
                flow.run(()).await.unwrap();
                took.push(begun.elapsed());
            }
            took
        });
        let mut took = other.await.unwrap();
        stop.store(true, Ordering::Relaxed);
        for blocker in blockers {
            blocker.await.unwrap();
        }
        percentile(&mut took, 0.99)
    })
}

/// Runs an operation under the limits, each with its grace, the first innermost. Tells how long it
/// took, and how long it was allowed to.
async fn nested(
    limits: &[(Duration, Duration)],
    deadline: Option<Duration>,
    takes: Duration,
) -> (Result<()>, Duration, Option<Duration>) {
    let operation = step_with(
        "fault_50_nested",
        takes,
        async |takes: &Duration, (): ()| {
            if !takes.is_zero() {
                tokio::time::sleep(*takes).await;
            }
            Ok(())
        },
    );
    let ctx = tokio_clock();
    let far = |it: Duration| ctx.now().checked_add(it).map(|_| it);
    // From the outside in: each inherits the limit of the one around it, which has no grace.
    let mut inherited = deadline;
    let mut allowed = deadline;
    for (limit, grace) in limits.iter().rev() {
        let own = far(*limit);
        let stop = own.and_then(|limit| far(limit.checked_add(*grace)?));
        let stop = [stop, inherited].into_iter().flatten().min();
        allowed = [allowed, stop].into_iter().flatten().min();
        inherited = [own, inherited].into_iter().flatten().min();
    }
    let mut flow: tta_core::BoxFlow<(), ()> = operation.boxed().unwrap();
    for (limit, grace) in limits {
        let config = TimeoutConfig::new(*limit).with_grace(*grace);
        flow = flow.timeout(config).unwrap().boxed().unwrap();
    }
    let bounded = deadline.map(|it| ctx.with_deadline(ctx.now() + it));
    let result = flow.execute((), bounded.as_ref().unwrap_or(&ctx)).await;
    (result, ctx.elapsed(), allowed)
}

fn paused() -> Runtime {
    Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .unwrap()
}

fn tokio_clock() -> WorkflowContext {
    WorkflowContext::builder()
        .clock(|| tokio::time::Instant::now().into_std())
        .build()
}

fn timed_out<T>(result: Result<T>) -> bool {
    result.is_err_and(|error| error.kind() == ErrorKind::Timeout)
}

/// How many executions of a step are in flight.
fn held(name: &str) -> u64 {
    registry()
        .primitive_metrics(name)
        .map_or(0, |it| it.in_flight())
}

fn spin(time: Duration) {
    let begun = Instant::now();
    while begun.elapsed() < time {
        std::hint::spin_loop();
    }
}
