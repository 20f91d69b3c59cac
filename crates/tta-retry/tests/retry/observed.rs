//! What a retry tells about itself, and what a cancellation leaves.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tta_core::{Error, ErrorKind, Flow, SpanStatus, Value, WorkflowContext, registry, step_with};
use tta_retry::{
    Backoff, CATALOG, FailedAttempt, HedgeConfig, RetryBudget, RetryConfig, RetryDecision,
    RetryExt, RetryPrimitive,
};
use tta_testkit::conformance::poll_then_drop;
use tta_testkit::recording::{RecordingRecorder, error_type};

use crate::support::{
    MS, SECOND, broken, context, count, down, ended, failing, on_paused_clock, quick, related,
    sleeper,
};

#[tokio::test(start_paused = true)]
async fn every_attempt_has_a_span_that_says_which_it_is_and_what_was_decided() {
    let recorder = RecordingRecorder::new();
    let config = quick(2).with_backoff(Backoff::constant(25 * MS));
    let flow = RetryPrimitive::new(failing(1), config).unwrap();
    let flow = flow.with_name("told");
    let ctx = on_paused_clock(recorder.builder());
    flow.execute(1, &ctx).await.unwrap();

    let outer = recorder.span("told.execute");
    let attempts = recorder.spans_named("retry.attempt");
    assert_eq!(attempts.len(), 2);
    assert!(attempts.iter().all(|it| it.parent_id == outer.span_id));
    let inner = recorder.spans_named("service.execute");
    assert_eq!(inner[0].parent_id, attempts[0].span_id);
    assert_eq!(inner[1].parent_id, attempts[1].span_id);
    let of = |n: usize, key| recorder.attribute(attempts[n].span_id, key);

    assert_eq!(of(0, "retry.attempt"), Some(Value::Int(1)));
    assert_eq!(of(0, "retry.max_attempts"), Some(Value::Int(3)));
    assert_eq!(of(0, "retry.decision"), Some("retry".into()));
    assert_eq!(of(0, "retry.next_backoff_ms"), Some(Value::Int(25)));
    assert_eq!(of(0, "retry.backoff_ms"), None);
    assert_eq!(error_type(&attempts[0]), Some("unavailable"));

    assert_eq!(of(1, "retry.attempt"), Some(Value::Int(2)));
    assert_eq!(of(1, "retry.backoff_ms"), Some(Value::Int(25)));
    assert_eq!(of(1, "retry.wait_reason"), Some("backoff".into()));
    assert_eq!(of(1, "retry.decision"), None);
    assert_eq!(attempts[1].status, SpanStatus::Ok);
    assert_eq!(outer.status, SpanStatus::Ok);
}

#[tokio::test(start_paused = true)]
async fn the_span_says_who_named_the_wait() {
    let policy = |failed: &FailedAttempt<'_>, _: &WorkflowContext| match failed.number {
        1 => RetryDecision::RetryAfter(3 * MS),
        _ => RetryDecision::Retry,
    };
    let recorder = RecordingRecorder::new();
    let service = broken(|| down().with_retry_after(9 * MS));
    let flow = RetryPrimitive::new(service, quick(2).with_policy(policy)).unwrap();
    let ctx = on_paused_clock(recorder.builder());
    flow.execute(1, &ctx).await.unwrap_err();
    let reasons: Vec<_> = recorder
        .spans_named("retry.attempt")
        .iter()
        .map(|it| recorder.attribute(it.span_id, "retry.wait_reason"))
        .collect();
    assert_eq!(
        reasons,
        [None, Some("policy".into()), Some("retry_after".into())]
    );
}

/// What the last attempt's span says was decided.
async fn decided(config: RetryConfig, error: fn() -> Error) -> Option<Value> {
    let recorder = RecordingRecorder::new();
    let flow = RetryPrimitive::new(broken(error), config).unwrap();
    let ctx = on_paused_clock(recorder.builder());
    let hurried = ctx.with_deadline(ctx.now() + SECOND);
    flow.execute(1, &hurried).await.unwrap_err();
    let last = recorder.spans_named("retry.attempt").pop().unwrap();
    recorder.attribute(last.span_id, "retry.decision")
}

#[tokio::test(start_paused = true)]
async fn the_last_attempts_span_says_why_none_followed() {
    let panics =
        |_: &FailedAttempt<'_>, _: &WorkflowContext| -> RetryDecision { panic!("no idea") };
    let none = RetryBudget::new(0.0, 0).unwrap();
    let long = Backoff::constant(2 * SECOND);
    let cases: [(RetryConfig, fn() -> Error, &'static str); 6] = [
        (quick(1), down, "attempts_used_up"),
        (quick(1), || Error::msg("odd"), "not_retryable"),
        (quick(1).with_backoff(long), down, "deadline"),
        (quick(1).with_budget(&none), down, "budget"),
        (
            quick(1),
            || down().with_retry_after(61 * SECOND),
            "retry_after_too_long",
        ),
        (quick(1).with_policy(panics), down, "policy_panicked"),
    ];
    for (config, error, expected) in cases {
        assert_eq!(decided(config, error).await, Some(expected.into()));
    }
}

#[tokio::test(start_paused = true)]
async fn each_error_is_noted_once_where_it_began() {
    let recorder = RecordingRecorder::new();
    let flow = RetryPrimitive::new(broken(down), quick(2)).unwrap();
    flow.execute(1, &on_paused_clock(recorder.builder()))
        .await
        .unwrap_err();
    let inner: Vec<_> = recorder.spans_named("service.execute");
    let noted: Vec<_> = recorder
        .spans()
        .into_iter()
        .filter(|span| {
            recorder
                .events(span.span_id)
                .iter()
                .any(|it| it.name == "exception")
        })
        .map(|span| span.span_id)
        .collect();
    assert_eq!(
        noted,
        inner.iter().map(|span| span.span_id).collect::<Vec<_>>()
    );
    assert_eq!(noted.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_during_an_attempt_or_a_wait_releases_everything_and_is_counted_once() {
    for (case, elapses) in [("attempt", 5 * MS), ("wait", 15 * MS), ("second", 25 * MS)] {
        let permits = Arc::new(Semaphore::new(1));
        let step = step_with(
            format!("held_in_{case}"),
            Arc::clone(&permits),
            async |permits: &Arc<Semaphore>, (): ()| {
                let _permit = permits.acquire().await?;
                tokio::time::sleep(10 * MS).await;
                Err::<(), _>(down())
            },
        );
        let config = quick(5).with_backoff(Backoff::constant(10 * MS));
        let name = format!("cancelled_in_{case}");
        let flow = step.retry(config).unwrap().with_name(name.clone());
        let recorder = RecordingRecorder::new();
        let ctx = on_paused_clock(recorder.builder());
        let cut = tokio::time::timeout(elapses, flow.execute((), &ctx)).await;
        assert!(cut.is_err());
        drop(ctx);

        assert_eq!(permits.available_permits(), 1, "{case}");
        let metrics = flow.metrics();
        assert_eq!((metrics.in_flight(), metrics.cancelled()), (0, 1), "{case}");
        let inner = registry()
            .primitive_metrics(&format!("held_in_{case}"))
            .unwrap();
        assert_eq!(inner.in_flight(), 0, "{case}");
        assert_eq!(ended(&name), [0; 5], "{case}");
        assert_eq!(count("retry_attempts", &[&name]), 0, "{case}");
        let finished_waits = u64::from(case == "second");
        assert_eq!(
            count("retry_backoff_seconds", &[&name]),
            finished_waits,
            "{case}"
        );
        let outer = recorder.span(&format!("{name}.execute"));
        assert_eq!(error_type(&outer), Some("cancelled"), "{case}");
        let last = recorder.spans_named("retry.attempt").pop().unwrap();
        let expected = if case == "wait" {
            "unavailable"
        } else {
            "cancelled"
        };
        assert_eq!(error_type(&last), Some(expected), "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_an_attempt_is_an_error_that_is_not_retried() {
    for recorded in [true, false] {
        let name = format!("panics_recorded_{recorded}");
        let step = tta_core::step("panicking", async |n: u64| {
            assert!(n > 1, "one is too few");
            Ok(n)
        });
        let flow = step.retry(quick(3)).unwrap().with_name(name.clone());
        let ctx = on_paused_clock(RecordingRecorder::new().builder().sampled(recorded));
        let error = flow.execute(1, &ctx).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Panic);
        assert_eq!(flow.execute(2, &ctx).await.unwrap(), 2);
        assert_eq!(ended(&name), [1, 0, 0, 1, 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_that_panics_ends_the_retries_of_that_workflow_only() {
    let policy = |failed: &FailedAttempt<'_>, _: &WorkflowContext| match failed.error.kind() {
        ErrorKind::Timeout => panic!("no idea"),
        _ => RetryDecision::Retry,
    };
    let service = failing(0);
    service.push(tta_testkit::mock::Answer::fail(Error::new(
        ErrorKind::Timeout,
        "slow",
    )));
    service.push(tta_testkit::mock::Answer::fail(down()));
    let flow = RetryPrimitive::new(service, quick(3).with_policy(policy)).unwrap();
    let flow = flow.with_name("policy_panics");
    let error = flow.execute(1, &context()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(
        related(&error),
        ["not tried again: the retry policy panicked"]
    );
    assert_eq!(error.related()[0].kind(), ErrorKind::Panic);
    assert_eq!(flow.execute(2, &context()).await.unwrap(), 2);
    assert_eq!(ended("policy_panics"), [0, 1, 0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn results_are_the_same_with_and_without_a_recorder() {
    let outcomes = async |ctx: WorkflowContext| {
        let mut outcomes = Vec::new();
        for failures in 0..5 {
            let flow = RetryPrimitive::new(failing(failures), quick(2)).unwrap();
            let result = flow.execute(1, &ctx).await;
            outcomes.push(result.map_err(|error| (error.to_string(), related(&error))));
        }
        outcomes
    };
    let recorder = RecordingRecorder::new();
    let with = outcomes(on_paused_clock(recorder.builder())).await;
    assert_eq!(with, outcomes(context()).await);
    assert_eq!(with.iter().filter(|it| it.is_err()).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn every_declared_metric_is_emitted_and_every_span_declared() {
    let recorder = RecordingRecorder::new();
    let ctx = || on_paused_clock(recorder.builder());
    let retried = RetryPrimitive::new(failing(1), quick(1)).unwrap();
    retried.execute(1, &ctx()).await.unwrap();
    let hedged = sleeper().hedged(HedgeConfig::new(MS)).unwrap();
    hedged.execute(5, &ctx()).await.unwrap();
    let families = registry().gather();
    for metric in CATALOG.metrics {
        let emitted = families.iter().any(|family| family.spec == *metric);
        assert!(emitted, "{}", metric.name);
    }
    for span in CATALOG.spans {
        assert!(!recorder.spans_named(span.name).is_empty(), "{}", span.name);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_begins_before_the_first_poll() {
    let service = failing(0);
    let flow = RetryPrimitive::new(service.clone(), quick(1)).unwrap();
    let ctx = context();
    assert!(poll_then_drop(flow.execute(1, &ctx), 0).await.is_none());
    assert_eq!(service.calls(), 0);
}

#[test]
fn futures_can_move_between_threads_and_flows_be_boxed() {
    fn assert_send<T: Send>(_: T) {}
    let flow = Flow::new(failing(0)).retry(1).unwrap();
    assert_send(flow.run(1));
    assert_send(flow.boxed().unwrap().run(1));
    let flow = Flow::new(failing(0)).hedged(HedgeConfig::new(MS)).unwrap();
    assert_send(flow.run(1));
    assert_send(flow.boxed().unwrap().run(1));
}

#[test]
fn a_configuration_shows_what_it_says() {
    let shown = format!("{:?}", RetryConfig::new(7).without_budget());
    assert!(shown.contains("max_retries: 7"), "{shown}");
    assert!(shown.contains("has_policy: false"), "{shown}");
    let wait = Duration::from_millis(12);
    assert!(format!("{:?}", Backoff::constant(wait)).contains("12ms"));
}

#[test]
fn a_retry_adds_little_to_a_future_and_nothing_twice() {
    let ctx = context();
    let retried = || Flow::new(failing(0)).retry(1).unwrap();
    let step = size_of_val(&Flow::new(failing(0)).execute(1, &ctx));
    let (once, twice) = (retried(), retried().retry(1).unwrap());
    let once = size_of_val(&once.execute(1, &ctx));
    let twice = size_of_val(&twice.execute(1, &ctx));
    assert!(once <= step + 1_024, "{step} and {once} bytes");
    assert!(twice <= once + 1_024, "{once} and {twice} bytes");
}
