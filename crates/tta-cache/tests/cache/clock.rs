//! How often a cache reads the clock.

use std::cell::Cell;
use std::time::{Duration, Instant};

use tta_cache::{CacheConfig, CacheExt};
use tta_core::{Result, WorkflowContext};

use crate::support::{Calls, ask, by_text, counting as model};

fn readings_of_a_hit(config: CacheConfig<String, usize>) -> Result<usize> {
    let flow = model(&Calls::default()).cached(config.with_ttl(Duration::from_mins(1)))?;
    let ctx = WorkflowContext::builder().clock(counting).build();
    assert_eq!(now(flow.execute(ask("why?"), &ctx))?, 1);
    let readings = readings(|| assert_eq!(now(flow.execute(ask("why?"), &ctx)).ok(), Some(1)));
    Ok(readings)
}

#[test]
fn a_hit_goes_by_the_readings_of_its_own_step() -> Result<()> {
    // The step's beginning and its end, which are the hit's as well.
    assert!(readings_of_a_hit(by_text().with_clock(counting))? <= 2);
    Ok(())
}

#[test]
fn a_cache_with_a_clock_of_its_own_goes_by_that() -> Result<()> {
    thread_local! {
        static OWN: Cell<usize> = const { Cell::new(0) };
    }
    fn own() -> Instant {
        OWN.set(OWN.get() + 1);
        // Not the other clock's time, so that it is not the other clock.
        Instant::now() + Duration::from_secs(OWN.get() as u64)
    }
    readings_of_a_hit(by_text().with_clock(own))?;
    let before = OWN.get();
    readings_of_a_hit(by_text().with_clock(own))?;
    assert!(OWN.get() > before);
    Ok(())
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

fn counting() -> Instant {
    READINGS.set(READINGS.get() + 1);
    Instant::now()
}

thread_local! {
    static READINGS: Cell<usize> = const { Cell::new(0) };
}
