//! Traces that nobody sampled when they began, kept for how they ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

use tta_core::{
    Error, OpenSpan, Parent, SpanId, SpanKind, SpanSpec, TraceId, WorkflowContext, step,
};
use tta_telemetry::opentelemetry::trace::{TraceContextExt, Tracer};
use tta_telemetry::opentelemetry_sdk::trace::SpanData;
use tta_telemetry::{DropReason, ObservabilityConfig, ObservabilityGuard, Sampler, opentelemetry};
use tta_testkit::measured::measured;

use super::support::{Act, Scripted, alone, assert_balanced, block_on, traces_only};

static EDGE: SpanSpec = SpanSpec {
    name: "edge",
    help: "What a test opens and ends by hand.",
    attributes: &["n"],
};

type Kept = Arc<Scripted<fn(usize) -> Act>>;

/// Samples nothing, keeps what went wrong, and never finds anything slow.
fn keeping(
    change: impl FnOnce(ObservabilityConfig) -> ObservabilityConfig,
) -> (ObservabilityGuard, Kept) {
    let take: fn(usize) -> Act = |_| Act::Take;
    let sink = Scripted::new(take);
    let config = traces_only()
        .with_span_sink(sink.clone())
        .with_sampler(Sampler::ParentBasedAlwaysOff)
        .with_tail_keep(true)
        .with_tail_slow(Duration::from_hours(1));
    (change(config).init(), sink)
}

fn arrived(guard: &ObservabilityGuard, sink: &Kept) -> Vec<SpanData> {
    assert!(guard.flush(Duration::from_secs(30)));
    assert_balanced(guard);
    let mut spans = sink.spans();
    spans.sort_by(|one, other| one.name.cmp(&other.name));
    spans
}

fn names(spans: &[SpanData]) -> Vec<&str> {
    spans.iter().map(|span| span.name.as_ref()).collect()
}

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let found = span.attributes.iter().find(|pair| pair.key.as_str() == key);
    found.map(|pair| pair.value.to_string())
}

/// A root that is open until the test ends it.
fn open() -> OpenSpan {
    WorkflowContext::builder().open(&EDGE, SpanKind::Server)
}

/// A piece of the open root's trace that is handed over before the root ends.
fn piece(name: &'static str, root: &OpenSpan, fails: bool) {
    let ctx = root.context().child();
    let part = step(
        "part",
        async |fails: bool| {
            if fails { Err(Error::msg("no")) } else { Ok(()) }
        },
    );
    let result = block_on(async { ctx.workflow(name, part.execute(fails, &ctx)).await });
    assert_eq!(result.is_err(), fails);
}

fn outcomes() -> [f64; 4] {
    ["error", "slow", "not_kept", "evicted"]
        .map(|outcome| measured("telemetry_tail_traces_total", &[outcome]))
}

/// What has been counted since.
fn since(before: [f64; 4]) -> Vec<f64> {
    let now = outcomes();
    now.iter()
        .zip(before)
        .map(|(now, then)| now - then)
        .collect()
}

#[test]
fn a_trace_with_an_error_is_kept_whole_and_others_are_not() {
    let _alone = alone();
    let (guard, sink) = keeping(|config| config);
    let before = outcomes();
    let flow = step("divides", async |n: u32, ctx: &WorkflowContext| {
        ctx.set_attribute("n", u64::from(n));
        100_u32.checked_div(n).ok_or_else(|| Error::msg("by zero"))
    })
    .named("division");
    block_on(async {
        for n in 0..10 {
            let _ = flow.execute(n, &WorkflowContext::new()).await;
        }
    });
    let spans = arrived(&guard, &sink);
    assert_eq!(names(&spans), ["divides.execute", "division.execute"]);
    let [step, root] = &spans[..] else { panic!() };
    assert_eq!(attribute(step, "n").as_deref(), Some("0"));
    assert_eq!(
        attribute(root, "sampling.kept_for").as_deref(),
        Some("error")
    );
    assert!(
        spans.iter().any(|span| !span.events.is_empty()),
        "the exception"
    );
    assert_eq!(since(before), [1.0, 0.0, 9.0, 0.0]);
    // Spans of traces that are not kept are no records, as those of traces that are not sampled.
    assert_eq!(guard.ledger().traces.created, 2);
}

#[test]
fn a_slow_trace_is_kept() {
    static AHEAD: AtomicU64 = AtomicU64::new(0);
    fn clock() -> Instant {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        *START + Duration::from_millis(AHEAD.load(Ordering::Relaxed))
    }

    let _alone = alone();
    let (guard, sink) = keeping(|config| config.with_tail_slow(Duration::from_millis(800)));
    let before = outcomes();
    let flow = step("takes", async |ms: u64| {
        AHEAD.fetch_add(ms, Ordering::Relaxed);
        Ok(())
    });
    block_on(async {
        for ms in [799, 800, 1] {
            let ctx = WorkflowContext::builder().clock(clock).build();
            flow.execute(ms, &ctx).await.unwrap();
        }
    });
    let spans = arrived(&guard, &sink);
    assert_eq!(names(&spans), ["takes.execute", "workflow.execute"]);
    let root = &spans[1];
    assert_eq!(
        attribute(root, "sampling.kept_for").as_deref(),
        Some("slow")
    );
    let took = root.end_time.duration_since(root.start_time).unwrap();
    assert_eq!(took, Duration::from_millis(800));
    assert_eq!(since(before), [0.0, 1.0, 2.0, 0.0]);
}

#[test]
fn what_is_sampled_is_not_held_and_not_marked() {
    let _alone = alone();
    let (guard, sink) = keeping(|config| config.with_sampler(Sampler::AlwaysOn));
    let before = outcomes();
    let root = open();
    piece("early", &root, true);
    assert_eq!(arrived(&guard, &sink).len(), 2, "handed over at once");
    root.end();
    let spans = arrived(&guard, &sink);
    assert!(
        spans
            .iter()
            .all(|span| attribute(span, "sampling.kept_for").is_none())
    );
    assert_eq!(since(before), [0.0; 4]);
}

#[test]
fn without_it_nothing_of_an_unsampled_trace_is_recorded() {
    let _alone = alone();
    let (guard, sink) = keeping(|config| config.with_tail_keep(false));
    let root = open();
    assert!(!root.context().is_sampled());
    piece("fails", &root, true);
    root.end();
    assert!(arrived(&guard, &sink).is_empty());
}

#[test]
fn pieces_are_held_until_the_root_ends_and_then_kept_or_not_with_it() {
    let _alone = alone();
    let (guard, sink) = keeping(|config| config);
    let before = outcomes();
    let held = || {
        ["telemetry_tail_held_traces", "telemetry_tail_held_bytes"].map(|name| measured(name, &[]))
    };
    let (good, bad) = (open(), open());
    piece("good", &good, false);
    piece("bad", &bad, false);
    let [traces, bytes] = held();
    assert_eq!(traces, 2.0);
    assert!(bytes > 500.0, "{bytes}");
    assert!(arrived(&guard, &sink).is_empty());
    good.end();
    drop(bad);
    let spans = arrived(&guard, &sink);
    assert_eq!(names(&spans), ["bad.execute", "edge", "part.execute"]);
    assert_eq!(held(), [0.0; 2]);
    assert_eq!(
        since(before),
        [1.0, 0.0, 1.0, 0.0],
        "one that was cancelled is an error"
    );
}

#[test]
fn a_trace_is_kept_from_its_first_error_on() {
    let _alone = alone();
    let (guard, sink) = keeping(|config| config);
    let before = outcomes();
    let root = open();
    piece("before", &root, false);
    piece("fails", &root, true);
    assert_eq!(arrived(&guard, &sink).len(), 4);
    piece("after", &root, false);
    assert_eq!(arrived(&guard, &sink).len(), 6);
    root.end();
    assert_eq!(arrived(&guard, &sink).len(), 7);
    assert_eq!(since(before), [1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn what_comes_after_the_root_goes_the_way_the_root_went() {
    let _alone = alone();
    let (guard, sink) = keeping(|config| config);
    let before = outcomes();
    let end = |fails: bool| {
        let root = open();
        let late = root.context().child();
        if fails {
            piece("fails", &root, true);
        }
        root.end();
        late
    };
    let (of_good, of_bad) = (end(false), end(true));
    block_on(async {
        for late in [of_good, of_bad] {
            step("late", async |()| Ok(()))
                .execute((), &late)
                .await
                .unwrap();
        }
    });
    let spans = arrived(&guard, &sink);
    assert_eq!(
        names(&spans)
            .iter()
            .filter(|name| **name == "late.execute")
            .count(),
        1
    );
    assert_eq!(since(before), [1.0, 0.0, 1.0, 0.0]);
}

#[test]
fn a_step_that_lost_a_race_is_no_error() {
    let _alone = alone();
    let (guard, sink) = keeping(|config| config);
    let race = step("race", async |(), ctx: &WorkflowContext| {
        let loser = ctx.observe("loser", std::future::pending::<tta_core::Result<()>>());
        tokio::time::timeout(Duration::ZERO, loser)
            .await
            .unwrap_err();
        Ok(())
    });
    block_on(async { race.execute((), &WorkflowContext::new()).await.unwrap() });
    assert!(arrived(&guard, &sink).is_empty());
}

#[test]
fn no_more_traces_are_held_than_are_allowed_and_the_oldest_go() {
    let _alone = alone();
    let (guard, sink) = keeping(|config| config.with_tail_traces(10));
    let before = outcomes();
    let roots: Vec<_> = (0..25).map(|_| open()).collect();
    for root in &roots {
        piece("held", root, false);
        assert_balanced(&guard);
    }
    assert_eq!(measured("telemetry_tail_held_traces", &[]), 10.0);
    let account = guard.ledger().traces;
    assert_eq!(account.dropped_for(DropReason::TailFull), 30);
    assert_eq!(account.created, 30);
    // All of them fail: of those that were evicted the root alone is left.
    drop(roots);
    let spans = arrived(&guard, &sink);
    assert_eq!(spans.len(), 10 * 3 + 15);
    assert_eq!(since(before), [25.0, 0.0, 0.0, 15.0]);
    let account = guard.ledger().traces;
    assert_eq!((account.created, account.delivered), (75, 45));
}

#[test]
fn no_more_bytes_are_held_than_are_allowed() {
    const MOST: usize = 100_000;

    let _alone = alone();
    let (guard, _sink) = keeping(|config| config.with_tail_bytes(MOST));
    let roots: Vec<_> = (0..200).map(|_| open()).collect();
    let mut most = 0.0_f64;
    for root in &roots {
        let ctx = root.context().child();
        let flow = step("wordy", async |(), ctx: &WorkflowContext| {
            ctx.set_attribute("text", "x".repeat(1_000));
            Ok(())
        });
        block_on(async { flow.execute((), &ctx).await.unwrap() });
        most = most.max(measured("telemetry_tail_held_bytes", &[]));
    }
    assert!(most <= MOST as f64, "{most}");
    assert!(most > MOST as f64 * 0.9, "{most}");
    assert!(guard.ledger().traces.dropped_for(DropReason::TailFull) > 100);
    assert_balanced(&guard);
}

#[test]
fn the_account_balances_while_threads_hold_keep_and_evict() {
    let _alone = alone();
    let (guard, _sink) = keeping(|config| config.with_tail_traces(4).with_queue_size(50));
    std::thread::scope(|scope| {
        for thread in 0..4 {
            scope.spawn(move || {
                for n in 0..200 {
                    let roots = [open(), open(), open()];
                    for root in &roots {
                        piece("held", root, (n + thread) % 7 == 0);
                    }
                }
            });
        }
        for _ in 0..1_000 {
            assert_balanced(&guard);
        }
    });
    let report = guard.shutdown();
    assert_balanced(&guard);
    let account = report.ledger.traces;
    assert_eq!((account.queued, account.in_flight), (0, 0));
    assert!(account.dropped_for(DropReason::TailFull) > 0, "{account:?}");
}

#[test]
fn at_the_shutdown_the_undecided_are_judged_as_they_stand() {
    let _alone = alone();
    for (slow, kept) in [(Duration::from_hours(1), 0), (Duration::ZERO, 2)] {
        let (guard, sink) = keeping(|config| config.with_tail_slow(slow));
        let root = open();
        piece("unfinished", &root, false);
        let report = guard.shutdown();
        assert_eq!(sink.spans().len(), kept);
        assert_eq!(report.ledger.traces.created, kept as u64);
        assert_balanced(&guard);
        drop(root);
    }
}

#[test]
fn a_parent_elsewhere_that_does_not_sample_does_not_stand_in_the_way() {
    let _alone = alone();
    let (guard, sink) = keeping(|config| config.with_sampler(Sampler::ParentBasedAlwaysOn));
    let parent = Parent::remote(TraceId::random(), SpanId::random(), false).unwrap();
    let flow = step("fails", async |()| Err::<(), _>(Error::msg("no")));
    block_on(async {
        let ctx = WorkflowContext::builder().parent(parent.clone()).build();
        flow.execute((), &ctx).await.unwrap_err();
    });
    let spans = arrived(&guard, &sink);
    assert_eq!(spans.len(), 2);
    let trace = spans[0].span_context.trace_id();
    assert_eq!(
        u128::from_be_bytes(trace.to_bytes()),
        parent.trace_id.to_u128()
    );
}

#[test]
fn spans_of_other_libraries_are_kept_or_not_with_their_trace() {
    let _alone = alone();
    let (guard, sink) = keeping(|config| config);
    let flow = step("outer", async |fails: bool, ctx: &WorkflowContext| {
        opentelemetry::global::tracer("theirs").in_span("theirs", |cx| {
            assert!(cx.span().is_recording());
            assert!(!cx.span().span_context().is_sampled());
        });
        opentelemetry::Context::current()
            .span()
            .set_attribute(opentelemetry::KeyValue::new("through", "theirs"));
        ctx.observe("inner", async { Ok::<_, Error>(()) }).await?;
        if fails { Err(Error::msg("no")) } else { Ok(()) }
    });
    block_on(async {
        for fails in [false, true, false] {
            let _ = flow.execute(fails, &WorkflowContext::new()).await;
        }
    });
    let spans = arrived(&guard, &sink);
    let expected = [
        "inner.execute",
        "outer.execute",
        "theirs",
        "workflow.execute",
    ];
    assert_eq!(names(&spans), expected);
    assert_eq!(attribute(&spans[1], "through").as_deref(), Some("theirs"));
    assert_eq!(spans[2].parent_span_id, spans[1].span_context.span_id());
}

#[test]
fn a_trace_that_is_switched_off_is_not_held_and_neither_are_spans_inside_it() {
    let _alone = alone();
    let (guard, sink) = keeping(|config| config);
    let flow = step("off", async |()| {
        opentelemetry::global::tracer("theirs").in_span("theirs", |cx| {
            assert!(!cx.span().is_recording());
        });
        Err::<(), _>(Error::msg("no"))
    });
    block_on(async {
        let ctx = WorkflowContext::new();
        ctx.enable_tracing(false);
        flow.execute((), &ctx).await.unwrap_err();
    });
    assert!(arrived(&guard, &sink).is_empty());
}

#[test]
fn a_workflow_inside_a_step_of_another_waits_for_that_ones_end() {
    static SEEN: Mutex<Vec<TraceId>> = Mutex::new(Vec::new());

    let _alone = alone();
    let (guard, sink) = keeping(|config| config);
    let before = outcomes();
    let outer = step("outer", async |()| {
        let ctx = WorkflowContext::new();
        SEEN.lock().unwrap().push(ctx.trace_id());
        step("inner", async |()| Ok(())).execute((), &ctx).await?;
        Err::<(), _>(Error::msg("no"))
    });
    block_on(async {
        let ctx = WorkflowContext::new();
        outer.execute((), &ctx).await.unwrap_err();
        assert_eq!(SEEN.lock().unwrap().first(), Some(&ctx.trace_id()));
    });
    assert_eq!(arrived(&guard, &sink).len(), 4);
    assert_eq!(since(before), [1.0, 0.0, 0.0, 0.0]);
}
