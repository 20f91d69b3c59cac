//! What a limit decides can be seen: in metrics and on spans.

use std::time::Duration;

use tokio::time::advance;
use tta_core::{Result, Value, registry};
use tta_limit::{Bulkhead, BulkheadConfig, CATALOG, LimitExt, RateLimit, RateLimitConfig};
use tta_testkit::conformance::{poll_then_drop, tokio_clock};
use tta_testkit::measured::measured;
use tta_testkit::recording::{RecordingRecorder, error_type};

use crate::support::{SECOND, context, flow, gauges};

#[tokio::test(start_paused = true)]
async fn gauges_say_what_is_in_use_who_waits_and_what_there_is() -> Result<()> {
    let bulkhead = Bulkhead::new("gauged", BulkheadConfig::new(2).with_queue(2))?;
    let ctx = context();
    let held = [bulkhead.acquire(&ctx).await?, bulkhead.acquire(&ctx).await?];
    let mut waiting = Box::pin(bulkhead.acquire(&ctx));
    assert!(poll_then_drop(waiting.as_mut(), 1).await.is_none());
    assert_eq!(gauges("gauged"), [2, 1, 2]);
    assert_eq!((bulkhead.in_use(), bulkhead.queued()), (2, 1));
    drop(held);
    drop(waiting.await?);
    assert_eq!(gauges("gauged"), [0, 0, 2]);
    drop(bulkhead);
    assert_eq!(gauges("gauged"), [0, 0, 0], "what is gone has no capacity");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn of_a_rate_limit_the_tokens_in_use_come_back_with_time() -> Result<()> {
    let config = RateLimitConfig::per_second(10)
        .with_burst(5)
        .with_clock(tokio_clock);
    let limit = RateLimit::new("tokens", config)?;
    for _ in 0..3 {
        limit.try_acquire()?;
    }
    assert_eq!(gauges("tokens"), [3, 0, 5]);
    advance(SECOND / 10).await;
    assert_eq!(gauges("tokens"), [2, 0, 5]);
    advance(SECOND).await;
    assert_eq!(gauges("tokens"), [0, 0, 5]);
    limit.try_acquire()?;
    drop(limit);
    assert_eq!(gauges("tokens"), [0, 0, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn only_those_who_waited_are_in_the_histogram_of_waits() -> Result<()> {
    let flow = flow()
        .limit(BulkheadConfig::new(1).with_queue(1))?
        .with_name("waits");
    let ctx: Vec<_> = (0..3).map(|_| context()).collect();
    let (a, b, c) = tokio::join!(
        flow.execute(100, &ctx[0]),
        flow.execute(100, &ctx[1]),
        flow.execute(100, &ctx[2])
    );
    assert!(a.is_ok() && b.is_ok() && c.is_err());
    assert!((measured("limit_wait_duration_seconds", &["waits"]) - 1.0).abs() < 1e-9);
    let waited = registry()
        .gather()
        .iter()
        .filter(|family| family.spec.name == "limit_wait_duration_seconds")
        .flat_map(|family| family.samples.clone())
        .find(|sample| sample.labels == ["waits"])
        .map(|sample| sample.value);
    let Some(tta_core::SampleValue::Histogram { sum, .. }) = waited else {
        panic!("a histogram")
    };
    assert!((sum - 0.1).abs() < 1e-9, "{sum}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_wait_has_a_span_that_says_how_many_were_before_and_how_long_it_may_take() -> Result<()> {
    let config = BulkheadConfig::new(1)
        .with_queue(3)
        .with_queue_timeout(2 * SECOND);
    let flow = flow().limit(config)?.with_name("traced");
    let recorder = RecordingRecorder::new();
    let first = context();
    let second = context();
    let third = recorder.builder().clock(tokio_clock).build();
    let (_, _, third_result) = tokio::join!(
        flow.execute(10, &first),
        flow.execute(3_000, &second),
        flow.execute(10, &third)
    );
    assert!(third_result.is_err());
    let span = recorder.span("limit.wait");
    assert_eq!(error_type(&span), Some("rejected"));
    let nanos = u128::from(span.end_unix_nanos - span.start_unix_nanos);
    assert_eq!(nanos, (2 * SECOND).as_nanos());
    let attribute = |key| recorder.attribute(span.span_id, key);
    assert_eq!(attribute("limit.queued_before"), Some(Value::from(1_u64)));
    assert_eq!(attribute("limit.budget_ms"), Some(Value::from(2_000_u64)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_does_not_wait_has_no_such_span() -> Result<()> {
    let flow = flow()
        .limit(BulkheadConfig::standard())?
        .with_name("at_once_traced");
    let recorder = RecordingRecorder::new();
    let ctx = recorder.builder().clock(tokio_clock).build();
    flow.execute(10, &ctx).await?;
    assert!(recorder.spans_named("limit.wait").is_empty());
    assert_eq!(recorder.spans_named("at_once_traced.execute").len(), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn every_declared_metric_is_emitted_and_every_span_declared() -> Result<()> {
    let flow = flow()
        .limit(BulkheadConfig::new(1).with_queue(1))?
        .with_name("declared");
    let recorder = RecordingRecorder::new();
    let contexts = [0, 1].map(|_| recorder.builder().clock(tokio_clock).build());
    let (one, other) = tokio::join!(
        flow.execute(10, &contexts[0]),
        flow.execute(10, &contexts[1])
    );
    one.and(other)?;
    let families = registry().gather();
    for metric in CATALOG.metrics {
        let found = families.iter().any(|family| family.spec == *metric);
        assert!(found, "{}", metric.name);
    }
    for span in CATALOG.spans {
        recorder.span(span.name);
    }
    Ok(())
}

#[test]
fn futures_can_move_between_threads() -> Result<()> {
    fn assert_send<T: Send>(_: T) {}
    let bulkhead = flow().limit(BulkheadConfig::new(1).with_queue(1))?;
    assert_send(bulkhead.run(1));
    let rate = flow().limit(RateLimitConfig::new(1, Duration::from_secs(1)))?;
    assert_send(rate.run(1));
    Ok(())
}
