//! Processes that fork after telemetry began.
//!
//! The crate `fork` wraps the system call, so that none of our own code is unsafe.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use fork::Fork;
use tta_core::{WorkflowContext, step};
use tta_telemetry::{ObservabilityGuard, State, shutdown_observability};
use tta_testkit::faults::report;
use tta_testkit::otlp::OtlpReceiver;

use super::child::{ENDPOINT, Running, say, scenario};
use super::ending::config;
use super::support::{block_on, run_workflow};

const FORKS: u32 = 50;
const LIMIT: Duration = Duration::from_millis(100);

pub(crate) fn forks() {
    static IS_OVER: AtomicBool = AtomicBool::new(false);

    let guard = config()
        .with_batch_delay(Duration::from_millis(5))
        .with_prometheus(true)
        .with_prometheus_port(0)
        .with_tail_keep(true)
        .with_shutdown_timeout(Duration::from_secs(30))
        .init();
    // Forks meet threads that hold locks, and spans that wait.
    let busy: Vec<_> = (0..2)
        .map(|_| {
            std::thread::spawn(|| {
                let mut made = 0_u64;
                while !IS_OVER.load(Ordering::Relaxed) {
                    run_workflow().unwrap();
                    made += 3;
                    std::thread::sleep(Duration::from_micros(300));
                }
                made
            })
        })
        .collect();
    let mut took = Vec::new();
    for _ in 0..FORKS {
        took.push(time_of_child(&guard, use_and_leave));
    }
    let re_made = time_of_child(&guard, begin_anew);
    IS_OVER.store(true, Ordering::Relaxed);
    let made: u64 = busy.into_iter().map(|thread| thread.join().unwrap()).sum();
    took.sort_unstable();
    say("median", took.get(took.len() / 2).unwrap().as_micros());
    say("longest", took.last().unwrap().as_micros());
    say("anew", re_made.as_micros());
    let report = guard.shutdown();
    let account = report.ledger.traces;
    say("made", made);
    say("created", account.created);
    say("delivered", account.delivered);
    say("balanced", account.is_balanced() && report.left == 0);
}

/// Forks, and waits for the child, which must say by its status that all was as expected.
fn time_of_child(guard: &ObservabilityGuard, work: fn(&ObservabilityGuard) -> bool) -> Duration {
    let began = Instant::now();
    match fork::fork().unwrap() {
        Fork::Child => {
            let is_well = work(guard);
            // A panic of the child is seen as another status. Nothing of the parent's is dropped.
            std::process::exit(if is_well { 0 } else { 7 });
        }
        Fork::Parent(pid) => {
            // A child that hangs is ended, and seen by its status.
            let is_over = Arc::new(AtomicBool::new(false));
            let watched = Arc::clone(&is_over);
            let watch = std::thread::spawn(move || {
                let deadline = Instant::now() + Duration::from_secs(30);
                while !watched.load(Ordering::Relaxed) {
                    if Instant::now() > deadline {
                        let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
                        break;
                    }
                    std::thread::sleep(Duration::from_millis(1));
                }
            });
            let status = fork::waitpid(pid).unwrap();
            let took = began.elapsed();
            is_over.store(true, Ordering::Relaxed);
            watch.join().unwrap();
            assert_eq!(status, 0, "the child's status");
            took
        }
    }
}

/// What a child does that knows nothing of telemetry, and ends like any program.
fn use_and_leave(guard: &ObservabilityGuard) -> bool {
    let is_off = guard.status().state == State::Disabled;
    let ctx = WorkflowContext::new();
    let flow = step("in_the_child", async |n: u32| Ok(n + 1));
    let result = block_on(async { flow.execute(1, &ctx).await });
    let flushed = guard.flush(Duration::from_secs(10));
    let report = guard.shutdown();
    let again = shutdown_observability();
    is_off
        && !ctx.is_sampled()
        && result.is_ok_and(|n| n == 2)
        && !flushed
        && (report.left, again.left) == (0, 0)
        && guard.ledger().traces.created == 0
}

/// A child that initialises telemetry for itself.
fn begin_anew(guard: &ObservabilityGuard) -> bool {
    let own = config()
        .with_service_name("begun_anew")
        .with_shutdown_timeout(Duration::from_secs(30))
        .init();
    let is_new = !own.status().already_initialized && own.status().state != State::Disabled;
    let made = (0..5).filter(|_| run_workflow().is_ok()).count();
    let report = own.shutdown();
    is_new && made == 5 && report.traces.delivered == 15 && guard.status().state == State::Disabled
}

#[test]
fn fault_25_a_forked_child_is_without_telemetry_and_ends_and_the_parents_account_is_exact() {
    let receiver = OtlpReceiver::start().unwrap();
    let mut command = scenario("forks", &[]);
    command.env(ENDPOINT, receiver.http_endpoint());
    let (said, status) = Running::start(command).end();
    assert!(status.success(), "{status} {said:?}");
    let read = |name: &str| -> u64 { said.get(name).unwrap().parse().unwrap() };
    let median = Duration::from_micros(read("median"));
    let longest = Duration::from_micros(read("longest"));
    report(
        25,
        "50 forks beside threads that record",
        "a child ends in <= 100 ms (median)",
        format!("{median:.1?}, the longest {longest:.1?}"),
        median <= LIMIT,
    );
    let anew = receiver.spans();
    let anew = anew.iter().filter(|span| {
        let name = span.resource_attribute("service.name");
        format!("{name:?}").contains("begun_anew")
    });
    let anew = anew.count() as u64;
    assert_eq!(anew, 15, "the child's own telemetry works");
    let (made, created, delivered) = (read("made"), read("created"), read("delivered"));
    let arrived = receiver.span_count() as u64 - anew;
    let is_exact = said.get("balanced").unwrap() == "true"
        && (made, created) == (created, delivered)
        && delivered == arrived;
    report(
        25,
        "the parent's ledger",
        "made = created = delivered = arrived",
        format!("{made}, {created}, {delivered}, {arrived}"),
        is_exact,
    );
}
