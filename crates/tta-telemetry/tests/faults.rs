//! What telemetry does when its backend does not work.

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use support::{
    Act, SPANS, Scripted, alone, assert_balanced, eventually, run_workflow, run_workflows, timed,
    traces_only,
};
use tta_telemetry::{DropReason, ObservabilityConfig, Protocol, State};
use tta_testkit::faults::report;
use tta_testkit::network::{BlackHole, ClosedPort};
use tta_testkit::otlp::{OtlpReceiver, ReceivedSpan, Reply};

/// A shutdown's deadline in these tests, and how much longer it may take.
const DEADLINE: Duration = Duration::from_millis(500);
const MARGIN: Duration = Duration::from_millis(100);

fn to(endpoint: String, protocol: Protocol) -> ObservabilityConfig {
    traces_only()
        .with_otlp_endpoint(endpoint)
        .with_otlp_protocol(protocol)
        .with_shutdown_timeout(DEADLINE)
}

/// Reports how long a shutdown took.
fn in_time(row: u8, part: &str, shutdown: Duration) {
    let part = format!("shutdown, {part}");
    let met = shutdown <= DEADLINE + MARGIN;
    report(
        row,
        &part,
        "<= 0.6 s of a deadline of 0.5 s",
        format!("{shutdown:.1?}"),
        met,
    );
}

const BOTH: [Protocol; 2] = [Protocol::Grpc, Protocol::HttpProtobuf];

#[test]
fn fault_1_a_collector_that_is_down_at_the_start_degrades_and_nothing_else() {
    let _alone = alone();
    let closed = ClosedPort::reserve().unwrap();
    for protocol in BOTH {
        let (guard, init) = timed(|| to(closed.endpoint(), protocol).init());
        let status = guard.status();
        assert_eq!(
            status.part("traces").unwrap().state,
            State::Degraded,
            "{status}"
        );
        assert!(status.last_export_error.unwrap().contains("refused"));
        run_workflows(100);
        assert_balanced(&guard);
        let met = init <= Duration::from_millis(50);
        let part = format!("init, {}", protocol.as_str());
        report(
            1,
            &part,
            "<= 50 ms, ledger exact",
            format!("{init:.1?}"),
            met,
        );
    }
}

#[test]
fn fault_6_a_collector_that_refuses_does_not_hold_the_shutdown_up() {
    let _alone = alone();
    let closed = ClosedPort::reserve().unwrap();
    for protocol in BOTH {
        let guard = to(closed.endpoint(), protocol).init();
        run_workflows(100);
        let (stopped, shutdown) = timed(|| guard.shutdown());
        assert_eq!(stopped.left, 100 * SPANS);
        assert_eq!(stopped.ledger.traces.dropped_for(DropReason::Shutdown), 300);
        let error = stopped.result().unwrap_err().to_string();
        assert!(error.contains("300"), "{error}");
        assert_balanced(&guard);
        in_time(6, protocol.as_str(), shutdown);
    }
}

#[test]
fn fault_3_an_outage_of_two_seconds_loses_nothing() {
    let _alone = alone();
    for protocol in BOTH {
        let receiver = OtlpReceiver::start().unwrap();
        let endpoint = match protocol {
            Protocol::Grpc => receiver.grpc_endpoint(),
            _ => receiver.http_endpoint(),
        };
        let guard = to(endpoint, protocol)
            .with_batch_delay(Duration::from_secs(5))
            .with_shutdown_timeout(Duration::from_secs(5))
            .init();
        let began = Instant::now();
        let mut sent = 0;
        let mut is_down = false;
        // 1,000 spans a second for four seconds, with nobody there from 0.7 s to 2.7 s.
        while began.elapsed() < Duration::from_secs(4) {
            let due = u64::try_from(began.elapsed().as_millis()).unwrap();
            while sent < due {
                run_workflow().unwrap();
                sent += SPANS;
            }
            let outage = (700..2_700).contains(&began.elapsed().as_millis());
            if outage != is_down {
                is_down = outage;
                if outage {
                    // Killed in mid-run: its connections break, and its port is closed.
                    assert!(receiver.span_count() > 0 && receiver.connection_count() > 0);
                    receiver.stop();
                } else {
                    receiver.restart_on_same_port().unwrap();
                }
            }
            assert_balanced(&guard);
            std::thread::sleep(Duration::from_millis(3));
        }
        let stopped = guard.shutdown();
        assert_eq!(stopped.ledger.traces.created, sent);
        assert_eq!(stopped.ledger.traces.dropped(), 0, "{stopped:?}");
        let mut ids: Vec<_> = receiver.spans().iter().map(ReceivedSpan::span_id).collect();
        ids.sort_unstable();
        ids.dedup();
        let lost = sent - ids.len() as u64;
        assert!(receiver.connection_count() > 1, "a new connection was made");
        let measured = format!("{lost} of {sent}");
        report(3, protocol.as_str(), "0 lost", measured, lost == 0);
    }
}

#[test]
fn fault_5_a_collector_that_never_answers_holds_up_neither_work_nor_shutdown() {
    let _alone = alone();
    let hole = BlackHole::open().unwrap();
    for protocol in BOTH {
        let guard = to(hole.endpoint(), protocol)
            .with_otlp_timeout(Duration::from_millis(200))
            .init();
        run_workflows(100);
        eventually("the attempt is given up", || {
            guard.status().last_export_error.is_some()
        });
        let error = guard.status().last_export_error.unwrap();
        assert!(error.contains("no answer within 200 ms"), "{error}");
        assert_balanced(&guard);
        let (stopped, shutdown) = timed(|| guard.shutdown());
        assert_eq!(stopped.left, 300);
        assert_balanced(&guard);
        in_time(5, protocol.as_str(), shutdown);
    }
}

#[test]
fn a_full_queue_drops_the_newest_and_counts_them() {
    let _alone = alone();
    let sink = Scripted::new(|_| Act::Hang);
    let guard = traces_only()
        .with_span_sink(sink)
        .with_queue_size(300)
        .with_batch_size(30)
        .with_shutdown_timeout(Duration::ZERO)
        .init();
    run_workflows(1_000);
    let account = guard.ledger().traces;
    assert_eq!(account.created, 3_000);
    assert_eq!(
        account.queued + account.in_flight + account.dropped(),
        3_000
    );
    // What is in flight when the queue fills depends on when the worker came to it.
    assert!(
        (2_640..=2_700).contains(&account.dropped_for(DropReason::QueueFull)),
        "{account:?}"
    );
    assert_balanced(&guard);
    drop(guard);
}

#[test]
fn a_queue_is_bounded_in_bytes_too() {
    let _alone = alone();
    let sink = Scripted::new(|_| Act::Hang);
    let guard = traces_only()
        .with_span_sink(sink)
        .with_queue_bytes(100_000)
        .with_batch_size(2_000)
        .with_batch_delay(Duration::from_mins(1))
        .with_shutdown_timeout(Duration::ZERO)
        .init();
    run_workflows(1_000);
    let account = guard.ledger().traces;
    assert!(
        account.queued > 100 && account.queued < 1_000,
        "{account:?}"
    );
    assert_eq!(
        account.dropped_for(DropReason::QueueFull),
        3_000 - account.queued
    );
    assert_balanced(&guard);
    drop(guard);
}

#[test]
fn fault_15_an_exporter_that_panics_once_costs_one_batch() {
    let _alone = alone();
    let sink = Scripted::new(|attempt| if attempt == 0 { Act::Panic } else { Act::Take });
    let guard = traces_only().with_span_sink(sink.clone()).init();
    run_workflow().unwrap();
    eventually("the first batch is lost", || {
        guard.ledger().traces.dropped() > 0
    });
    assert_eq!(guard.status().state, State::Degraded);
    run_workflows(100);
    assert!(guard.flush(Duration::from_secs(5)));
    let account = guard.ledger().traces;
    let lost = account.dropped_for(DropReason::ExporterPanic);
    assert_eq!(account.delivered, 300);
    assert_eq!(sink.spans().len(), 300);
    assert_eq!(guard.status().state, State::Healthy);
    assert_balanced(&guard);
    let measured = format!("{lost} of 303 spans");
    report(
        15,
        "panics once",
        "one batch of 3 spans lost",
        measured,
        lost == SPANS,
    );
}

#[test]
fn fault_15_an_exporter_that_always_panics_is_counted_and_stopped_in_time() {
    let _alone = alone();
    let sink = Scripted::new(|_| Act::Panic);
    let guard = traces_only()
        .with_span_sink(sink.clone())
        .with_shutdown_timeout(DEADLINE)
        .init();
    let mut created = 0;
    eventually("it panics again", || {
        run_workflow().unwrap();
        created += SPANS;
        assert_balanced(&guard);
        sink.attempts() > 1
    });
    let (stopped, shutdown) = timed(|| guard.shutdown());
    let account = stopped.ledger.traces;
    assert_eq!(account.created, created);
    assert_eq!(
        account.dropped_for(DropReason::ExporterPanic) + account.dropped_for(DropReason::Shutdown),
        created
    );
    assert_balanced(&guard);
    in_time(15, "panics always", shutdown);
}

#[test]
fn the_ledger_balances_at_every_instant_under_load_and_trouble() {
    let _alone = alone();
    let sink = Scripted::new(|attempt| match attempt % 5 {
        1 => Act::Panic,
        2 => Act::Fail(tta_telemetry::ExportError::Rejected {
            message: "no".into(),
        }),
        3 => Act::Fail(tta_telemetry::ExportError::Unreachable {
            message: "gone".into(),
        }),
        _ => Act::Take,
    });
    let guard = traces_only()
        .with_span_sink(sink)
        .with_queue_size(500)
        .with_batch_size(50)
        .init();
    let is_over = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut readings = 0;
            while !is_over.load(Ordering::Relaxed) {
                assert_balanced(&guard);
                readings += 1;
            }
            readings
        });
        let workers: Vec<_> = (0..3)
            .map(|_| scope.spawn(|| run_workflows(1_000)))
            .collect();
        for worker in workers {
            worker.join().unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        println!("{} readings", watching.join().unwrap());
    });
    let report = guard.shutdown();
    println!("{report:?}");
    assert_eq!(report.ledger.traces.created, 9_000);
    assert_balanced(&guard);
}

#[test]
fn fault_23_a_shutdown_under_load_delivers_all_that_was_accepted() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let guard = to(receiver.grpc_endpoint(), Protocol::Grpc)
        .with_batch_delay(Duration::from_mins(1))
        .with_batch_size(2_048)
        .with_shutdown_timeout(Duration::from_secs(2))
        .init();
    let is_over = AtomicBool::new(false);
    let shutdown = std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    run_workflow().unwrap();
                }
            });
        }
        eventually("the queue is nearly full", || {
            guard.ledger().traces.queued > 1_500
        });
        let (_, shutdown) = timed(|| guard.shutdown());
        is_over.store(true, Ordering::Relaxed);
        shutdown
    });
    let account = guard.ledger().traces;
    assert_eq!(account.delivered, receiver.span_count() as u64);
    assert_eq!((account.queued, account.in_flight), (0, 0));
    let lost = account.dropped() - account.dropped_for(DropReason::QueueFull);
    assert_eq!(
        lost,
        account.dropped_for(DropReason::Shutdown),
        "only late ones"
    );
    assert_balanced(&guard);
    let measured = format!("0 lost, {shutdown:.1?}");
    let met = shutdown <= Duration::from_millis(500);
    report(
        23,
        "a full queue",
        "0 lost of what was accepted, <= 500 ms",
        measured,
        met,
    );
}

#[test]
fn a_backend_that_comes_back_makes_the_state_healthy_again() {
    let _alone = alone();
    let sink = Scripted::new(|attempt| {
        if attempt < 3 {
            Act::Fail(tta_telemetry::ExportError::Unreachable {
                message: "gone".into(),
            })
        } else {
            Act::Take
        }
    });
    let guard = traces_only().with_span_sink(sink.clone()).init();
    run_workflow().unwrap();
    eventually("it is noticed", || guard.status().state == State::Degraded);
    assert!(guard.flush(Duration::from_secs(5)));
    assert_eq!(guard.status().state, State::Healthy);
    assert_eq!(sink.attempts(), 4);
    drop(guard);
}

#[test]
fn an_endpoint_that_is_none_sends_nothing_and_says_so() {
    let _alone = alone();
    for (endpoint, why) in [
        ("localhost:4317", "no scheme"),
        ("http://", "names no host"),
        ("http://localhost:99999", "port"),
    ] {
        let guard = traces_only().with_otlp_endpoint(endpoint).init();
        let status = guard.status();
        let part = status.part("traces").unwrap();
        assert_eq!(part.state, State::Degraded, "{endpoint}");
        let reason = part.reason.as_deref().unwrap();
        assert!(reason.contains(why), "{endpoint}: {reason}");
        run_workflow().unwrap();
        assert_eq!(guard.ledger().traces.created, 0);
    }
}

#[test]
fn a_reply_that_is_garbage_or_endless_is_no_trouble() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let guard = to(receiver.http_endpoint(), Protocol::HttpProtobuf).init();
    receiver.push(Reply::Garbage(vec![0xff; 10 << 20].into()));
    run_workflow().unwrap();
    assert!(guard.flush(Duration::from_secs(5)));
    assert_eq!(guard.ledger().traces.delivered, SPANS);
    assert_balanced(&guard);
}

#[test]
fn while_the_backend_is_away_two_batches_are_in_hand_beside_the_queue() {
    let _alone = alone();
    let sink = Scripted::new(|_| {
        Act::Fail(tta_telemetry::ExportError::Unreachable {
            message: "gone".into(),
        })
    });
    let guard = traces_only()
        .with_span_sink(sink)
        .with_queue_size(60)
        .with_batch_size(30)
        .with_shutdown_timeout(Duration::ZERO)
        .init();
    run_workflows(10);
    eventually("the first batch is in hand", || {
        guard.ledger().traces.in_flight == 30
    });
    run_workflows(20);
    eventually("the second is", || guard.ledger().traces.in_flight == 60);
    run_workflows(10);
    let account = guard.ledger().traces;
    assert_eq!((account.queued, account.dropped()), (60, 0), "{account:?}");
    assert_balanced(&guard);
}
