//! Waiting for somebody else's computation, polled by hand or beside another process.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::{Instant, advance};
use tta_cache::{CacheConfig, CacheExt, Scope};
use tta_core::{BoxFlow, Error, ErrorKind, Flow, Primitive, Result, WorkflowContext, step_with};

use crate::shelf::Shelf;
use crate::support::{Calls, ask, by_text, counting};

const TTL: Duration = Duration::from_mins(1);

/// Answers how often it has run, when it is given leave to.
fn gated(
    calls: &Calls,
    gate: &Arc<Semaphore>,
) -> Flow<impl Primitive<Input = String, Output = usize> + 'static + use<>> {
    let state = (calls.clone(), Arc::clone(gate));
    step_with(
        "model",
        state,
        async |(calls, gate): &(Calls, Arc<Semaphore>), _: String| {
            calls.add();
            let call = calls.count();
            gate.acquire().await?.forget();
            Ok(call)
        },
    )
}

fn clocked<V>() -> CacheConfig<String, V> {
    by_text()
        .with_ttl(TTL)
        .with_clock(|| Instant::now().into_std())
}

/// Lets every task that can run do so.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

/// A task that notes whether it was woken.
#[derive(Default)]
struct Task(AtomicBool);

impl Wake for Task {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Task {
    fn is_woken(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

#[tokio::test]
async fn a_caller_that_goes_on_waiting_in_another_task_is_woken_there() -> Result<()> {
    let (calls, gate) = (Calls::default(), Arc::new(Semaphore::new(0)));
    let flow = Arc::new(gated(&calls, &gate).cached(by_text())?);
    let leader = {
        let flow = Arc::clone(&flow);
        tokio::spawn(async move { flow.run(ask("q")).await })
    };
    settle().await;
    let tasks = [(); 2].map(|()| Arc::new(Task::default()));
    let mut waits = pin!(flow.run(ask("q")));
    for task in &tasks {
        let waker = Waker::from(Arc::clone(task));
        let polled = waits.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    }
    gate.add_permits(1);
    assert_eq!(leader.await??, 1);
    assert!(tasks[1].is_woken());
    assert_eq!(waits.await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_caller_that_has_given_up_is_not_held_until_the_computation_ends() -> Result<()> {
    let (calls, gate) = (Calls::default(), Arc::new(Semaphore::new(0)));
    let flow = Arc::new(gated(&calls, &gate).cached(by_text())?);
    let leader = {
        let flow = Arc::clone(&flow);
        tokio::spawn(async move { flow.run(ask("q")).await })
    };
    settle().await;
    let task = Arc::new(Task::default());
    {
        let waker = Waker::from(Arc::clone(&task));
        let mut waits = pin!(flow.run(ask("q")));
        let polled = waits.as_mut().poll(&mut Context::from_waker(&waker));
        assert!(polled.is_pending());
    }
    assert_eq!(Arc::strong_count(&task), 1);
    gate.add_permits(1);
    assert_eq!(leader.await??, 1);
    assert!(!task.is_woken());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_value_that_has_ended_before_who_waited_for_it_came_to_look_is_computed_anew()
-> Result<()> {
    let (calls, gate) = (Calls::default(), Arc::new(Semaphore::new(0)));
    let flow = Arc::new(gated(&calls, &gate).cached(clocked())?);
    let leader = {
        let flow = Arc::clone(&flow);
        tokio::spawn(async move { flow.run(ask("q")).await })
    };
    settle().await;
    let mut waits = pin!(flow.run(ask("q")));
    let polled = waits.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Pending));
    gate.add_permits(2);
    assert_eq!(leader.await??, 1);
    advance(TTL).await;
    assert_eq!(waits.await?, 2);
    Ok(())
}

#[tokio::test]
async fn behind_a_verdict_that_always_panics_a_hundred_callers_are_two_computations() -> Result<()>
{
    let (calls, gate) = (Calls::default(), Arc::new(Semaphore::new(0)));
    let config = by_text().with_store_if(|_| panic!("the verdict panics"));
    let flow = Arc::new(gated(&calls, &gate).cached(config)?);
    let callers: Vec<_> = (0..100)
        .map(|_| {
            let flow = Arc::clone(&flow);
            tokio::spawn(async move { flow.run(ask("q")).await })
        })
        .collect();
    for _ in 0..100 {
        settle().await;
        gate.add_permits(1);
    }
    for caller in callers {
        assert_eq!(caller.await?.unwrap_err().kind(), ErrorKind::Panic);
    }
    assert_eq!(calls.count(), 2);
    Ok(())
}

#[tokio::test]
async fn a_computation_may_wait_for_another_that_is_under_way() -> Result<()> {
    let (own, gate) = (
        Arc::<OnceLock<BoxFlow<u64, u64>>>::default(),
        Arc::new(Semaphore::new(0)),
    );
    let state = (Arc::clone(&own), Arc::clone(&gate));
    let flow = step_with(
        "model",
        state,
        async |(own, gate): &(Arc<OnceLock<BoxFlow<u64, u64>>>, Arc<Semaphore>),
               n: u64,
               ctx: &WorkflowContext| {
            if n == 0 {
                gate.acquire().await?.forget();
                return Ok(1);
            }
            let own = own.get().ok_or_else(|| Error::msg("not yet"))?;
            Ok(own.execute(n - 1, ctx).await? + 1)
        },
    )
    .cached(CacheConfig::of_input(Scope::Global))?
    .boxed()?;
    assert!(own.set(flow.clone()).is_ok());
    let [first, second] = [0, 1].map(|n| {
        let flow = flow.clone();
        tokio::spawn(async move { flow.run(n).await })
    });
    settle().await;
    gate.add_permits(2);
    assert_eq!((first.await??, second.await??), (1, 2));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stale_value_answers_who_would_wait_for_another_caller() -> Result<()> {
    let (calls, gate) = (Calls::default(), Arc::new(Semaphore::new(1)));
    let config = clocked().with_stale_while_revalidate(TTL);
    let flow = Arc::new(gated(&calls, &gate).cached(config)?);
    assert_eq!(flow.run(ask("q")).await?, 1);
    advance(TTL).await;
    let begun = Arc::new(Semaphore::new(0));
    let leader = {
        let (flow, begun) = (Arc::clone(&flow), Arc::clone(&begun));
        tokio::spawn(async move {
            let ctx = WorkflowContext::new();
            let compute = async |_| {
                begun.add_permits(1);
                std::future::pending::<Result<usize>>().await
            };
            flow.get_or_compute(&ask("q"), &ctx, compute).await
        })
    };
    begun.acquire().await?.forget();
    let ctx = WorkflowContext::new();
    let question = ask("q");
    let waits = flow.get_or_compute(&question, &ctx, async |_| Ok(9));
    assert_eq!(tokio::time::timeout(TTL, waits).await??, 1);
    leader.abort();
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stale_value_answers_who_would_wait_for_another_process_and_one_kept_for_errors_does_not()
-> Result<()> {
    let asked_meanwhile = async |stale: Duration, for_errors: Duration| -> Result<_> {
        let shelf = Shelf::new();
        let config = || {
            let config = shelf.config().with_ttl(TTL);
            let config = config.with_stale_while_revalidate(stale);
            config.with_stale_if_error(for_errors)
        };
        let flow = counting(&Calls::default()).cached(config())?;
        assert_eq!(flow.run(ask("q")).await?, 1);
        let (key, _) = shelf.only();
        let other = counting(&Calls::default()).cached(config())?;
        let ctx = WorkflowContext::new();
        assert!(other.invalidate(&ask("q"), &ctx).await?);
        advance(TTL).await;
        shelf.lock_all(&key, Duration::from_secs(4));
        let begun = Instant::now();
        let question = ask("q");
        let answer = flow
            .get_or_compute(&question, &ctx, async |_| Ok(9))
            .await?;
        Ok((answer, begun.elapsed().as_secs()))
    };
    assert_eq!(asked_meanwhile(TTL, Duration::ZERO).await?, (1, 0));
    assert_eq!(asked_meanwhile(Duration::ZERO, TTL).await?, (9, 4));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_another_process_asks_at_intervals_of_an_eighth_to_a_quarter_of_a_second()
-> Result<()> {
    let shelf = Shelf::new();
    let shared = shelf.shared().with_lock_wait(TTL);
    let config = shelf.config().with_shared(shared);
    let flow = counting(&Calls::default()).cached(config)?;
    flow.run(ask("q")).await?;
    let (key, _) = shelf.only();
    flow.clear().await?;
    shelf.lock_all(&key, Duration::from_hours(1));
    let before = shelf.fetches();
    assert_eq!(flow.run(ask("q")).await?, 2);
    // A minute in steps of three sixteenths of a second each, evenly spread: 325 with a standard
    // deviation of four, after the short ones at first.
    let asked = shelf.fetches() - before;
    assert!((285..=365).contains(&asked), "{asked}");
    Ok(())
}
