//! What a backend may answer, and what comes of it for each signal.

use std::collections::BTreeMap;
use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use tta_telemetry::{DropReason, Ledger, ObservabilityGuard, Protocol};
use tta_testkit::faults::report;
use tta_testkit::otlp::{OtlpReceiver, RawReply, Reply, Signal};
use tta_testkit::proxy::{Fault, FaultProxy};

use crate::child::{child, output_of};
use crate::signals::{
    BOTH, PATIENCE, SIGNALS, account, assert_all_balanced, await_that, endpoint, everything_to,
    make_records, resident_bytes,
};
use crate::support::{alone, run_workflow, traces_only};

/// A receiver and the telemetry that goes to it.
fn pair(protocol: Protocol) -> (OtlpReceiver, ObservabilityGuard) {
    let receiver = OtlpReceiver::start().unwrap();
    let guard = everything_to(endpoint(&receiver, protocol), protocol).init();
    (receiver, guard)
}

/// One batch of each signal, through to whatever became of it; answers the ledger before.
fn send_a_batch_of_each(receiver: &OtlpReceiver, guard: &ObservabilityGuard) -> Ledger {
    let before = guard.ledger();
    receiver.forget();
    make_records();
    assert!(guard.flush(PATIENCE), "{}", guard.status());
    assert_all_balanced(guard);
    before
}

/// How many requests there were of each signal.
fn requests(receiver: &OtlpReceiver) -> BTreeMap<String, usize> {
    let mut counts: BTreeMap<_, _> = SIGNALS.map(|it| (format!("{it:?}"), 0)).into();
    for request in receiver.requests() {
        *counts.entry(format!("{:?}", request.signal())).or_default() += 1;
    }
    counts
}

/// What was made and what became of it since the ledger was read.
fn since(before: &Ledger, now: &Ledger, signal: Signal, reason: DropReason) -> (u64, u64, u64) {
    let (before, now) = (account(before, signal), account(now, signal));
    (
        now.created - before.created,
        now.delivered - before.delivered,
        now.dropped_for(reason) - before.dropped_for(reason),
    )
}

/// Each of these statuses costs one request for each batch, and the batch.
fn are_final(row: u8, part: &str, statuses: &[(u16, i32)]) {
    for protocol in BOTH {
        let (receiver, guard) = pair(protocol);
        let mut most = 0;
        for (http, grpc) in statuses {
            receiver.set_default(Reply::status(*http, *grpc));
            let before = send_a_batch_of_each(&receiver, &guard);
            let now = guard.ledger();
            for signal in SIGNALS {
                let (created, delivered, rejected) =
                    since(&before, &now, signal, DropReason::Rejected);
                assert!(created > 0, "{signal:?}");
                assert_eq!(
                    (delivered, rejected),
                    (0, created),
                    "{signal:?} {http} {grpc}"
                );
            }
            let counts = requests(&receiver);
            assert!(counts.values().all(|count| *count > 0), "{counts:?}");
            most = counts.into_values().max().unwrap().max(most);
        }
        report(
            row,
            &format!("{part}, all signals, {}", protocol.as_str()),
            "exactly 1 request a batch",
            format!("{most}"),
            most == 1,
        );
    }
}

#[test]
fn fault_8_what_the_client_did_wrong_is_not_repeated() {
    let _alone = alone();
    // gRPC: invalid argument, unauthenticated, permission denied, not found, resource exhausted
    // without a word on when to come back.
    let statuses = [(400, 3), (401, 16), (403, 7), (404, 5), (413, 8)];
    are_final(8, "400, 401, 403, 404, 413", &statuses);
}

#[test]
fn fault_10_what_the_server_did_wrong_is_not_repeated() {
    let _alone = alone();
    // gRPC: internal, unknown, unimplemented.
    are_final(10, "500, 501, 505", &[(500, 13), (501, 2), (505, 12)]);
}

/// Statuses that ask to come back: over HTTP, and over gRPC with whether it must say when.
const HTTP: [u16; 4] = [429, 502, 503, 504];
const GRPC: [i32; 7] = [1, 4, 8, 10, 11, 14, 15];
const EXHAUSTED: i32 = 8;

#[test]
fn fault_9_what_asks_to_come_back_is_retried_when_it_says() {
    let _alone = alone();
    for protocol in BOTH {
        let (receiver, guard) = pair(protocol);
        let kinds = match protocol {
            Protocol::Grpc => GRPC.len(),
            _ => HTTP.len(),
        };
        let step = if cfg!(debug_assertions) {
            SIGNALS.len()
        } else {
            1
        };
        let mut most = 0;
        let mut early = Vec::new();
        for round in (0..kinds).step_by(step) {
            let mut asked = BTreeMap::new();
            for (index, signal) in SIGNALS.into_iter().enumerate() {
                let kind = (round + index) % kinds;
                let (reply, says_when) = match protocol {
                    Protocol::Grpc => (
                        Reply::status(503, GRPC[kind]),
                        GRPC[kind] == EXHAUSTED || kind % 2 == 0,
                    ),
                    _ => (Reply::status(HTTP[kind], 14), kind % 2 == 0),
                };
                let wait = Duration::from_secs(u64::from(says_when));
                let reply = if says_when {
                    reply.with_retry_after(wait)
                } else {
                    reply
                };
                receiver.push_for(signal, reply);
                asked.insert(format!("{signal:?}"), wait);
            }
            let before = send_a_batch_of_each(&receiver, &guard);
            let now = guard.ledger();
            for signal in SIGNALS {
                let (created, delivered, _) = since(&before, &now, signal, DropReason::Rejected);
                assert_eq!(
                    created, delivered,
                    "{protocol:?} {signal:?} in round {round}"
                );
                let all = receiver.requests();
                let of: Vec<_> = all.iter().filter(|it| it.signal() == signal).collect();
                most = of.len().max(most);
                let waited = of[1].arrived - of[0].arrived;
                if waited < asked[&format!("{signal:?}")] {
                    early.push(format!("{signal:?} after {waited:.1?}"));
                }
            }
        }
        report(
            9,
            &format!("{kinds} statuses once, all signals, {}", protocol.as_str()),
            "<= 4 attempts, the first retry not before Retry-After",
            format!("{most} attempts, {} early", early.len()),
            most == 2 && early.is_empty(),
        );
    }
}

#[test]
fn fault_9_what_never_stops_asking_is_given_up_after_four_attempts() {
    let _alone = alone();
    for protocol in BOTH {
        let (receiver, guard) = pair(protocol);
        receiver.set_default(Reply::unavailable());
        let before = send_a_batch_of_each(&receiver, &guard);
        let now = guard.ledger();
        for signal in SIGNALS {
            let (created, delivered, given_up) =
                since(&before, &now, signal, DropReason::RetriesExhausted);
            assert!(created > 0, "{signal:?}");
            assert_eq!((delivered, given_up), (0, created), "{signal:?}");
        }
        let counts = requests(&receiver);
        report(
            9,
            &format!("503 again and again, {}", protocol.as_str()),
            "<= 4 attempts",
            format!("{counts:?}"),
            counts.values().all(|count| *count == 4),
        );
    }
}

#[test]
fn fault_11_what_a_backend_takes_in_part_is_not_sent_again() {
    let _alone = alone();
    for protocol in BOTH {
        let (receiver, guard) = pair(protocol);
        for signal in SIGNALS {
            receiver.push_for(signal, Reply::PartialSuccess { rejected: 1 });
        }
        let before = send_a_batch_of_each(&receiver, &guard);
        let now = guard.ledger();
        let mut figures = Vec::new();
        let mut met = requests(&receiver).values().all(|count| *count == 1);
        for signal in SIGNALS {
            let (created, delivered, rejected) = since(&before, &now, signal, DropReason::Rejected);
            met &= rejected == 1 && delivered + rejected == created;
            figures.push(format!("{signal:?} {delivered} + {rejected} = {created}"));
        }
        report(
            11,
            &format!("one record of each batch rejected, {}", protocol.as_str()),
            "1 request, delivered + rejected = sent",
            figures.join(", "),
            met,
        );
    }
}

/// More than the batch had cannot have been rejected.
#[test]
fn a_backend_that_rejects_more_than_it_got_does_not_unbalance_the_ledger() {
    let _alone = alone();
    for protocol in BOTH {
        let (receiver, guard) = pair(protocol);
        for rejected in [1_000_000, -5] {
            receiver.set_default(Reply::PartialSuccess { rejected });
            let before = send_a_batch_of_each(&receiver, &guard);
            let now = guard.ledger();
            for signal in SIGNALS {
                let (created, delivered, dropped) =
                    since(&before, &now, signal, DropReason::Rejected);
                assert_eq!(delivered + dropped, created, "{signal:?}");
                assert_eq!(dropped == created, rejected > 0, "{signal:?}");
            }
        }
    }
}

fn zipped(bytes: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(&vec![0; bytes]).unwrap();
    encoder.finish().unwrap()
}

/// Answers that are no answers.
fn oddities(protocol: Protocol, elsewhere: &OtlpReceiver) -> Vec<(&'static str, Reply)> {
    let success = |content: &str| RawReply::new(200).with_header("content-type", content);
    let (plain, announced) = match protocol {
        // A message that is announced to have a gibibyte.
        Protocol::Grpc => (success("application/grpc"), vec![0, 0x40, 0, 0, 0]),
        _ => (success("application/x-protobuf"), Vec::new()),
    };
    let chunk: Vec<u8> = announced.into_iter().chain([0x5a; 2_048]).collect();
    let bomb = match protocol {
        Protocol::Grpc => {
            let bomb = zipped(16 << 20);
            let length = u32::try_from(bomb.len()).unwrap().to_be_bytes();
            let framed = [&[1][..], &length, &bomb].concat();
            plain
                .clone()
                .with_header("grpc-encoding", "gzip")
                .with_body(framed)
        }
        _ => plain
            .clone()
            .with_header("content-encoding", "gzip")
            .with_body(zipped(16 << 20)),
    };
    let location = format!("{}/v1/traces", elsewhere.http_endpoint());
    let pace = Duration::from_millis(3);
    vec![
        (
            "307",
            Reply::Raw(RawReply::new(307).with_header("location", &location)),
        ),
        (
            "302",
            Reply::Raw(RawReply::new(302).with_header("location", &location)),
        ),
        (
            "a body without end",
            Reply::Raw(plain.clone().with_paced_body(chunk, 100_000, pace)),
        ),
        ("a gzip bomb", Reply::Raw(bomb)),
        (
            "a header of 1 MB",
            Reply::Raw(plain.with_header("x-huge", "h".repeat(1 << 20))),
        ),
        ("garbage", Reply::Garbage(vec![0xff; 4_096].into())),
    ]
}

#[test]
fn fault_12_no_answer_is_read_beyond_its_bound() {
    let _alone = alone();
    let elsewhere = OtlpReceiver::start().unwrap();
    for protocol in BOTH {
        let receiver = OtlpReceiver::start().unwrap();
        let proxy = FaultProxy::start(match protocol {
            Protocol::Grpc => receiver.grpc_address(),
            _ => receiver.http_address(),
        });
        let proxy = proxy.unwrap();
        proxy.to_client(Fault::Pieces {
            bytes: 1_024,
            pause: Duration::from_millis(1),
        });
        for (what, reply) in oddities(protocol, &elsewhere) {
            let guard = traces_only()
                .with_otlp_endpoint(format!("http://{}", proxy.address()))
                .with_otlp_protocol(protocol)
                .with_shutdown_timeout(Duration::ZERO)
                .init();
            receiver.forget();
            receiver.set_default(reply);
            let before = proxy.passed_to_clients();
            run_workflow().unwrap();
            // Some of these are tried again, as if there had been no answer.
            guard.flush(Duration::from_millis(400));
            // A machine that is busy with something else may not have come to the first.
            await_that(what, || receiver.request_count() > 0);
            drop(guard);
            let attempts = receiver.request_count();
            let read = (proxy.passed_to_clients() - before) / attempts;
            report(
                12,
                &format!("{what}, {}", protocol.as_str()),
                "<= 64 KiB read an attempt",
                format!("{:.1} KiB, {attempts} attempts", read as f64 / 1024.0),
                read <= 64 << 10,
            );
        }
    }
    assert_eq!(elsewhere.connection_count(), 0, "no redirect is followed");
}

#[test]
fn fault_12_no_answer_makes_the_process_grow() {
    let elsewhere = OtlpReceiver::start().unwrap();
    for protocol in BOTH {
        let receiver = OtlpReceiver::start().unwrap();
        let oddities = oddities(protocol, &elsewhere);
        for _ in 0..WARM_UP + TIMES {
            for (_, reply) in &oddities {
                receiver.push(reply.clone());
            }
        }
        let mut child = child("child_that_is_answered_oddly");
        child
            .env(ENDPOINT, endpoint(&receiver, protocol))
            .env(PROTOCOL, protocol.as_str())
            .env(KINDS, oddities.len().to_string());
        output_of(&mut child);
    }
}

/// The receiver is in another process: only what reads its answers is measured.
pub(crate) fn child_that_is_answered_oddly() {
    let kinds: usize = std::env::var(KINDS).unwrap().parse().unwrap();
    let name = std::env::var(PROTOCOL).unwrap();
    let protocol = BOTH.into_iter().find(|it| it.as_str() == name).unwrap();
    let guard = traces_only()
        .with_otlp_endpoint(std::env::var(ENDPOINT).unwrap())
        .with_otlp_protocol(protocol)
        .with_shutdown_timeout(Duration::ZERO)
        .init();
    let run = |times| {
        for _ in 0..times * kinds {
            run_workflow().unwrap();
            guard.flush(Duration::from_millis(200));
        }
    };
    run(WARM_UP);
    let before = resident_bytes();
    run(TIMES);
    let grown = resident_bytes().saturating_sub(before) as f64 / 1e6;
    report(
        12,
        &format!("RSS after {TIMES} of each kind, {name}"),
        "+<= 1 MB",
        format!("+{grown:.1} MB"),
        grown <= 1.0,
    );
    drop(guard);
}

const ENDPOINT: &str = "TTA_TEST_ENDPOINT";
const PROTOCOL: &str = "TTA_TEST_PROTOCOL";
const KINDS: &str = "TTA_TEST_KINDS";
const WARM_UP: usize = 2;
const TIMES: usize = if cfg!(debug_assertions) { 4 } else { 25 };
