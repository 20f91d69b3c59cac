//! A backend that goes away in the middle, and comes back.

use std::time::{Duration, Instant};

use tta_telemetry::{DropReason, Protocol};
use tta_testkit::faults::report;
use tta_testkit::otlp::{OtlpReceiver, ReceivedSpan, Reply, Signal};
use tta_testkit::proxy::FaultProxy;

use crate::child::lines_of;
use crate::signals::{
    BOTH, PATIENCE, assert_all_balanced, await_that, endpoint, everything_to, make_records,
    resident_bytes,
};
use crate::support::{SPANS, alone, assert_balanced, run_workflow, traces_only};

/// Outages in which each signal notices that nobody is there, and that somebody is again.
const OUTAGES: usize = 3;

#[test]
fn fault_2_an_outage_in_mid_run_is_two_log_lines() {
    let lines = lines_of("child_with_outages_in_mid_run");
    let count = |message| {
        lines
            .iter()
            .filter(|line| line["message"] == message)
            .count()
    };
    let (down, up) = (count("telemetry_degraded"), count("telemetry_recovered"));
    let of_each = (down + up) as f64 / OUTAGES as f64;
    report(
        2,
        &format!("{OUTAGES} outages that all signals notice"),
        "<= 2 log lines an outage",
        format!("{of_each:.1} ({down} of its begin, {up} of its end)"),
        down == OUTAGES && up == OUTAGES,
    );
}

pub(crate) fn child_with_outages_in_mid_run() {
    let receiver = OtlpReceiver::start().unwrap();
    let guard = everything_to(endpoint(&receiver, Protocol::Grpc), Protocol::Grpc).init();
    let settled = || {
        make_records();
        guard.flush(PATIENCE)
    };
    assert!(settled());
    for _ in 0..OUTAGES {
        receiver.stop();
        for _ in 0..10 {
            make_records();
            guard.flush(Duration::from_millis(50));
        }
        for part in ["traces", "metrics_otlp", "logs_otlp"] {
            await_that("it is noticed", || {
                guard.status().part(part).unwrap().reason.is_some()
            });
        }
        receiver.restart_on_same_port().unwrap();
        assert!(settled());
    }
    assert_all_balanced(&guard);
    assert_eq!(guard.ledger().all().dropped(), 0);
    drop(guard);
}

/// The row's own outage takes a minute; where nothing is optimised a tenth of it is enough, with a
/// tenth of the queue.
const OUTAGE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 6 } else { 60 });
const QUEUE: usize = if cfg!(debug_assertions) { 200 } else { 2_048 };
const BATCH: usize = QUEUE / 4;

#[test]
fn fault_4_a_long_outage_loses_the_overflow_alone_and_ends_by_itself() {
    let _alone = alone();
    let both = if cfg!(debug_assertions) {
        &BOTH[1..]
    } else {
        &BOTH
    };
    for protocol in both {
        let receiver = OtlpReceiver::start().unwrap();
        let guard = traces_only()
            .with_otlp_endpoint(endpoint(&receiver, *protocol))
            .with_otlp_protocol(*protocol)
            .with_queue_size(QUEUE)
            .with_batch_size(BATCH)
            .with_shutdown_timeout(PATIENCE)
            .init();
        let began = Instant::now();
        let mut sent = 0;
        // As many spans as are due by now, at 1,000 a second.
        let mut go_on = || {
            let due = u64::try_from(began.elapsed().as_millis()).unwrap();
            while sent < due {
                run_workflow().unwrap();
                sent += SPANS;
            }
            assert_balanced(&guard);
            std::thread::sleep(Duration::from_millis(3));
        };
        while receiver.span_count() < 500 {
            go_on();
        }
        receiver.stop();
        let (down, before) = (Instant::now(), resident_bytes());
        let mut peak = before;
        while down.elapsed() < OUTAGE {
            go_on();
            peak = peak.max(resident_bytes());
        }
        let delivered = guard.ledger().traces.delivered;
        receiver.restart_on_same_port().unwrap();
        let back = Instant::now();
        while guard.ledger().traces.delivered == delivered {
            assert!(back.elapsed() < PATIENCE, "{}", guard.status());
            go_on();
        }
        let recovery = back.elapsed();
        let account = guard.shutdown().ledger.traces;
        let overflow = account.dropped_for(DropReason::QueueFull);
        let mut ids: Vec<_> = receiver.spans().iter().map(ReceivedSpan::span_id).collect();
        ids.sort_unstable();
        ids.dedup();
        let arrived = ids.len() as u64;
        let is_exact = account.created == sent
            && account.dropped() == overflow
            && sent == arrived + overflow
            && overflow > 0;
        let seconds = OUTAGE.as_secs();
        let part = |what| format!("{what}, {seconds} s, {}", protocol.as_str());
        report(
            4,
            &part("loss"),
            "= overflow alone, by span id",
            format!("{sent} made = {arrived} arrived + {overflow} overflowed"),
            is_exact,
        );
        report(
            4,
            &part("recovery"),
            "<= 5 s",
            format!("{recovery:.1?}"),
            recovery <= Duration::from_secs(5),
        );
        let grown = peak.saturating_sub(before) as f64 / 1e6;
        report(
            4,
            &part("RSS"),
            "+<= 16 MB",
            format!("+{grown:.1} MB"),
            grown <= 16.0,
        );
    }
}

#[test]
fn a_connection_that_died_without_a_word_is_left_for_a_new_one() {
    let _alone = alone();
    for protocol in BOTH {
        let receiver = OtlpReceiver::start().unwrap();
        let proxy = FaultProxy::start(match protocol {
            Protocol::Grpc => receiver.grpc_address(),
            _ => receiver.http_address(),
        });
        let proxy = proxy.unwrap();
        let guard = traces_only()
            .with_otlp_endpoint(format!("http://{}", proxy.address()))
            .with_otlp_protocol(protocol)
            .with_otlp_timeout(Duration::from_secs(1))
            .init();
        run_workflow().unwrap();
        assert!(guard.flush(PATIENCE));
        proxy.forget_connections();
        run_workflow().unwrap();
        assert!(guard.flush(PATIENCE), "{protocol:?}: {}", guard.status());
        let error = guard.status().last_export_error.unwrap();
        assert!(error.contains("no answer within"), "{error}");
        assert_eq!(guard.ledger().traces.delivered, 2 * SPANS);
        assert_eq!(receiver.span_count() as u64, 2 * SPANS, "{protocol:?}");
    }
}

#[test]
fn a_backend_that_is_slow_to_answer_is_not_sent_the_batch_again() {
    let _alone = alone();
    for protocol in BOTH {
        let receiver = OtlpReceiver::start().unwrap();
        receiver.set_default(Reply::Delay(Duration::from_millis(300)));
        let guard = everything_to(endpoint(&receiver, protocol), protocol).init();
        make_records();
        assert!(guard.flush(PATIENCE));
        for signal in [Signal::Traces, Signal::Logs] {
            let all = receiver.requests();
            let requests = all.iter().filter(|it| it.signal() == signal).count();
            assert_eq!(requests, 1, "{protocol:?} {signal:?}");
        }
        assert_eq!(guard.ledger().all().dropped(), 0);
    }
}
