//! Right and wrong orders of composition, each seen.

use tta_core::{Flow, Result, step};
use tta_limit::{BulkheadConfig, LimitExt, RateLimitConfig};
use tta_testkit::conformance::tokio_clock;
use tta_timeout::TimeoutExt;

use crate::support::{SECOND, context, is_rejected, operation};

#[tokio::test(start_paused = true)]
async fn a_timeout_outside_a_bulkhead_limits_the_wait_too() -> Result<()> {
    let flow = Flow::new(operation())
        .limit(BulkheadConfig::new(1).with_queue(1))?
        .timeout(SECOND)?;
    let (one, other) = (context(), context());
    let (first, second) = tokio::join!(flow.execute(900, &one), flow.execute(900, &other));
    assert!(first.is_ok());
    assert!(second.is_err(), "it waited for 900 ms of its second");
    assert_eq!(one.elapsed(), SECOND);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_a_bulkhead_leaves_the_wait_unlimited() -> Result<()> {
    let flow = Flow::new(operation())
        .timeout(SECOND)?
        .limit(BulkheadConfig::new(1).with_queue(1))?;
    let (one, other) = (context(), context());
    let (first, second) = tokio::join!(flow.execute(900, &one), flow.execute(900, &other));
    assert!(first.is_ok() && second.is_ok());
    assert_eq!(
        one.elapsed(),
        SECOND * 9 / 5,
        "the second caller waited for both"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_a_bulkhead_rejects_outside_a_rate_limit_costs_no_token() -> Result<()> {
    let rate = RateLimitConfig::per_second(2).with_clock(tokio_clock);
    let flow = Flow::new(operation())
        .limit(rate)?
        .limit(BulkheadConfig::new(1))?;
    let (one, other) = (context(), context());
    let (first, rejected) = tokio::join!(flow.execute(10, &one), flow.execute(10, &other));
    assert!(first.is_ok() && is_rejected(&rejected));
    assert!(
        flow.execute(10, &context()).await.is_ok(),
        "the second token is there"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_a_bulkhead_rejects_inside_a_rate_limit_has_spent_its_token() -> Result<()> {
    let rate = RateLimitConfig::per_second(2).with_clock(tokio_clock);
    let flow = Flow::new(operation())
        .limit(BulkheadConfig::new(1))?
        .limit(rate)?;
    let (one, other) = (context(), context());
    let (first, rejected) = tokio::join!(flow.execute(10, &one), flow.execute(10, &other));
    assert!(first.is_ok() && is_rejected(&rejected));
    assert!(
        is_rejected(&flow.execute(10, &context()).await),
        "both tokens are spent"
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_fallback_outside_a_limit_answers_who_is_rejected() -> Result<()> {
    let flow = Flow::new(operation())
        .limit(BulkheadConfig::new(1))?
        .with_fallback(step("canned", async |_: u64| Ok(0)));
    let (one, other) = (context(), context());
    let (first, second) = tokio::join!(flow.execute(10, &one), flow.execute(10, &other));
    assert_eq!((first?, second?), (10, 0));
    Ok(())
}

#[test]
fn limits_around_a_step_that_must_not_be_repeated_say_so() -> Result<()> {
    use tta_core::Primitive;
    let flow = || Flow::new(operation());
    let rate = RateLimitConfig::per_second(1);
    let bulkhead = BulkheadConfig::new(1);
    assert!(flow().limit(rate)?.into_primitive().is_idempotent());
    assert!(flow().limit(bulkhead)?.into_primitive().is_idempotent());
    assert!(
        !flow()
            .non_idempotent()
            .limit(rate)?
            .into_primitive()
            .is_idempotent()
    );
    assert!(
        !flow()
            .non_idempotent()
            .limit(bulkhead)?
            .into_primitive()
            .is_idempotent()
    );
    Ok(())
}
