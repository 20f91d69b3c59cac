//! Row 49: whatever of the user's code panics, one workflow fails and nothing else.

use std::fmt;
use std::future::pending;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tta::prelude::*;
use tta::{BoxFlow, CacheConfig, Scope, recorder_panics};
use tta_testkit::conformance::{PanickingRecorder, poll_then_drop};
use tta_testkit::faults::report;
use tta_testkit::recording::RecordingRecorder;

use super::{TURN, in_flight};

/// The input at which the code in question panics.
const UNLUCKY: u64 = 13;

#[tokio::test(start_paused = true)]
async fn fault_49_what_the_user_wrote_panics() {
    let _turn = TURN.lock().await;
    for (name, flow) in steps().into_iter().chain(routing()).chain(caching()) {
        // An error is written out where somebody records it.
        let watched = RecordingRecorder::new().context();
        let panicked = PANICKED.load(Ordering::Relaxed);
        let (bad, good) = tokio::join!(flow.execute(UNLUCKY, &watched), flow.run(7));
        let error = bad.map_or_else(|error| error.kind().as_str(), |_| "an answer");
        let beside = good.map_err(|error| error.to_string());
        let after = flow.run(8).await.map_err(|error| error.to_string());
        let again = flow
            .execute(UNLUCKY, &watched)
            .await
            .map_or_else(|error| error.kind().as_str(), |_| "an answer");
        let left = in_flight();
        assert!(
            PANICKED.load(Ordering::Relaxed) > panicked + 1,
            "{name} did not panic twice"
        );
        report(
            49,
            name,
            "that workflow alone ends, twice alike; the one beside and the next are served",
            format!("{error}, then {again}; beside {beside:?}, next {after:?}, {left} in flight"),
            (error, again) == (expected(name), expected(name))
                && (beside, after) == (Ok(7), Ok(8))
                && left < f64::EPSILON,
        );
    }
}

/// The kind of error that a row of the table ends in.
fn expected(name: &str) -> &'static str {
    match name {
        "Display of an error" => "other",
        // The router has a default for this case.
        // The router has a default.
        "a routing strategy" => "an answer",
        _ => "panic",
    }
}

#[tokio::test]
async fn fault_49_a_destructor_panics_in_a_future_that_is_dropped() {
    let _turn = TURN.lock().await;
    let flow = step("cancelled_49", async |n: u64| {
        let _bomb = Bomb(n);
        pending::<()>().await;
        Ok(n)
    });
    let both = (flow | step("beside_49", async |n: u64| Ok(n)))
        .boxed()
        .unwrap();
    let answer = poll_then_drop(both.run(UNLUCKY), 1).await;
    let left = in_flight();
    let (measured, met) = (
        format!("{left} in flight"),
        answer.is_none() && left < f64::EPSILON,
    );
    report(
        49,
        "Drop of a cancelled step",
        "0 aborts, 0 in flight",
        measured,
        met,
    );
}

#[tokio::test]
async fn fault_49_a_recorder_panics_at_everything() {
    let _turn = TURN.lock().await;
    let before = recorder_panics();
    let flow = step("recorded_49", async |n: u64| Ok(n)).boxed().unwrap();
    let ctx = WorkflowContext::builder()
        .recorder(Arc::new(PanickingRecorder))
        .build();
    let answer = flow.execute(7, &ctx).await;
    drop(ctx);
    let swallowed = recorder_panics() - before;
    let measured = format!("{swallowed} swallowed");
    let met = matches!(answer, Ok(7)) && swallowed > 0;
    report(
        49,
        "a recorder",
        "swallowed and counted, the answer as ever",
        measured,
        met,
    );
}

/// How often the code in question has panicked.
static PANICKED: AtomicUsize = AtomicUsize::new(0);

/// Without the hook, which would write a backtrace each time.
fn panics_if(unlucky: bool) {
    if unlucky {
        PANICKED.fetch_add(1, Ordering::Relaxed);
        resume_unwind(Box::new("as the test told it"));
    }
}

/// Panics when it is dropped, unless a panic is on its way.
struct Bomb(u64);

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panics_if(self.0 == UNLUCKY);
        }
    }
}

#[derive(Debug)]
struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panics_if(true);
        Ok(())
    }
}

impl std::error::Error for Unspeakable {}

/// Panics when it is cloned.
struct Fragile(u64);

impl Clone for Fragile {
    fn clone(&self) -> Self {
        panics_if(self.0 == UNLUCKY);
        Self(self.0)
    }
}

fn same(name: &'static str) -> BoxFlow<u64, u64> {
    let wait = async |n: u64| {
        tokio::task::yield_now().await;
        Ok(n)
    };
    step(name, wait).boxed().unwrap()
}

fn by_input() -> CacheConfig<u64, u64> {
    CacheConfig::new(Scope::Global, |n: &u64, _, key| {
        key.unsigned(*n);
    })
}

type Case = (&'static str, BoxFlow<u64, u64>);

fn steps() -> Vec<Case> {
    let panics = step("panics_49", async |n: u64| {
        tokio::task::yield_now().await;
        panics_if(n == UNLUCKY);
        Ok(n)
    });
    let drops = step("drops_49", async |n: u64| {
        let bomb = Bomb(n);
        tokio::task::yield_now().await;
        drop(bomb);
        Ok(n)
    });
    let payload = step("payload_49", async |n: u64| {
        if n == UNLUCKY {
            PANICKED.fetch_add(1, Ordering::Relaxed);
            resume_unwind(Box::new(Bomb(n)));
        }
        Ok(n)
    });
    let display = step("display_49", async |n: u64| match n {
        UNLUCKY => Err(Unspeakable.into()),
        n => Ok(n),
    });
    let take = |name| step(name, async |it: Fragile| Ok(it.0));
    let cloned = step("fragile_49", async |n: u64| Ok(Fragile(n)))
        >> (take("left_49") | take("right_49"))
        >> step("either_49", async |(left, _): (u64, u64)| Ok(left));
    vec![
        ("a step", panics.boxed().unwrap()),
        ("Drop in a step", drops.boxed().unwrap()),
        ("Drop of what was panicked with", payload.boxed().unwrap()),
        ("Display of an error", display.boxed().unwrap()),
        ("Clone of an input", cloned.boxed().unwrap()),
    ]
}

fn routing() -> Vec<Case> {
    let predicate = |n: &u64, _: &WorkflowContext| {
        panics_if(*n == UNLUCKY);
        true
    };
    let name_of = |n: &u64, _: &WorkflowContext| {
        panics_if(*n == UNLUCKY);
        Ok("only")
    };
    let router = || {
        let builder = RouterPrimitive::builder().default_route("only");
        builder.route("only", same("route_49"), CostModel::per_call(0.01))
    };
    let selecting = switch(name_of).case("only", same("case_49"));
    vec![
        (
            "a predicate",
            conditional(predicate, same("then_49")).boxed().unwrap(),
        ),
        ("a selector", selecting.build().unwrap().boxed().unwrap()),
        (
            "a routing strategy",
            router().strategy(name_of).build().unwrap().boxed().unwrap(),
        ),
    ]
}

fn caching() -> Vec<Case> {
    let computes = step("computes_49", async |n: u64| {
        tokio::task::yield_now().await;
        panics_if(n == UNLUCKY);
        Ok(n)
    });
    let judging = by_input().with_store_if(|n| {
        panics_if(*n == UNLUCKY);
        true
    });
    let weighing = by_input().with_capacity_bytes(1_000, |n| {
        panics_if(*n == UNLUCKY);
        8
    });
    let keyed = CacheConfig::new(Scope::Global, |n: &u64, _, key| {
        panics_if(*n == UNLUCKY);
        key.unsigned(*n);
    });
    let by_number = CacheConfig::new(Scope::Global, |n: &u64, _, key| {
        key.unsigned(*n);
    });
    let fragile = step("makes_fragile_49", async |n: u64| Ok(Fragile(n)));
    let fragile =
        fragile.cached(by_number).unwrap() >> step("back_49", async |it: Fragile| Ok(it.0));
    vec![
        (
            "a cached step",
            computes.cached(by_input()).unwrap().boxed().unwrap(),
        ),
        (
            "a key function",
            same("keyed_49").cached(keyed).unwrap().boxed().unwrap(),
        ),
        (
            "a verdict on storing",
            same("judged_49").cached(judging).unwrap().boxed().unwrap(),
        ),
        (
            "a weigher of values",
            same("weighed_49")
                .cached(weighing)
                .unwrap()
                .boxed()
                .unwrap(),
        ),
        ("Clone of a cached value", fragile.boxed().unwrap()),
    ]
}
