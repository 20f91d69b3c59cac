use std::time::Duration;

use tta_core::Result;
use tta_router::{ByRule, CostModel, HealthAware, RouterPrimitive};
use tta_testkit::mock::Answer;

use crate::support::{answering, called, context, decided, down, router, routes};

/// How many failures in a row, and how many milliseconds, until the route is tried again.
async fn tolerance(strategy: HealthAware<ByRule<u64>>) -> (u32, u128) {
    let (a, b) = (answering("a", 0), answering("b", 0));
    let router = router(&[&a, &b], strategy);
    let mut failures = 0;
    while decided(&router).0 == "a" {
        a.push(Answer::fail(down()));
        router.execute(0, &context()).await.unwrap_err();
        failures += 1;
    }
    let begun = tokio::time::Instant::now();
    while decided(&router).0 == "b" {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    (failures, begun.elapsed().as_millis())
}

#[tokio::test(start_paused = true)]
async fn the_presets_tolerate_what_they_say() {
    let rule = || ByRule::otherwise("a");
    assert_eq!(tolerance(HealthAware::new(rule())).await, (5, 5_000));
    assert_eq!(tolerance(HealthAware::standard(rule())).await, (5, 5_000));
    assert_eq!(tolerance(HealthAware::llm(rule())).await, (3, 30_000));
}

#[tokio::test(start_paused = true)]
async fn the_standard_router_evens_out_and_leaves_out_what_fails() {
    let (a, b) = (answering("a", 0), answering("b", 0));
    let router = routes(&[&a, &b]).standard().build().unwrap();
    assert_eq!(decided(&router).1, "least_in_flight");
    for _ in 0..5 {
        b.push(Answer::fail(down()));
    }
    let mut failed = 0;
    for _ in 0..30 {
        failed += usize::from(router.execute(0, &context()).await.is_err());
    }
    assert_eq!((failed, b.calls()), (5, 5));
    assert_eq!(called(&router).await, "a");
}

#[tokio::test(start_paused = true)]
async fn the_router_for_models_sends_what_looks_hard_to_the_premium_one() -> Result<()> {
    async fn model(question: String) -> Result<String> {
        Ok(question)
    }
    let router = RouterPrimitive::builder()
        .route(
            "small",
            tta_core::step("small", model),
            CostModel::unknown(),
        )
        .route(
            "large",
            tta_core::step("large", model),
            CostModel::unknown(),
        )
        .llm("small", "large", |question: &String| question.as_str())
        .build()?;
    let hard = "Prove step by step why x^2 + y^2 = 3 z^2 has no solution, and compare two proofs.";
    let ctx = context();
    assert_eq!(router.decide_route(&hard.to_owned(), &ctx)?.route, "large");
    let easy = router.decide_route(&"Who wrote Emma?".to_owned(), &ctx)?;
    assert_eq!((easy.route, easy.reason.as_str()), ("small", "complexity"));
    Ok(())
}
