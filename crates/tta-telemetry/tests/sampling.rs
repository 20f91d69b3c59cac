//! Which traces are recorded.

mod support;

use std::sync::Arc;

use support::{Act, Scripted, alone, traces_only};
use tta_core::{Parent, SpanId, TraceId, WorkflowContext};
use tta_telemetry::opentelemetry::trace::{SpanKind, TraceId as OtelTraceId};
use tta_telemetry::opentelemetry_sdk::trace::{
    Sampler as SdkSampler, SamplingDecision, ShouldSample,
};
use tta_telemetry::{Sampler, SpanSink};

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
