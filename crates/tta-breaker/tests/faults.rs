//! Races and cancellations in a half-open breaker, with real threads.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tta_breaker::{CircuitBreaker, CircuitBreakerConfig, CircuitBreakerExt, CircuitState};
use tta_core::{Error, ErrorKind, Result, WorkflowContext, step};
use tta_testkit::conformance::poll_then_drop;
use tta_testkit::faults::report;

const WAIT: Duration = Duration::from_millis(2);
const PROBES: u32 = 3;

fn opened(name: &str) -> CircuitBreaker {
    let config = CircuitBreakerConfig::new()
        .with_consecutive_failures(1)
        .with_wait(WAIT)
        .with_probes(PROBES);
    let breaker = CircuitBreaker::new(name, config).unwrap();
    breaker.acquire().unwrap().failure();
    breaker
}

#[test]
fn fault_53_threads_that_race_for_the_probes() {
    let mut most = 0;
    let mut stuck = 0;
    for _ in 0..200 {
        let breaker = opened("races");
        thread::sleep(WAIT);
        let (under_way, peak) = (AtomicUsize::new(0), AtomicUsize::new(0));
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..50 {
                        let Ok(permit) = breaker.acquire() else {
                            continue;
                        };
                        if permit.state() == CircuitState::HalfOpen {
                            let now = under_way.fetch_add(1, Ordering::SeqCst) + 1;
                            peak.fetch_max(now, Ordering::SeqCst);
                            thread::yield_now();
                            under_way.fetch_sub(1, Ordering::SeqCst);
                        }
                        drop(permit);
                    }
                });
            }
        });
        most = most.max(peak.load(Ordering::SeqCst));
        // Every probe was given up: the next one decides.
        match breaker.acquire() {
            Ok(permit) => permit.success(),
            Err(_) => stuck += 1,
        }
        stuck += usize::from(breaker.state() != CircuitState::Closed);
    }
    let probes = PROBES as usize;
    report(
        53,
        "8 threads race for 3 probes, 200 times",
        "at most 3 probes at once, never stuck",
        format!("{most} at once, stuck {stuck} times"),
        most <= probes && stuck == 0,
    );
}

#[derive(Clone, Copy, Debug)]
enum Probe {
    Cancelled,
    TimesOut,
    Panics,
    IsWell,
}

async fn service(probe: Probe) -> Result<()> {
    match probe {
        Probe::Cancelled => std::future::pending().await,
        Probe::TimesOut => Err(Error::new(ErrorKind::Timeout, "too slow")),
        Probe::Panics => panic!("the probe fell over"),
        Probe::IsWell => Ok(()),
    }
}

#[test]
fn fault_53_probes_that_are_cancelled_time_out_or_panic() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let flow = Arc::new(step("service", service).circuit_breaker(opened("probes"))?);
    let mut stuck = Vec::new();
    let mut most_probes = 0;
    let mut longest = Duration::ZERO;
    for how in [Probe::Cancelled, Probe::TimesOut, Probe::Panics]
        .into_iter()
        .cycle()
        .take(300)
    {
        let breaker = flow.breaker();
        if breaker.state() == CircuitState::Closed {
            let ctx = WorkflowContext::new();
            let _ = runtime.block_on(flow.execute(Probe::TimesOut, &ctx));
        }
        thread::sleep(WAIT);
        runtime.block_on(async {
            let ctx = WorkflowContext::new();
            let _ = poll_then_drop(flow.execute(how, &ctx), 1).await;
        });
        // From here the service is well: the open time and one probe must do.
        let (began, mut probes) = (Instant::now(), 0);
        while breaker.state() != CircuitState::Closed && began.elapsed() < Duration::from_secs(5) {
            let flow = Arc::clone(&flow);
            let call = async move { flow.execute(Probe::IsWell, &WorkflowContext::new()).await };
            match runtime.block_on(runtime.spawn(call))? {
                Ok(()) => probes += 1,
                Err(error) => thread::sleep(error.retry_after().unwrap_or_default()),
            }
        }
        longest = longest.max(began.elapsed());
        most_probes = most_probes.max(probes);
        if breaker.state() != CircuitState::Closed {
            stuck.push(how);
        }
    }
    report(
        53,
        "300 probes that are cancelled, time out or panic",
        "recovers within the open time and 1 probe",
        format!("{most_probes} probe, {longest:.1?} of which {WAIT:?} open, stuck {stuck:?}"),
        stuck.is_empty() && most_probes == 1 && longest < Duration::from_secs(1),
    );
    Ok(())
}

#[test]
fn fault_48_permits_are_back_wherever_a_call_is_dropped() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let steps = step("service", async |waits: usize| {
        for _ in 0..waits {
            tokio::task::yield_now().await;
        }
        Ok(())
    });
    let flow = steps.circuit_breaker(opened("dropped"))?;
    thread::sleep(WAIT);
    let lost = runtime.block_on(async {
        let ctx = WorkflowContext::new();
        for polls in 0..20 {
            for _ in 0..PROBES {
                let _ = poll_then_drop(flow.execute(20, &ctx), polls).await;
            }
        }
        // All the probes must be there.
        let permits: Vec<_> = (0..PROBES).map(|_| flow.breaker().acquire()).collect();
        permits.iter().filter(|permit| permit.is_err()).count()
    });
    let in_flight = flow.metrics().in_flight();
    report(
        48,
        "a probe dropped at each of 20 await points",
        "0 permits lost, 0 in flight",
        format!("{lost} lost, {in_flight} in flight"),
        lost == 0 && in_flight == 0,
    );
    Ok(())
}

#[test]
fn fault_49_a_predicate_that_panics() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let config = CircuitBreakerConfig::new()
        .with_consecutive_failures(1)
        .with_wait(WAIT)
        .with_failure_if(|error| {
            assert!(
                error.kind() == ErrorKind::Unavailable,
                "the predicate fell over"
            );
            true
        });
    let flow = step("service", async |kind: Option<ErrorKind>| match kind {
        Some(kind) => Err(Error::new(kind, "no")),
        None => Ok(()),
    });
    let flow = flow.circuit_breaker(config)?;
    let run = |kind| {
        runtime
            .block_on(flow.run(kind))
            .map_err(|error| error.kind())
    };
    let opened = run(Some(ErrorKind::Unavailable));
    thread::sleep(WAIT);
    let panicked = run(Some(ErrorKind::Timeout));
    let next = run(None);
    report(
        49,
        "the predicate panics on a probe",
        "a typed error of that call only; the breaker is not wedged",
        format!("{panicked:?}, then {next:?}"),
        opened == Err(ErrorKind::Unavailable)
            && panicked == Err(ErrorKind::Panic)
            && next == Ok(()),
    );
    Ok(())
}
