//! Starting and stopping, in every order and from everywhere.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::net::TcpListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use support::{
    Act, Scripted, alone, assert_balanced, block_on, eventually, run_workflow, run_workflows,
    timed, traces_only,
};
use tta_telemetry::{
    ObservabilityConfig, ObservabilityGuard, SpanSink, State, initialize_observability,
    is_prometheus_enabled, shutdown_observability,
};
use tta_testkit::faults::report;
use tta_testkit::http::get;
use tta_testkit::network::{BlackHole, ClosedPort};

const DEADLINE: Duration = Duration::from_millis(300);
const MARGIN: Duration = Duration::from_millis(100);

fn everything() -> ObservabilityConfig {
    let sink: Arc<dyn SpanSink> = Scripted::new(|_| Act::Take);
    traces_only()
        .with_span_sink(sink)
        .with_prometheus(true)
        .with_prometheus_port(0)
        .with_shutdown_timeout(DEADLINE)
}

/// To a backend that never answers, with spans that wait: the slowest shutdown there is.
fn stuck(hole: &BlackHole) -> ObservabilityGuard {
    let guard = traces_only()
        .with_otlp_endpoint(hole.endpoint())
        .with_shutdown_timeout(DEADLINE)
        .init();
    run_workflows(10);
    guard
}

/// Makes what is made once in a process: the thread that writes lines, which has its name when it
/// has written one.
fn make_what_stays() {
    let guard = everything().init();
    run_workflow().unwrap();
    assert!(guard.flush(Duration::from_secs(5)));
}

/// The threads of ours; those of the tests come and go.
fn threads() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let names = tasks.map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")));
    // A thread that ended meanwhile has no name.
    names
        .filter(|name| name.as_ref().is_ok_and(|name| name.starts_with("tta")))
        .count()
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn fault_19_it_works_without_a_runtime_and_inside_each_kind() {
    let _alone = alone();
    let use_it = || {
        let guard = everything().init();
        run_on_this_thread();
        let report = guard.shutdown();
        assert!(report.result().is_ok());
        report.ledger.traces.delivered
    };
    let mut delivered = use_it();
    delivered += block_on(async { use_it() });
    delivered += tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
        .block_on(async { use_it() });
    let part = "no runtime, a current-thread one, a multi-thread one";
    let measured = format!("{delivered} of 6 spans delivered");
    report(
        19,
        part,
        "0 panics, all delivered",
        measured,
        delivered == 6,
    );
}

/// A workflow whose steps never wait needs no runtime.
fn run_on_this_thread() {
    use std::task::{Context, Poll, Waker};
    let ctx = tta_core::WorkflowContext::new();
    let flow = tta_core::step("now", async |()| Ok(()));
    let mut future = std::pin::pin!(flow.execute((), &ctx));
    let polled = future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Ready(Ok(()))));
}

#[test]
fn metrics_and_health_answer_while_it_runs_and_the_port_is_free_afterwards() {
    let _alone = alone();
    assert!(!is_prometheus_enabled());
    let guard = everything().init();
    assert!(is_prometheus_enabled());
    run_workflows(2);
    assert!(guard.flush(Duration::from_secs(5)));
    let url = guard.status().metrics_url.unwrap();
    let address = url
        .trim_start_matches("http://")
        .trim_end_matches("/metrics");
    let page = get(address.parse().unwrap(), "/metrics").unwrap().text();
    for line in [
        "telemetry_records_created_total{signal=\"traces\"} ",
        "telemetry_records_delivered_total{signal=\"traces\"} ",
        "telemetry_records_dropped_total{signal=\"traces\",reason=\"queue_full\"} 0",
        "telemetry_queue_records{signal=\"traces\"} 0",
        "telemetry_export_duration_seconds_count{signal=\"traces\",protocol=\"test\"} ",
        "telemetry_exporter_up{signal=\"traces\",protocol=\"test\"} 1",
        "target_info{",
        "tta_build_info{",
        "process_cpu_seconds_total",
    ] {
        assert!(page.contains(line), "{line} in {page}");
    }
    let health = get(address.parse().unwrap(), "/health").unwrap();
    let health: serde_json::Value = serde_json::from_slice(health.body()).unwrap();
    assert_eq!(health["status"], "healthy");
    assert_eq!(health["ledger"]["traces"]["delivered"], 6);
    drop(guard);
    assert!(!is_prometheus_enabled());
    TcpListener::bind(address).unwrap();
}

#[test]
fn fault_29_a_port_that_is_taken_degrades_the_metrics_alone() {
    let _alone = alone();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let (guard, init) = timed(|| everything().with_prometheus_port(port).init());
    assert!(!is_prometheus_enabled());
    let status = guard.status();
    assert_eq!(status.state, State::Degraded);
    let metrics = status.part("metrics").unwrap();
    assert_eq!(metrics.state, State::Degraded);
    assert!(
        metrics
            .reason
            .as_deref()
            .unwrap()
            .contains("the port is taken")
    );
    assert_eq!(status.part("traces").unwrap().state, State::Healthy);
    assert!(status.metrics_url.is_none());
    run_workflow().unwrap();
    assert_eq!(guard.shutdown().ledger.traces.delivered, 3);
    let met = init <= Duration::from_millis(50);
    report(
        29,
        "init",
        "<= 50 ms, the rest works",
        format!("{init:.1?}"),
        met,
    );
}

#[test]
fn a_second_initialisation_shares_the_first() {
    let _alone = alone();
    let first = everything().init();
    let second = everything().init();
    assert!(!first.status().already_initialized);
    assert!(second.status().already_initialized);
    assert_eq!(first.status().metrics_url, second.status().metrics_url);
    drop(second);
    assert!(is_prometheus_enabled());
    drop(first);
    assert!(!is_prometheus_enabled());
}

#[test]
fn fault_20_an_initialisation_after_a_shutdown_is_a_new_one_and_leaves_nothing_behind() {
    let _alone = alone();
    make_what_stays();
    let before = (threads(), descriptors());
    for round in 0..50 {
        let guard = everything().init();
        assert!(!guard.status().already_initialized);
        run_workflow().unwrap();
        let report = guard.shutdown();
        assert_eq!(report.ledger.traces.delivered, 3, "{round}");
    }
    eventually("nothing is left", || {
        threads() <= before.0 && descriptors() <= before.1
    });
    let goal = "no thread or descriptor of ours left";
    let left = |now: usize, before: usize| now.saturating_sub(before);
    let left = (left(threads(), before.0), left(descriptors(), before.1));
    let measured = format!("{} threads, {} descriptors", left.0, left.1);
    report(20, "50 times over", goal, measured, left == (0, 0));
}

#[test]
fn fault_21_a_hundred_threads_race_and_one_wins() {
    let _alone = alone();
    make_what_stays();
    let before = threads();
    let mut winners = 0;
    for _ in 0..1_000 {
        let barrier = Barrier::new(100);
        let won = AtomicUsize::new(0);
        let guards: Vec<_> = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..100)
                .map(|_| {
                    scope.spawn(|| {
                        let config = everything();
                        barrier.wait();
                        let guard = config.init();
                        if !guard.status().already_initialized {
                            won.fetch_add(1, Ordering::Relaxed);
                        }
                        guard
                    })
                })
                .collect();
            racers
                .into_iter()
                .map(|racer| racer.join().unwrap())
                .collect()
        });
        assert_eq!(won.load(Ordering::Relaxed), 1);
        winners += won.into_inner();
        let urls: std::collections::HashSet<_> = guards
            .iter()
            .map(|guard| guard.status().metrics_url)
            .collect();
        assert_eq!(urls.len(), 1);
        drop(guards);
    }
    eventually("no thread is left", || threads() <= before);
    let left = threads().saturating_sub(before);
    let measured = format!("{winners} winners, {left} threads left");
    let goal = "1 winner in each, 0 threads left";
    report(
        21,
        "1,000 rounds",
        goal,
        measured,
        (winners, left) == (1_000, 0),
    );
}

#[test]
fn fault_22_a_shutdown_is_safe_before_twice_and_at_once() {
    let _alone = alone();
    let (_, before) = timed(shutdown_observability);
    assert!(before <= Duration::from_millis(1), "{before:?}");

    let hole = BlackHole::open().unwrap();
    let guard = stuck(&hole);
    let (first, took) = timed(shutdown_observability);
    assert!(took <= DEADLINE + MARGIN, "{took:?}");
    assert_eq!(first.left, 30);
    let (second, again) = timed(shutdown_observability);
    let (third, on_guard) = timed(|| guard.shutdown());
    let ((), on_drop) = timed(|| drop(guard));
    assert_eq!((first, first), (second, third));
    for (part, took, most) in [
        ("a second shutdown", again, 1),
        ("one on the guard", on_guard, 1),
        ("drop after it", on_drop, 10),
    ] {
        let met = took <= Duration::from_millis(most);
        report(
            22,
            part,
            &format!("<= {most} ms"),
            format!("{took:.1?}"),
            met,
        );
    }

    let guard = stuck(&hole);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let (report, took) = timed(|| guard.shutdown());
                assert!(took <= DEADLINE + MARGIN, "{took:?}");
                assert_eq!(report.left, 30);
            });
        }
    });
    assert_balanced(&guard);
}

#[test]
fn fault_22_a_shutdown_keeps_its_deadline_in_a_drop_in_async_code_and_in_a_panic_hook() {
    let _alone = alone();
    let hole = BlackHole::open().unwrap();
    let within = |what: &str, stop: &dyn Fn(ObservabilityGuard)| {
        let guard = stuck(&hole);
        let ((), took) = timed(|| stop(guard));
        let met = took <= DEADLINE + MARGIN;
        report(
            22,
            what,
            "<= 0.4 s of a deadline of 0.3 s",
            format!("{took:.1?}"),
            met,
        );
    };
    within("drop", &|guard| drop(guard));
    within("current-thread runtime", &|guard| {
        block_on(async {
            guard.shutdown();
        });
    });
    within("drop in async code", &|guard| {
        block_on(async { drop(guard) });
    });
    within("drop while unwinding", &|guard| {
        let unwound = std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || {
            let _guard = guard;
            std::panic::resume_unwind(Box::new("as the test told it"));
        }));
        assert!(unwound.is_err());
    });
    within("panic hook", &|guard| {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(|_| {
            shutdown_observability();
        }));
        let panicked = std::panic::catch_unwind(|| panic!("as the test told it"));
        std::panic::set_hook(hook);
        assert!(panicked.is_err());
        assert!(guard.shutdown().left > 0);
    });
}

#[test]
fn a_panic_hook_on_the_exporters_own_thread_does_not_wait_for_itself() {
    let _alone = alone();
    let sink: Arc<dyn SpanSink> = Scripted::new(|_| Act::Panic);
    let guard = traces_only()
        .with_span_sink(sink)
        .with_shutdown_timeout(DEADLINE)
        .init();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {
        shutdown_observability();
    }));
    run_workflow().unwrap();
    eventually("the batch is lost", || guard.ledger().traces.dropped() == 3);
    std::panic::set_hook(hook);
    let (_, took) = timed(|| guard.shutdown());
    assert!(took <= DEADLINE + MARGIN, "{took:?}");
    assert_balanced(&guard);
}

#[test]
fn a_primitive_that_was_built_before_is_observed_afterwards() {
    let _alone = alone();
    let flow = tta_core::step("early", async |n: u32| Ok(n));
    let sink = Scripted::new(|_| Act::Take);
    let guard = traces_only().with_span_sink(sink.clone()).init();
    block_on(async {
        flow.execute(1, &tta_core::WorkflowContext::new())
            .await
            .unwrap();
    });
    guard.shutdown();
    assert_eq!(sink.spans().len(), 2);
}

#[test]
fn a_span_that_ends_after_the_shutdown_is_counted_and_no_trouble() {
    let _alone = alone();
    let guard = everything().init();
    block_on(async {
        let slow = tta_core::step("slow", async |()| {
            shutdown_observability();
            Ok(())
        });
        slow.execute((), &tta_core::WorkflowContext::new())
            .await
            .unwrap();
    });
    let account = guard.ledger().traces;
    assert_eq!(account.dropped_for(tta_telemetry::DropReason::Shutdown), 2);
    assert_balanced(&guard);
}

#[test]
fn switched_off_it_does_nothing() {
    let _alone = alone();
    let closed = ClosedPort::reserve().unwrap();
    let guard = ObservabilityConfig::from_env_with("off", |name| match name {
        "OTEL_SDK_DISABLED" => Some("TRUE".to_owned()),
        "OTEL_EXPORTER_OTLP_ENDPOINT" => Some(closed.endpoint()),
        _ => None,
    })
    .with_enabled(true)
    .init();
    assert_eq!(guard.status().state, State::Disabled);
    assert!(!is_prometheus_enabled());
    run_workflow().unwrap();
    assert_eq!(guard.ledger().traces.created, 0);
}

#[test]
fn without_an_endpoint_nothing_leaves_the_process() {
    let _alone = alone();
    let guard = ObservabilityConfig::new("quiet")
        .with_prometheus(false)
        .init();
    let status = guard.status();
    assert_eq!(status.part("traces").unwrap().state, State::Disabled);
    assert!(status.otlp_endpoint.is_none());
    run_workflow().unwrap();
    assert_eq!(guard.ledger().traces.created, 0);
}

#[test]
fn the_short_form_reads_the_environment_of_this_process() {
    let _alone = alone();
    let guard = initialize_observability("short");
    let setting = guard.status();
    let setting = setting.setting("OTEL_SERVICE_NAME").unwrap().clone();
    let expected = std::env::var("OTEL_SERVICE_NAME").unwrap_or_else(|_| "short".to_owned());
    assert_eq!(setting.value, expected);
}
