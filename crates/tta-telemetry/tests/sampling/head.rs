//! What is decided when a trace begins.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tta_core::{Parent, SpanId, TraceId, WorkflowContext};
use tta_telemetry::opentelemetry::trace::{SpanKind, TraceId as OtelTraceId};
use tta_telemetry::opentelemetry_sdk::trace::{
    Sampler as SdkSampler, SamplingDecision, ShouldSample,
};
use tta_telemetry::{Sampler, SpanSink};
use tta_testkit::measured::measured;

use super::support::{Act, Scripted, alone, traces_only};

/// Calls `ask` with a function that tells whether a trace is recorded under this sampler.
fn with_sampler(sampler: Sampler, ask: impl FnOnce(&dyn Fn(Option<Parent>) -> (TraceId, bool))) {
    let _alone = alone();
    let sink: Arc<dyn SpanSink> = Scripted::new(|_| Act::Take);
    let guard = traces_only()
        .with_span_sink(sink)
        .with_sampler(sampler)
        .init();
    ask(&|parent| {
        let mut builder = WorkflowContext::builder();
        if let Some(parent) = parent {
            builder = builder.parent(parent);
        }
        let ctx = builder.build();
        (ctx.trace_id(), ctx.is_sampled())
    });
    drop(guard);
}

fn parent(sampled: bool) -> Option<Parent> {
    Parent::remote(TraceId::random(), SpanId::random(), sampled)
}

#[test]
fn a_share_of_nothing_is_nothing_and_of_all_is_all() {
    for (sampler, expected) in [
        (Sampler::Ratio(0.0), false),
        (Sampler::Ratio(1.0), true),
        (Sampler::ParentBasedRatio(0.0), false),
        (Sampler::ParentBasedRatio(1.0), true),
        (Sampler::AlwaysOff, false),
        (Sampler::AlwaysOn, true),
        (Sampler::ParentBasedAlwaysOff, false),
        (Sampler::ParentBasedAlwaysOn, true),
        (Sampler::RateLimited(0.0), false),
        (Sampler::RateLimited(1e9), true),
        (Sampler::ParentBasedRateLimited(0.0), false),
        (Sampler::ParentBasedRateLimited(1e9), true),
    ] {
        with_sampler(sampler, |ask| {
            assert!((0..1_000).all(|_| ask(None).1 == expected), "{sampler}");
        });
    }
}

#[test]
fn a_share_is_of_the_same_traces_as_the_sdk_picks() {
    for ratio in [0.001, 0.1, 0.5, 0.9] {
        with_sampler(Sampler::Ratio(ratio), |ask| {
            let sdk = SdkSampler::TraceIdRatioBased(ratio);
            let mut sampled = 0;
            for _ in 0..10_000 {
                let (trace_id, ours) = ask(None);
                let id = OtelTraceId::from_bytes(trace_id.to_u128().to_be_bytes());
                let theirs = sdk.should_sample(None, id, "", &SpanKind::Internal, &[], &[]);
                assert_eq!(ours, theirs.decision == SamplingDecision::RecordAndSample);
                sampled += u32::from(ours);
            }
            let share = f64::from(sampled) / 10_000.0;
            // Six standard deviations at the least favourable ratio.
            assert!((share - ratio).abs() < 0.03, "{share} of {ratio}");
        });
    }
}

#[test]
fn a_parent_decides_where_the_sampler_is_based_on_it() {
    for (sampler, with_yes, with_no) in [
        (Sampler::ParentBasedAlwaysOn, true, false),
        (Sampler::ParentBasedAlwaysOff, true, false),
        (Sampler::ParentBasedRatio(0.0), true, false),
        (Sampler::AlwaysOn, true, true),
        (Sampler::AlwaysOff, false, false),
        (Sampler::Ratio(0.0), false, false),
        (Sampler::Ratio(1.0), true, true),
        (Sampler::RateLimited(0.0), false, false),
        (Sampler::ParentBasedRateLimited(0.0), true, false),
        (Sampler::ParentBasedRateLimited(1e9), true, false),
    ] {
        with_sampler(sampler, |ask| {
            assert_eq!(ask(parent(true)).1, with_yes, "{sampler}");
            assert_eq!(ask(parent(false)).1, with_no, "{sampler}");
        });
    }
}

#[test]
fn a_share_that_is_no_share_is_taken_as_the_nearest() {
    with_sampler(Sampler::Ratio(-3.0), |ask| assert!(!ask(None).1));
    with_sampler(Sampler::Ratio(7.0), |ask| assert!(ask(None).1));
    with_sampler(Sampler::Ratio(f64::NAN), |ask| assert!(ask(None).1));
}

#[test]
fn what_a_smaller_share_takes_a_larger_one_takes_too() {
    let mut taken = Vec::new();
    with_sampler(Sampler::Ratio(0.2), |ask| {
        let asked = (0..2_000).map(|_| ask(None));
        taken = asked.filter(|(_, sampled)| *sampled).collect();
    });
    assert!(!taken.is_empty());
    with_sampler(Sampler::Ratio(0.3), |ask| {
        for (trace_id, _) in &taken {
            let parent = Parent::remote(*trace_id, SpanId::random(), false);
            assert_eq!(ask(parent), (*trace_id, true));
        }
    });
}

#[test]
fn a_rate_limits_how_many_traces_a_second_are_sampled() {
    const RATE: f64 = 5.0;
    with_sampler(Sampler::ParentBasedRateLimited(RATE), |ask| {
        let began = Instant::now();
        let asked = 1_000;
        let sampled = (0..asked).filter(|_| ask(None).1).count();
        // What was in the bucket, and what came while they were asked for.
        let most = RATE + RATE * began.elapsed().as_secs_f64() + 1.0;
        assert!(sampled >= 5, "{sampled}");
        assert!(sampled as f64 <= most, "{sampled} of {most}");
    });
}

#[test]
fn a_rate_does_not_ask_twice_about_one_trace() {
    with_sampler(Sampler::RateLimited(1e-9), |ask| {
        assert!(ask(None).1, "there is one token");
        let inside = |sampled| Parent::local(TraceId::random(), SpanId::random(), sampled);
        assert!(ask(inside(true)).1);
        assert!(!ask(inside(false)).1);
        assert!(!ask(parent(true)).1);
    });
}

#[test]
fn decisions_are_counted_by_what_they_are_and_whose() {
    let read = |decision, by| measured("telemetry_sampling_decisions_total", &[decision, by]);
    let all = || {
        [
            read("sampled", "sampler"),
            read("dropped", "sampler"),
            read("sampled", "parent"),
            read("dropped", "parent"),
        ]
    };
    with_sampler(Sampler::ParentBasedRateLimited(1e-9), |ask| {
        let before = all();
        for _ in 0..3 {
            ask(None);
        }
        ask(parent(true));
        for _ in 0..4 {
            ask(parent(false));
        }
        let counted: Vec<_> = all()
            .iter()
            .zip(before)
            .map(|(now, then)| now - then)
            .collect();
        assert_eq!(counted, [1.0, 2.0, 1.0, 4.0]);
    });
}

#[test]
fn one_execution_is_traced_or_not_whatever_the_sampler_says() {
    let _alone = alone();
    for (sampler, enabled) in [(Sampler::AlwaysOff, true), (Sampler::AlwaysOn, false)] {
        let sink = Scripted::new(|_| Act::Take);
        let guard = traces_only()
            .with_span_sink(sink.clone())
            .with_sampler(sampler)
            .init();
        super::support::block_on(async {
            let ctx = WorkflowContext::new();
            ctx.enable_tracing(enabled);
            let flow = tta_core::step("looked_at", async |n: u32| Ok(n));
            flow.execute(1, &ctx).await.unwrap();
            flow.run(1).await.unwrap();
        });
        assert!(guard.flush(Duration::from_secs(30)));
        assert_eq!(sink.spans().len(), 2, "{sampler}");
    }
}
