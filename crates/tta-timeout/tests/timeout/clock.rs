//! How often a timeout reads the clock.

use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use tta_core::{
    ErrorKind, Flow, NanoClock, Operand, Primitive, Recorder, Result, WorkflowContext, step,
    step_with,
};
use tta_timeout::{TimeoutConfig, TimeoutExt};

fn ready() -> Flow<impl Operand<Input = u64, Output = u64>> {
    step("ready", async |n: u64| Ok(n))
}

fn readings_of<P: Primitive<Input = u64>>(flow: &Flow<P>) -> usize {
    let ctx = WorkflowContext::builder().clock(counting).build();
    readings(|| assert!(now(flow.execute(1, &ctx)).is_ok()))
}

#[test]
fn a_timeout_goes_by_the_readings_of_the_step_that_it_stands_around() {
    let minute = Duration::from_mins(1);
    let alone = readings_of(&ready());
    assert!(alone >= 2, "{alone}");
    assert_eq!(readings_of(&ready().timeout(minute).unwrap()), alone);
    let graceful = TimeoutConfig::new(minute).with_grace(minute);
    assert_eq!(readings_of(&ready().timeout(graceful).unwrap()), alone);
    let sequence = (ready() >> ready()).timeout(minute).unwrap();
    assert_eq!(readings_of(&sequence), readings_of(&(ready() >> ready())));
}

#[test]
fn a_limit_begins_with_the_timeout_and_not_with_the_step_that_calls_it() {
    let limit = Duration::from_millis(50);
    let slow = step("slow", async |n: u64| {
        pass(Duration::from_millis(30));
        Ok(n)
    });
    let flow = slow.timeout(limit).unwrap();
    let caller = step_with(
        "caller",
        flow,
        async |flow: &_, n: u64, ctx: &WorkflowContext| {
            pass(Duration::from_millis(30));
            let first = Flow::execute(flow, n, ctx).await?;
            pass(Duration::from_millis(30));
            Flow::execute(flow, first, ctx).await
        },
    );
    let ctx = WorkflowContext::builder().clock(counting).build();
    assert_eq!(now(caller.execute(1, &ctx)).unwrap(), 1);
}

#[test]
fn an_operation_that_overruns_its_limit_is_seen_by_the_reading_at_its_end() {
    let slow = step("slow", async |n: u64| {
        pass(Duration::from_millis(80));
        Ok(n)
    });
    let flow = slow.timeout(Duration::from_millis(50)).unwrap();
    let ctx = WorkflowContext::builder().clock(counting).build();
    let error = now(flow.execute(1, &ctx)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[test]
fn what_an_operation_does_after_its_last_step_counts_as_well() {
    let flow = Flow::new(Lingering(ready()));
    let flow = flow.timeout(Duration::from_millis(50)).unwrap();
    let ctx = WorkflowContext::builder().clock(counting).build();
    let error = now(flow.execute(1, &ctx)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

/// A recorder by whose clock an hour passes between two readings.
struct Hasty;

impl Recorder for Hasty {
    fn span_clock(&self) -> Option<NanoClock> {
        Some(|| HOURS.fetch_add(1, Ordering::Relaxed) * 3_600_000_000_000)
    }
}

static HOURS: AtomicU64 = AtomicU64::new(1);

#[test]
fn limits_are_kept_by_the_clock_of_deadlines_where_executions_are_measured_by_another() {
    let minute = Duration::from_mins(1);
    let ctx = WorkflowContext::builder().recorder(Arc::new(Hasty)).build();
    let looks = step("looks", async |(): (), ctx: &WorkflowContext| {
        Ok(ctx.remaining())
    });
    let looks = looks.timeout(minute).unwrap();
    let left = now(looks.execute((), &ctx)).unwrap().unwrap();
    assert!(left > Duration::ZERO && left <= minute, "{left:?}");

    let holds = step("holds", async |until: Instant| {
        while Instant::now() <= until {
            std::hint::spin_loop();
        }
        Ok(())
    });
    let limit = Duration::from_millis(1);
    let holds = holds.timeout(limit).unwrap();
    let error = now(holds.execute(Instant::now() + 5 * limit, &ctx)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
}

#[test]
fn a_limit_of_centuries_is_a_deadline_like_any_other() {
    let limit = Duration::from_hours(24 * 365 * 1_000);
    let Some(deadline) = counting().checked_add(limit) else {
        return; // Beyond what this system's clock can express.
    };
    let looks = step("looks", async |(): (), ctx: &WorkflowContext| {
        Ok(ctx.deadline())
    });
    let ctx = WorkflowContext::builder().clock(counting).build();
    let found = now(looks.timeout(limit).unwrap().execute((), &ctx));
    assert_eq!(found.unwrap(), Some(deadline));
}

/// Takes a while when its only step has ended, and is no step of its own.
struct Lingering<P>(Flow<P>);

impl<P: Primitive<Input = u64, Output = u64>> Primitive for Lingering<P> {
    type Input = u64;
    type Output = u64;

    async fn execute(&self, input: u64, ctx: &WorkflowContext) -> Result<u64> {
        let answer = self.0.execute(input, ctx).await;
        pass(Duration::from_millis(80));
        answer
    }
}

/// Runs a future that is ready at its first poll.
fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut cx) {
        std::task::Poll::Ready(value) => value,
        std::task::Poll::Pending => panic!("the future waits"),
    }
}

/// How often the clock was read on this thread.
fn readings(run: impl FnOnce()) -> usize {
    READINGS.set(0);
    run();
    READINGS.get()
}

/// A clock that moves by hand, and counts.
fn counting() -> Instant {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    READINGS.set(READINGS.get() + 1);
    *BEGUN + PASSED.get()
}

fn pass(time: Duration) {
    PASSED.set(PASSED.get() + time);
}

thread_local! {
    static READINGS: Cell<usize> = const { Cell::new(0) };
    static PASSED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}
