//! Rows of the table of faults that the core alone can show.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use allocation_counter::measure;
use tokio::time::sleep;
use tta_core::{
    BoxFlow, Error, FailurePolicy, Flow, Level, Parent, Recorder, Result, TraceId, TraceNotes,
    WorkflowContext, parallel_all, step, step_with,
};
use tta_testkit::conformance::tokio_clock;
use tta_testkit::faults::report;
use tta_testkit::measured::measured;
use tta_testkit::mock::{Answer, MockPrimitive};
use tta_testkit::recording::{RecordingRecorder, error_type};

type Running = Pin<Box<dyn Future<Output = Result<u64>> + Send>>;

const WORKFLOWS: usize = 100_000;

#[test]
fn fault_55_a_hundred_thousand_workflows_at_once() {
    static OPEN: AtomicBool = AtomicBool::new(false);
    async fn gate() {
        poll_fn(|_| {
            if OPEN.load(Ordering::Relaxed) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
    let add = |name| step(name, async |n: u64| Ok(n + 1));
    let wait = step("wait_55", async |n: u64| {
        gate().await;
        Ok(n)
    });
    let flow = Arc::new((add("first_55") >> wait >> add("last_55")).named("crowd_55"));

    // What any program holds that has so many requests in hand.
    let (plain, by_hand) = held(|n| {
        Box::pin(async move {
            let n = n + 1;
            gate().await;
            Ok(n + 1)
        })
    });
    let recorder = RecordingRecorder::new();
    for (part, recorder) in [("traced", Some(&recorder)), ("without a recorder", None)] {
        let (crowd, observed) = held(|n| {
            let flow = Arc::clone(&flow);
            let ctx = recorder.map_or_else(WorkflowContext::new, RecordingRecorder::context);
            Box::pin(async move { flow.execute(n, &ctx).await })
        });
        let own = (observed - by_hand) / i64::try_from(WORKFLOWS).unwrap();
        let active = measured("active_workflows", &["crowd_55"]);
        let goal = "100000 in the gauge";
        report(55, part, goal, active, (active - 1e5).abs() < f64::EPSILON);
        report(55, part, "<= 4 KiB each", format!("{own} B"), own <= 4_096);

        OPEN.store(true, Ordering::Relaxed);
        for (n, mut workflow) in crowd.into_iter().enumerate() {
            let polled = workflow
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
            assert!(matches!(polled, Poll::Ready(Ok(answer)) if answer == n as u64 + 2));
        }
        OPEN.store(false, Ordering::Relaxed);
        let active = measured("active_workflows", &["crowd_55"]);
        let goal = "0 in the gauge when all have ended";
        report(55, part, goal, active, active.abs() < f64::EPSILON);
    }
    assert_eq!(recorder.spans().len(), 4 * WORKFLOWS);
    drop(plain);
}

/// Starts so many at once, and tells how many bytes they hold while they wait.
fn held(start: impl Fn(u64) -> Running) -> (Vec<Running>, i64) {
    let mut running = Vec::with_capacity(WORKFLOWS);
    let info = measure(|| {
        for n in 0..WORKFLOWS as u64 {
            let mut workflow = start(n);
            let polled = workflow
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending());
            running.push(workflow);
        }
    });
    (running, info.bytes_current)
}

/// Samples every trace, or none, and keeps nothing.
struct Tracing(bool);

impl Recorder for Tracing {
    fn sample(&self, _: TraceId, _: Option<&Parent>) -> bool {
        self.0
    }

    fn record(&self, trace: TraceNotes) {
        std::hint::black_box(trace);
    }

    fn log_level(&self) -> Option<Level> {
        None
    }
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "a figure of optimised code: cargo xtask faults --row 55"
)]
fn fault_55_tracing_costs_throughput() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let read = |name| {
        step(name, async |page: Arc<str>| {
            tokio::task::yield_now().await;
            let words = page.split_whitespace().map(str::to_lowercase);
            std::hint::black_box(words.filter(|word| word.len() > 3).count());
            Ok(page)
        })
    };
    let flow = Arc::new((read("read_a") >> read("read_b") >> read("read_c")).named("reading"));
    let page: Arc<str> = "The quick brown fox jumps over the lazy dog. "
        .repeat(20)
        .into();
    let run = |tracing: &Arc<Tracing>| {
        let before = on_cpu();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..WORKFLOWS)
                .map(|_| {
                    let (flow, page) = (Arc::clone(&flow), Arc::clone(&page));
                    let ctx = WorkflowContext::builder()
                        .recorder(Arc::clone(tracing) as _)
                        .build();
                    tokio::spawn(async move { flow.execute(page, &ctx).await })
                })
                .collect();
            for task in tasks {
                task.await.unwrap().unwrap();
            }
        });
        on_cpu() - before
    };
    let (off, on) = (Arc::new(Tracing(false)), Arc::new(Tracing(true)));
    run(&on);
    let mut losses: Vec<f64> = (0..9)
        .map(|_| {
            let (off, on) = (run(&off), run(&on));
            1.0 - off / on
        })
        .collect();
    losses.sort_by(f64::total_cmp);
    let each = run(&off) / (3.0 * WORKFLOWS as f64);
    let part = format!("every trace sampled, steps of {:.1} us", each / 1e3);
    let loss = losses[losses.len() / 2];
    report(
        55,
        &part,
        "throughput loss <= 5 %",
        format!("{:.1} %", loss * 100.0),
        loss <= 0.05,
    );
}

/// For how many nanoseconds this thread has had a processor; what else runs on the machine is no part of it.
fn on_cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split_whitespace().next().unwrap().parse().unwrap()
}

const ROUNDS: usize = 1_000;

/// A parallel whose branches wait for one another's time: 10 ms until one breaks or panics, and
/// 30 ms for the others.
fn branches(sibling: &MockPrimitive<u64, u64>, breaks: fn() -> Error) -> [BoxFlow<u64, u64>; 3] {
    let breaking = step_with(
        "breaks_56",
        breaks,
        async |breaks: &fn() -> Error, _: u64| {
            sleep(Duration::from_millis(10)).await;
            Err::<u64, _>(breaks())
        },
    );
    let slow = || Flow::new(sibling.clone()).boxed().unwrap();
    [slow(), breaking.boxed().unwrap(), slow()]
}

/// Runs so many parallels that fail, and tells how many siblings were awaited, how many dropped,
/// how many spans have no parent and how many tasks are left.
fn fail_in_parallel(
    made_at_run_time: bool,
    policy: FailurePolicy,
    breaks: fn() -> Error,
) -> (usize, usize, usize, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    let recorder = RecordingRecorder::new();
    let sibling = MockPrimitive::new("sibling_56")
        .with_default(|n: &u64| Answer::value(*n).after(Duration::from_millis(30)));
    let left = runtime.block_on(async {
        let [a, b, c] = branches(&sibling, breaks);
        let parallel = if made_at_run_time {
            let flow = parallel_all([a, b, c]).unwrap().with_failure_policy(policy);
            (flow >> step("sum", async |all: Vec<u64>| Ok(all.len()))).boxed()
        } else {
            let flow = (a | b | c).with_failure_policy(policy);
            (flow >> step("sum", async |_: (u64, u64, u64)| Ok(3))).boxed()
        };
        let parallel = Arc::new(parallel.unwrap());
        let tasks: Vec<_> = (0..ROUNDS)
            .map(|_| {
                let ctx = recorder.builder().clock(tokio_clock).build();
                let parallel = Arc::clone(&parallel);
                tokio::spawn(async move { parallel.execute(1, &ctx).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap_err();
        }
        tokio::runtime::Handle::current()
            .metrics()
            .num_alive_tasks()
    });
    let spans = recorder.spans();
    let ids: std::collections::HashSet<_> = spans.iter().map(|span| span.span_id).collect();
    let orphans = spans
        .iter()
        .filter(|span| span.parent_id.is_valid() && !ids.contains(&span.parent_id));
    let siblings = recorder.spans_named("sibling_56.execute");
    let cancelled = siblings
        .iter()
        .filter(|span| error_type(span) == Some("cancelled"));
    assert_eq!(cancelled.count(), sibling.dropped());
    assert_eq!(sibling.running(), 0);
    (sibling.answered(), sibling.dropped(), orphans.count(), left)
}

#[test]
fn fault_56_a_branch_of_a_parallel_fails_while_its_siblings_are_slow() {
    let fails: fn() -> Error = || Error::msg("it broke");
    // Without the hook, which would write four thousand messages.
    let panics: fn() -> Error = || std::panic::resume_unwind(Box::new("as the test told it"));
    for (made_at_run_time, make) in [(false, "`a | b`"), (true, "`parallel_all`")] {
        for (breaks, how) in [(fails, "fails"), (panics, "panics")] {
            for (policy, chosen, expected) in [
                (FailurePolicy::FailFast, "cancelled", (0, 2 * ROUNDS)),
                (FailurePolicy::AwaitAll, "awaited", (2 * ROUNDS, 0)),
            ] {
                let (awaited, dropped, orphans, tasks) =
                    fail_in_parallel(made_at_run_time, policy, breaks);
                report(
                    56,
                    &format!("a branch of {make} {how}, siblings to be {chosen}"),
                    "2000 of 2000 siblings so, 0 orphan spans, 0 tasks left",
                    format!(
                        "{awaited} awaited, {dropped} cancelled, {orphans} orphans, {tasks} tasks"
                    ),
                    ((awaited, dropped), orphans, tasks) == (expected, 0, 0),
                );
            }
        }
    }
}
