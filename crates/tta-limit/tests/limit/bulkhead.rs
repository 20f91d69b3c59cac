//! So many at once, the others in their order or not at all.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, advance};
use tta_core::{ErrorKind, Flow, Result};
use tta_limit::{Bulkhead, BulkheadConfig, BulkheadPrimitive, LimitExt};
use tta_testkit::conformance::poll_then_drop;

use crate::support::{SECOND, context, counted, flow, gauges, hurried, is_rejected, operation};

#[tokio::test(start_paused = true)]
async fn no_more_run_at_once_than_it_admits() -> Result<()> {
    let operation = operation();
    let flow =
        Arc::new(Flow::new(operation.clone()).limit(BulkheadConfig::new(3).with_queue(100))?);
    let begun = Instant::now();
    let calls: Vec<_> = (0..30)
        .map(|_| {
            let flow = Arc::clone(&flow);
            tokio::spawn(async move { flow.execute(100, &context()).await })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await??, 100);
    }
    assert_eq!(operation.most_running(), 3);
    assert_eq!(begun.elapsed(), SECOND, "ten rounds of three");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn without_a_queue_who_finds_no_place_is_rejected_at_once() -> Result<()> {
    let flow = flow().limit(BulkheadConfig::new(1))?.with_name("no_queue");
    let (one, other) = (context(), context());
    let (first, second) = tokio::join!(flow.execute(100, &one), flow.execute(1, &other));
    assert_eq!(first?, 100);
    let error = second.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(!error.is_retryable());
    assert_eq!(
        error.to_string(),
        "`no_queue` admits 1 at once, and as many are under way"
    );
    assert_eq!(counted("no_queue"), [1, 1, 0, 0, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_finds_the_queue_full_is_rejected_at_once() -> Result<()> {
    let flow = flow()
        .limit(BulkheadConfig::new(1).with_queue(2))?
        .with_name("full_queue");
    let ctx: Vec<_> = (0..4).map(|_| context()).collect();
    let (a, b, c, d) = tokio::join!(
        flow.execute(100, &ctx[0]),
        flow.execute(100, &ctx[1]),
        flow.execute(100, &ctx[2]),
        flow.execute(100, &ctx[3])
    );
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    let said = d.unwrap_err().to_string();
    assert!(
        said.contains("the 2 places of its queue are taken"),
        "{said}"
    );
    assert_eq!(ctx[3].elapsed(), Duration::from_millis(300));
    assert_eq!(counted("full_queue"), [3, 1, 0, 0, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_came_first_is_served_first() -> Result<()> {
    let bulkhead = Bulkhead::new("fifo", BulkheadConfig::new(1).with_queue(10))?;
    let served = Arc::new(Mutex::new(Vec::new()));
    let first = bulkhead.acquire(&context()).await?;
    let mut waiting = Vec::new();
    for caller in 0..5 {
        let (bulkhead, served) = (bulkhead.clone(), Arc::clone(&served));
        waiting.push(tokio::spawn(async move {
            let permit = bulkhead.acquire(&context()).await;
            served.lock().unwrap().push(caller);
            permit
        }));
        tokio::task::yield_now().await;
    }
    assert_eq!(bulkhead.queued(), 5);
    drop(first);
    for call in waiting {
        drop(call.await??);
    }
    assert_eq!(*served.lock().unwrap(), [0, 1, 2, 3, 4]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_comes_later_does_not_overtake_who_waits() -> Result<()> {
    let bulkhead = Bulkhead::new("no_overtaking", BulkheadConfig::new(1).with_queue(1))?;
    let ctx = context();
    let first = bulkhead.acquire(&ctx).await?;
    let mut waiting = Box::pin(bulkhead.acquire(&ctx));
    assert!(poll_then_drop(waiting.as_mut(), 1).await.is_none());
    drop(first);
    let late = context();
    assert!(
        is_rejected(&bulkhead.acquire(&late).await),
        "the place is promised"
    );
    assert!(waiting.await.is_ok());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_waits_longer_than_the_queue_timeout_is_rejected_then() -> Result<()> {
    let config = BulkheadConfig::new(1)
        .with_queue(5)
        .with_queue_timeout(2 * SECOND);
    let flow = flow().limit(config)?.with_name("timeout_queue");
    let (one, other) = (context(), context());
    let begun = Instant::now();
    let second = async {
        let result = flow.execute(1, &other).await;
        (result, begun.elapsed())
    };
    let (first, (second, after)) = tokio::join!(flow.execute(5_000, &one), second);
    assert!(first.is_ok());
    assert_eq!(after, 2 * SECOND);
    let said = second.unwrap_err().to_string();
    assert!(said.ends_with("had no place within 2s"), "{said}");
    assert_eq!(counted("timeout_queue"), [1, 0, 1, 0, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_cannot_be_served_before_the_deadline_is_rejected_at_the_deadline() -> Result<()> {
    let config = BulkheadConfig::new(1)
        .with_queue(5)
        .with_queue_timeout(3 * SECOND);
    let flow = flow().limit(config)?.with_name("deadline_queue");
    let (one, other) = (context(), hurried(SECOND));
    let begun = Instant::now();
    let second = async {
        let result = flow.execute(1, &other).await;
        (result, begun.elapsed())
    };
    let (_, (second, after)) = tokio::join!(flow.execute(5_000, &one), second);
    assert_eq!(after, SECOND);
    let error = second.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert!(error.to_string().contains("before the deadline"), "{error}");
    assert_eq!(counted("deadline_queue"), [1, 0, 0, 1, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_queue_timeout_before_the_deadline_is_the_one_that_counts() -> Result<()> {
    let config = BulkheadConfig::new(1)
        .with_queue(5)
        .with_queue_timeout(SECOND);
    let flow = flow().limit(config)?.with_name("earlier_timeout");
    let (one, other) = (context(), hurried(2 * SECOND));
    let (_, second) = tokio::join!(flow.execute(5_000, &one), flow.execute(1, &other));
    assert!(is_rejected(&second));
    assert_eq!(counted("earlier_timeout"), [1, 0, 1, 0, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_deadline_has_passed_is_not_begun_although_there_is_room() -> Result<()> {
    let operation = operation();
    let flow = Flow::new(operation.clone())
        .limit(BulkheadConfig::new(1))?
        .with_name("too_late");
    let late = hurried(Duration::ZERO);
    assert!(is_rejected(&flow.execute(1, &late).await));
    assert_eq!(operation.calls(), 0);
    assert_eq!(counted("too_late"), [0, 0, 0, 1, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_leaves_the_queue() -> Result<()> {
    let bulkhead = Bulkhead::new("gives_up", BulkheadConfig::new(1).with_queue(1))?;
    let ctx = context();
    let held = bulkhead.acquire(&ctx).await?;
    for _ in 0..3 {
        let gave_up = poll_then_drop(bulkhead.acquire(&ctx), 1).await;
        assert!(gave_up.is_none());
        assert_eq!((bulkhead.in_use(), bulkhead.queued()), (1, 0));
    }
    drop(held);
    assert_eq!(bulkhead.in_use(), 0);
    assert!(bulkhead.acquire(&ctx).await.is_ok());
    assert_eq!(counted("gives_up"), [2, 0, 0, 0, 3]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_execution_that_ends_in_any_way_gives_its_place_back() -> Result<()> {
    use tta_testkit::mock::{Answer, MockPrimitive};
    let operation = MockPrimitive::<(), u64>::new("operation")
        .with_answer(Answer::panic("it fell over"))
        .with_answer(Answer::fail(tta_core::Error::msg("no")))
        .with_answer(Answer::hang())
        .with_answer(Answer::value(7));
    let flow = BulkheadPrimitive::new(Flow::new(operation), BulkheadConfig::new(1))?
        .with_name("gives_back");
    let ctx = context();
    assert_eq!(
        flow.execute((), &ctx).await.unwrap_err().kind(),
        ErrorKind::Panic
    );
    assert_eq!(
        flow.execute((), &ctx).await.unwrap_err().kind(),
        ErrorKind::Other
    );
    assert!(poll_then_drop(flow.execute((), &ctx), 1).await.is_none());
    assert_eq!(flow.execute((), &ctx).await?, 7);
    assert_eq!(flow.bulkhead().in_use(), 0);
    assert_eq!(gauges("gives_back"), [0, 0, 1]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn primitives_that_share_a_bulkhead_draw_on_one_limit() -> Result<()> {
    let shared = Bulkhead::new("shared_pool", BulkheadConfig::new(1))?;
    let one = flow().limit(shared.clone())?.with_name("one");
    let other = flow().limit(shared.clone())?.with_name("other");
    let (a, b) = (context(), context());
    let (first, second) = tokio::join!(one.execute(100, &a), other.execute(1, &b));
    assert!(first.is_ok() && is_rejected(&second));
    // Under the bulkhead's own name, whatever the primitives are called.
    assert_eq!(counted("shared_pool"), [1, 1, 0, 0, 0]);
    assert_eq!(one.bulkhead().capacity(), 1);
    Ok(())
}

#[test]
fn who_is_admitted_at_once_needs_no_runtime_and_who_waits_for_a_time_is_told_so() -> Result<()> {
    let config = BulkheadConfig::new(1)
        .with_queue(1)
        .with_queue_timeout(SECOND);
    let bulkhead = Bulkhead::new("no_runtime", config)?;
    let ctx = tta_core::WorkflowContext::new();
    let waker = std::task::Waker::noop();
    let mut cx = std::task::Context::from_waker(waker);
    let std::task::Poll::Ready(held) = std::pin::pin!(bulkhead.acquire(&ctx)).poll(&mut cx) else {
        panic!("there is room")
    };
    let _held = held?;
    let std::task::Poll::Ready(Err(error)) = std::pin::pin!(bulkhead.acquire(&ctx)).poll(&mut cx)
    else {
        panic!("there is no timer")
    };
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("enable_time"), "{error}");
    assert_eq!(bulkhead.queued(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn without_a_timeout_and_a_deadline_one_waits_as_long_as_it_takes() -> Result<()> {
    let bulkhead = Bulkhead::new("patient", BulkheadConfig::new(1).with_queue(1))?;
    let ctx = context();
    let held = bulkhead.acquire(&ctx).await?;
    let mut waiting = Box::pin(bulkhead.acquire(&ctx));
    assert!(poll_then_drop(waiting.as_mut(), 1).await.is_none());
    advance(Duration::from_hours(1_000)).await;
    assert!(poll_then_drop(waiting.as_mut(), 1).await.is_none());
    drop(held);
    assert!(waiting.await.is_ok());
    Ok(())
}
