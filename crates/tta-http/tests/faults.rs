//! What hostile headers cost, and how our headers stand before W3C's cases.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;
#[path = "support/w3c.rs"]
mod w3c;

use std::time::{Duration, Instant};

use http::{HeaderMap, HeaderName, HeaderValue};
use tta_core::{Parent, SpanId, TraceId};
use tta_http::Propagation;
use tta_testkit::faults;
use tta_testkit::recording::RecordingRecorder;

use support::{called_with, headers, server};
use w3c::cases;

/// How many cases pass when what we send is changed before it is judged, and what failed first.
async fn passed(change: impl Fn(&mut HeaderMap)) -> (usize, Option<String>) {
    let layer = server(&RecordingRecorder::new());
    let mut passed = 0;
    let mut complaint = None;
    for case in cases() {
        let mut verdict = Ok(());
        for one in &case.tries {
            let mut sent = called_with(&layer, headers(&one.headers), one.calls).await;
            sent.iter_mut().for_each(&change);
            verdict = verdict.and(one.judge(&sent));
        }
        match verdict {
            Ok(()) => passed += 1,
            Err(reason) => {
                complaint.get_or_insert(format!("{}: {reason}", case.name));
            }
        }
    }
    (passed, complaint)
}

#[tokio::test]
async fn fault_57_every_case_of_w3c_passes() {
    let (passed, complaint) = passed(|_| {}).await;
    assert_eq!(cases().len(), 41);
    let complaint = complaint.unwrap_or_else(|| "none failed".to_owned());
    let measured = format!("{passed}/41, {complaint}");
    faults::report(57, "strict, level 2", "41/41", measured, passed == 41);
}

#[tokio::test]
async fn fault_57_a_changed_header_is_seen_to_fail() {
    let set = |headers: &mut HeaderMap, name: &'static str, value: String| {
        headers.insert(name, HeaderValue::from_str(&value).unwrap());
    };
    let text = |headers: &HeaderMap| headers["traceparent"].to_str().unwrap().to_owned();
    let (capitals, _) = passed(|it| set(it, "traceparent", text(it).replace('0', "A"))).await;
    let (unknown_flag, _) = passed(|it| {
        let flagged = format!("{}8{}", &text(it)[..53], &text(it)[54..]);
        set(it, "traceparent", flagged);
    })
    .await;
    let (same_span, _) = passed(|it| {
        let same = format!("{}1234567890123456{}", &text(it)[..36], &text(it)[52..]);
        set(it, "traceparent", same);
    })
    .await;
    let (no_state, _) = passed(|it| drop(it.remove("tracestate"))).await;
    let (twice, _) = passed(|it| {
        let again = HeaderValue::from_str(&text(it)).unwrap();
        it.append("traceparent", again);
    })
    .await;
    let all = [capitals, unknown_flag, same_span, no_state, twice];
    let met = all.iter().all(|passed| *passed < 41);
    faults::report(
        57,
        "changed output",
        "fewer than 41",
        format!("{all:?}"),
        met,
    );
}

/// What extracting costs one request: the shortest time of many, and the bytes allocated.
fn cost(headers: &HeaderMap) -> (Duration, u64) {
    let propagation = Propagation::new();
    let extract = || {
        let ctx = propagation.extract(headers).into_builder().build();
        assert!(ctx.baggage("nobody").is_none());
    };
    extract();
    let allocated = allocation_counter::measure(extract).bytes_total;
    let times = (0..200).map(|_| {
        let begun = Instant::now();
        extract();
        begun.elapsed()
    });
    let mut times: Vec<_> = times.collect();
    // The machine has other work; what the code costs is what it costs undisturbed.
    (faults::percentile(&mut times, 0.1), allocated)
}

fn report_cost(part: &str, headers: &HeaderMap) {
    let (time, bytes) = cost(headers);
    // Without optimisation nobody runs a server; the bytes are the same.
    let allowed = if cfg!(debug_assertions) { 20 } else { 1 } * Duration::from_micros(50);
    let met = time <= allowed && bytes <= 32 * 1024;
    let built = if cfg!(debug_assertions) {
        " (not optimised)"
    } else {
        ""
    };
    let measured = format!("{time:?}, {bytes} B{built}");
    faults::report(58, part, "<= 50 us and <= 32 KiB", measured, met);
}

fn flood(value: &str) -> HeaderMap {
    let value = HeaderValue::from_str(value).unwrap();
    let name = HeaderName::from_static("baggage");
    (0..1_000).map(|_| (name.clone(), value.clone())).collect()
}

#[test]
fn fault_58_a_flood_of_baggage_costs_little() {
    let members: String = (0..1_024)
        .flat_map(|n| format!("k{n:03}=12,").into_bytes())
        .map(char::from)
        .collect();
    report_cost("1,000 x 8 KiB of members", &flood(&members[..8_192]));
    report_cost(
        "1,000 x 8 KiB in one value",
        &flood(&format!("k={}", "v".repeat(8_190))),
    );
}

#[test]
fn fault_58_bad_percent_coding_costs_little() {
    report_cost(
        "1,000 x 8 KiB of %",
        &flood(&format!("k={}", "%".repeat(8_190))),
    );
    report_cost(
        "1,000 x 8 KiB of %FF",
        &flood(&format!("k={}", "%FF".repeat(2_730))),
    );
    let members = vec![format!("k={}", "%E2%82".repeat(20)); 67].join(",");
    report_cost("1,000 x 8 KiB of halves of letters", &flood(&members));
}

#[test]
fn fault_58_a_flood_of_trace_headers_costs_little() {
    let mut headers = flood("k=v");
    let parent = Parent::remote(TraceId::random(), SpanId::random(), true).unwrap();
    let parent = format!("00-{}-{}-01", parent.trace_id, parent.span_id);
    headers.insert("traceparent", HeaderValue::from_str(&parent).unwrap());
    let state = HeaderValue::from_str(&",".repeat(8_192)).unwrap();
    for _ in 0..1_000 {
        headers.append("tracestate", state.clone());
    }
    report_cost("1,000 x 8 KiB of tracestate", &headers);
}
