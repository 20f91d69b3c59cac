//! How many attempts are made, and what is left of those that failed.

use std::time::Duration;

use tta_core::{Error, ErrorKind, Flow, step};
use tta_retry::{RetryConfig, RetryExt, RetryPrimitive};
use tta_testkit::mock::{Answer, MockPrimitive};

use crate::support::{MS, broken, context, count, down, ended, failing, quick, related};

#[tokio::test(start_paused = true)]
async fn a_first_success_is_one_attempt() {
    let service = failing(0);
    let flow = RetryPrimitive::new(service.clone(), quick(3)).unwrap();
    let flow = flow.with_name("first_success");
    let ctx = context();
    assert_eq!(flow.execute(7, &ctx).await.unwrap(), 7);
    assert_eq!((service.calls(), ctx.elapsed()), (1, Duration::ZERO));
    assert_eq!(ended("first_success"), [1, 0, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn three_retries_make_four_attempts() {
    let service = broken(down);
    let flow = RetryPrimitive::new(service.clone(), quick(3)).unwrap();
    let flow = flow.with_name("four_attempts");
    let ctx = context();
    flow.execute(7, &ctx).await.unwrap_err();
    assert_eq!(service.calls(), 4);
    assert_eq!(ctx.elapsed(), 3 * MS);
    assert_eq!(ended("four_attempts"), [0, 0, 1, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn no_retries_are_one_attempt() {
    let service = broken(down);
    let flow = RetryPrimitive::new(service.clone(), quick(0)).unwrap();
    let flow = flow.with_name("no_retries");
    let error = flow.execute(7, &context()).await.unwrap_err();
    assert_eq!(service.calls(), 1);
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(related(&error).is_empty());
    assert_eq!(ended("no_retries"), [0, 0, 1, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_success_on_the_last_attempt_is_recovered() {
    let service = failing(2);
    let flow = RetryPrimitive::new(service.clone(), quick(2)).unwrap();
    let flow = flow.with_name("last_attempt");
    assert_eq!(flow.execute(7, &context()).await.unwrap(), 7);
    assert_eq!(service.inputs(), [7, 7, 7]);
    assert_eq!(ended("last_attempt"), [0, 1, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_number_is_that_many_retries() {
    let service = broken(down);
    let flow = Flow::new(service.clone()).retry(2).unwrap();
    flow.execute(7, &context()).await.unwrap_err();
    assert_eq!(service.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_presets_retry_as_often_as_they_say() {
    for (config, attempts) in [
        (RetryConfig::standard(), 4),
        (RetryConfig::default(), 4),
        (RetryConfig::llm(), 5),
        (RetryConfig::llm().with_max_retries(1), 2),
    ] {
        let service = broken(down);
        let flow = RetryPrimitive::new(service.clone(), config).unwrap();
        flow.execute(7, &context()).await.unwrap_err();
        assert_eq!(service.calls(), attempts);
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_error_is_kept_with_all_attempts_visible() {
    let service = MockPrimitive::<u64, u64>::new("service")
        .with_answer(Answer::fail(Error::new(ErrorKind::Timeout, "first")))
        .with_answer(Answer::fail(Error::new(ErrorKind::RateLimited, "second")))
        .with_answer(Answer::fail(Error::new(ErrorKind::Unavailable, "third")));
    let flow = RetryPrimitive::new(service, quick(2)).unwrap();
    let error = flow.execute(7, &context()).await.unwrap_err();
    assert_eq!(error.to_string(), "third");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(related(&error), ["first", "second"]);
    assert_eq!(error.related()[0].kind(), ErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn what_many_attempts_leave_is_bounded_and_counted() {
    let flow = RetryPrimitive::new(broken(down), quick(40)).unwrap();
    let error = flow.execute(7, &context()).await.unwrap_err();
    let related = related(&error);
    assert_eq!(related.len(), 33);
    assert_eq!(related[31], "it is down");
    assert_eq!(related[32], "8 more attempts failed");

    let flow = RetryPrimitive::new(broken(down), quick(32)).unwrap();
    let error = flow.execute(7, &context()).await.unwrap_err();
    assert_eq!(error.related().len(), 32);
    assert_eq!(error.related()[31].to_string(), "it is down");
}

#[tokio::test(start_paused = true)]
async fn only_errors_that_may_pass_are_tried_again() {
    for kind in ErrorKind::ALL {
        let service = broken(move || Error::new(kind, "it failed"));
        let name = format!("kind_{kind}");
        let flow = RetryPrimitive::new(service.clone(), quick(2)).unwrap();
        let flow = flow.with_name(name.clone());
        flow.execute(7, &context()).await.unwrap_err();
        let passes = matches!(
            kind,
            ErrorKind::Timeout | ErrorKind::Unavailable | ErrorKind::RateLimited
        );
        assert_eq!(service.calls(), if passes { 3 } else { 1 }, "{kind}");
        let expected = if passes {
            [0, 0, 1, 0, 0]
        } else {
            [0, 0, 0, 1, 0]
        };
        assert_eq!(ended(&name), expected, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_says_itself_whether_it_is_tried_again() {
    let never = broken(|| down().with_retryable(false));
    let flow = RetryPrimitive::new(never.clone(), quick(2)).unwrap();
    flow.execute(7, &context()).await.unwrap_err();
    assert_eq!(never.calls(), 1);

    let always = broken(|| Error::msg("odd").with_retryable(true));
    let flow = RetryPrimitive::new(always.clone(), quick(2)).unwrap();
    flow.execute(7, &context()).await.unwrap_err();
    assert_eq!(always.calls(), 3);
}

#[tokio::test(start_paused = true)]
async fn an_error_that_is_no_use_to_repeat_ends_a_series_of_retries() {
    let service = MockPrimitive::<u64, u64>::new("service")
        .with_answer(Answer::fail(down()))
        .with_answer(Answer::fail(Error::new(ErrorKind::InvalidInput, "no")));
    let flow = RetryPrimitive::new(service.clone(), quick(5)).unwrap();
    let flow = flow.with_name("ends_a_series");
    let error = flow.execute(7, &context()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(related(&error), ["it is down"]);
    assert_eq!(service.calls(), 2);
    assert_eq!(ended("ends_a_series"), [0, 0, 0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn attempts_and_waits_are_measured() {
    let flow = RetryPrimitive::new(failing(2), quick(3)).unwrap();
    let flow = flow.with_name("measured_attempts");
    flow.execute(7, &context()).await.unwrap();
    flow.execute(7, &context()).await.unwrap();
    assert_eq!(count("retry_attempts", &["measured_attempts"]), 2);
    assert_eq!(count("retry_backoff_seconds", &["measured_attempts"]), 2);
    let families = tta_core::registry().gather();
    let sum = |metric: &str| {
        let family = families.iter().find(|it| it.spec.name == metric).unwrap();
        let own = |it: &&tta_core::MetricSample| it.labels == ["measured_attempts"];
        match &family.samples.iter().find(own).unwrap().value {
            tta_core::SampleValue::Histogram { sum, .. } => *sum,
            other => panic!("{other:?}"),
        }
    };
    assert!((sum("retry_attempts") - 4.0).abs() < 1e-9);
    assert!((sum("retry_backoff_seconds") - 0.002).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn a_name_given_after_a_run_moves_the_metrics() {
    let flow = RetryPrimitive::new(failing(0), quick(1)).unwrap();
    let flow = flow.with_name("named_before");
    flow.execute(1, &context()).await.unwrap();
    let flow = flow.with_name("named_after");
    flow.execute(1, &context()).await.unwrap();
    assert_eq!(ended("named_before"), [1, 0, 0, 0, 0]);
    assert_eq!(ended("named_after"), [1, 0, 0, 0, 0]);
}

#[test]
fn an_attempt_that_need_not_wait_needs_no_runtime() {
    let flow = step("ready", async |n: u64| Ok(n)).retry(3).unwrap();
    let mut run = std::pin::pin!(flow.run(4));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(matches!(
        run.as_mut().poll(&mut cx),
        std::task::Poll::Ready(Ok(4))
    ));
}

#[test]
fn a_wait_without_a_timer_is_an_error_that_says_what_is_missing() {
    let without_timer = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let flow = RetryPrimitive::new(broken(down), quick(3)).unwrap();
    let flow = flow.with_name("without_timer");
    let error = without_timer.block_on(flow.run(1)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("enable_time"), "{error}");
    assert!(error.to_string().contains("retry"), "{error}");
    assert_eq!(related(&error), ["it is down"]);
    assert_eq!(ended("without_timer"), [0, 0, 0, 1, 0]);

    let mut run = std::pin::pin!(flow.run(1));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let polled = run.as_mut().poll(&mut cx);
    assert!(matches!(polled, std::task::Poll::Ready(Err(_))));
}
