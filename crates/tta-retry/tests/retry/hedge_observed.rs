//! What a hedge tells about itself, and what a cancellation leaves.

use std::time::Duration;

use tta_core::{ErrorKind, Flow, Value, step};
use tta_retry::{HedgeConfig, HedgePrimitive, RetryBudget, RetryExt};
use tta_testkit::mock::{Answer, MockPrimitive};
use tta_testkit::recording::{RecordingRecorder, error_type};

use crate::support::{MS, context, hedges, on_paused_clock, sleeper};

fn config() -> HedgeConfig {
    HedgeConfig::fixed(10 * MS).with_budget(&RetryBudget::new(1.0, 100).unwrap())
}

fn answering(first: u64, second: u64) -> MockPrimitive<u64, u64> {
    let after = |n, ms| Answer::value(n).after(Duration::from_millis(ms));
    MockPrimitive::new("service")
        .with_answer(after(1, first))
        .with_answer(after(2, second))
}

#[tokio::test(start_paused = true)]
async fn both_attempts_are_traced_and_the_one_that_loses_says_cancelled() {
    let recorder = RecordingRecorder::new();
    let flow = HedgePrimitive::new(Flow::new(answering(100, 5)), config()).unwrap();
    let flow = flow.with_name("traced");
    flow.execute(1, &on_paused_clock(recorder.builder()))
        .await
        .unwrap();

    let outer = recorder.span("traced.execute");
    let attempts = recorder.spans_named("hedge.attempt");
    assert_eq!(attempts.len(), 2);
    let number = |n| {
        let is = |id| recorder.attribute(id, "hedge.attempt") == Some(Value::Int(n));
        attempts.iter().find(|it| is(it.span_id)).unwrap()
    };
    let (first, second) = (number(1), number(2));
    assert_eq!(error_type(first), Some("cancelled"));
    assert_eq!(error_type(second), None);
    assert!(attempts.iter().all(|it| it.parent_id == outer.span_id));
    let of = |key| recorder.attribute(second.span_id, key);
    assert_eq!(of("hedge.delay_ms"), Some(Value::Int(10)));
    assert_eq!(of("hedge.delay_reason"), Some("fixed".into()));
    assert_eq!(recorder.attribute(first.span_id, "hedge.delay_ms"), None);
    let inner = recorder.spans_named("service.execute");
    assert!(inner.iter().any(|it| it.parent_id == first.span_id));
    assert!(inner.iter().any(|it| it.parent_id == second.span_id));
}

#[tokio::test(start_paused = true)]
async fn the_trace_says_where_the_delay_comes_from() {
    let config = HedgeConfig::new(10 * MS)
        .with_min_samples(1)
        .with_budget(&RetryBudget::new(1.0, 100).unwrap());
    let flow = sleeper().hedged(config).unwrap();
    for (takes, expected) in [(50, "initial"), (60, "percentile")] {
        let recorder = RecordingRecorder::new();
        flow.execute(takes, &on_paused_clock(recorder.builder()))
            .await
            .unwrap();
        let reasons: Vec<_> = recorder
            .spans_named("hedge.attempt")
            .iter()
            .filter_map(|it| recorder.attribute(it.span_id, "hedge.delay_reason"))
            .collect();
        assert_eq!(reasons, [expected.into()]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_drops_both_attempts_and_counts_neither() {
    for (elapses, calls) in [(5, 1), (15, 2)] {
        let name = format!("cancelled_after_{elapses}");
        let service = answering(100, 100);
        let flow = HedgePrimitive::new(Flow::new(service.clone()), config()).unwrap();
        let flow = flow.with_name(name.clone());
        let ctx = context();
        let limit = Duration::from_millis(elapses);
        assert!(
            tokio::time::timeout(limit, flow.execute(1, &ctx))
                .await
                .is_err()
        );
        assert_eq!(service.calls(), calls);
        assert_eq!((service.dropped(), service.running()), (calls, 0));
        assert_eq!(hedges(&name), [0; 5]);
        let metrics = flow.metrics();
        assert_eq!((metrics.in_flight(), metrics.cancelled()), (0, 1));
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_one_attempt_is_an_error_that_the_other_may_still_mend() {
    let service = MockPrimitive::<u64, u64>::new("service")
        .with_answer(Answer::panic("the first panics").after(20 * MS))
        .with_answer(Answer::value(2).after(20 * MS));
    let flow = HedgePrimitive::new(Flow::new(service), config()).unwrap();
    assert_eq!(flow.execute(1, &context()).await.unwrap(), 2);

    let panics = step("panics", async |n: u64| {
        assert!(n > 1, "one is too few");
        Ok(n)
    });
    let flow = panics.hedged(config()).unwrap();
    let error = flow.execute(1, &context()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panic);
    assert_eq!(flow.execute(2, &context()).await.unwrap(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_name_given_after_a_run_moves_the_metrics() {
    let flow = HedgePrimitive::new(Flow::new(answering(1, 1)), config()).unwrap();
    let flow = flow.with_name("hedge_named_before");
    flow.execute(1, &context()).await.unwrap();
    let flow = flow.with_name("hedge_named_after");
    flow.execute(1, &context()).await.unwrap();
    assert_eq!(hedges("hedge_named_before"), [1, 0, 0, 0, 0]);
    assert_eq!(hedges("hedge_named_after"), [1, 0, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn results_are_the_same_with_and_without_a_recorder() {
    let recorder = RecordingRecorder::new();
    for (first, second) in [(5, 5), (100, 5), (20, 100)] {
        let run = async |ctx| {
            let service = answering(first, second);
            let flow = HedgePrimitive::new(Flow::new(service), config()).unwrap();
            flow.execute(1, &ctx).await.unwrap()
        };
        assert_eq!(
            run(on_paused_clock(recorder.builder())).await,
            run(context()).await
        );
    }
}
