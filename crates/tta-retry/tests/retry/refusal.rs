//! What must not run twice is refused when it is built.

use std::time::Duration;

use tta_cache::{CacheConfig, CacheExt, Scope};
use tta_core::{Error, ErrorKind, Flow, Primitive, WorkflowContext, step};
use tta_retry::{HedgeConfig, RetryExt};
use tta_router::{CostModel, RouterPrimitive};
use tta_timeout::TimeoutExt;

use crate::support::{MS, SECOND, failing};

fn charge() -> Flow<tta_core::NonIdempotent<impl Primitive<Input = u64, Output = u64> + 'static>> {
    step("charge", async |n: u64| Ok(n)).non_idempotent()
}

/// The word of a constructor that refused.
fn refused<P: Primitive<Input = u64>>(flow: impl Fn() -> Flow<P>) -> [String; 2] {
    let retried = flow().retry(1).err().unwrap();
    let hedged = flow().hedged(HedgeConfig::new(MS)).err().unwrap();
    [retried, hedged].map(|error: Error| {
        assert_eq!(error.kind(), ErrorKind::Configuration);
        error.to_string()
    })
}

#[test]
fn a_marked_step_is_refused_with_a_word_on_what_to_do() {
    let [retried, hedged] = refused(charge);
    assert!(
        retried.starts_with("`charge` is marked non-idempotent"),
        "{retried}"
    );
    assert!(retried.contains("must not be retried"), "{retried}");
    assert!(hedged.contains("must not be hedged"), "{hedged}");
    assert!(hedged.contains("idempotency key"), "{hedged}");
}

#[test]
fn the_mark_is_seen_through_every_other_primitive() {
    refused(|| charge().timeout(SECOND).unwrap());
    refused(|| {
        let config = CacheConfig::new(Scope::Global, |n: &u64, _: &WorkflowContext, key| {
            key.text(&n.to_string());
        });
        charge().cached(config).unwrap()
    });
    for charges in ["first", "second"] {
        let route = move |name: &str| {
            if name == charges {
                charge().boxed().unwrap()
            } else {
                step("look", async |n: u64| Ok(n)).boxed().unwrap()
            }
        };
        refused(move || {
            RouterPrimitive::builder()
                .route("first", route("first"), CostModel::per_call(0.0))
                .route("second", route("second"), CostModel::per_call(0.0))
                .strategy(|_: &u64, _: &WorkflowContext| Ok("first"))
                .build()
                .unwrap()
        });
    }
    refused(|| charge().boxed().unwrap());
    refused(|| charge().named("order"));
}

#[test]
fn what_may_run_twice_is_taken_through_every_other_primitive() {
    let look = || step("look", async |n: u64| Ok(n));
    assert!(look().timeout(SECOND).unwrap().retry(1).is_ok());
    let config = CacheConfig::new(Scope::Global, |n: &u64, _: &WorkflowContext, key| {
        key.text(&n.to_string());
    });
    assert!(look().cached(config).unwrap().retry(1).is_ok());
    let router = RouterPrimitive::builder()
        .route("one", look(), CostModel::per_call(0.0))
        .strategy(|_: &u64, _: &WorkflowContext| Ok("one"))
        .build();
    assert!(router.unwrap().retry(1).is_ok());
}

/// A primitive of the user's own that knows it must not run twice.
struct Send;

impl Primitive for Send {
    type Input = u64;
    type Output = u64;

    fn is_idempotent(&self) -> bool {
        false
    }

    async fn execute(&self, n: u64, _: &WorkflowContext) -> tta_core::Result<u64> {
        Ok(n)
    }
}

#[test]
fn a_primitive_may_say_so_itself() {
    refused(|| Flow::new(Send));
}

#[test]
fn retries_and_hedges_are_what_they_hold() {
    let retried = Flow::new(failing(0)).retry(1).unwrap();
    assert!(retried.into_primitive().is_idempotent());
    let both = Flow::new(failing(0))
        .hedged(HedgeConfig::new(Duration::from_secs(1)))
        .unwrap()
        .retry(1)
        .unwrap();
    let both = both.into_primitive();
    assert!(both.is_idempotent());
    assert_eq!(both.depth(), 3);
}
