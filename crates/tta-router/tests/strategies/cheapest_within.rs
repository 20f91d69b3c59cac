use std::time::Duration;

use tta_core::{ErrorKind, Usage};
use tta_router::{CheapestWithin, CostModel, RouterPrimitive};

use crate::support::{answering, called, context, decided, router, routes};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn the_cheapest_route_that_answers_in_time_is_taken() {
    let (a, b, c) = (
        answering("a", 1_001),
        answering("b", 1_000),
        answering("c", 1),
    );
    let router = router(&[&a, &b, &c], CheapestWithin::new(SECOND));
    assert_eq!(decided(&router), ("a".to_owned(), "cheapest_within"));
    assert_eq!(called(&router).await, "a");
    for _ in 0..3 {
        assert_eq!(decided(&router), ("b".to_owned(), "cheapest_within"));
        assert_eq!(called(&router).await, "b");
    }
    assert_eq!(c.calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn where_no_route_is_in_time_the_fastest_is_taken() {
    let (a, b) = (answering("a", 3_000), answering("b", 2_000));
    let router = router(&[&a, &b], CheapestWithin::new(SECOND));
    assert_eq!(called(&router).await, "a");
    assert_eq!(called(&router).await, "b");
    assert_eq!(called(&router).await, "b");
}

#[tokio::test(start_paused = true)]
async fn a_cheap_route_that_was_too_slow_is_tried_again_after_a_while_by_one_caller() {
    let (a, b) = (answering("a", 2_000), answering("b", 10));
    let strategy = CheapestWithin::new(SECOND).with_retry_idle(Duration::from_secs(10));
    let router = router(&[&a, &b], strategy);
    assert_eq!(called(&router).await, "a");
    tokio::time::sleep(Duration::from_millis(7_999)).await;
    assert_eq!(decided(&router).0, "b");
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(decided(&router), ("a".to_owned(), "probe"));
    let (one, two) = (context(), context());
    let (one, two) = tokio::join!(router.execute(0, &one), router.execute(0, &two));
    assert_eq!((one.unwrap(), two.unwrap()), ("a", "b"));
}

#[test]
fn prices_are_compared_for_the_usage_that_is_expected() {
    let read = || answering("reads cheaply", 0);
    let write = || answering("writes cheaply", 0);
    let router = |usage: Option<Usage>| {
        let mut builder = RouterPrimitive::builder()
            .route("read", read(), CostModel::per_million_tokens(1.0, 30.0))
            .route("write", write(), CostModel::per_million_tokens(10.0, 1.0))
            .route("who knows", read(), CostModel::unknown())
            .strategy(CheapestWithin::new(SECOND));
        if let Some(usage) = usage {
            builder = builder.expected_usage(move |_| usage);
        }
        builder.build().unwrap()
    };
    assert_eq!(
        decided(&router(Some(Usage::of_tokens(1_000, 10)))).0,
        "read"
    );
    assert_eq!(
        decided(&router(Some(Usage::of_tokens(10, 1_000)))).0,
        "write"
    );
    // A thousand tokens read and 250 written: 8.5 thousandths against 10.25.
    assert_eq!(decided(&router(None)).0, "read");
}

#[test]
fn of_routes_at_one_price_the_first_is_taken() {
    let mut builder = RouterPrimitive::builder();
    for name in ["first", "second"] {
        builder = builder.route(name, answering(name, 0), CostModel::per_call(0.5));
    }
    let router = builder.strategy(CheapestWithin::new(SECOND)).build();
    assert_eq!(decided(&router.unwrap()).0, "first");
}

#[test]
fn a_target_or_an_idle_time_of_zero_is_refused() {
    let a = answering("a", 0);
    for (strategy, says) in [
        (CheapestWithin::new(Duration::ZERO), "target"),
        (
            CheapestWithin::new(SECOND).with_retry_idle(Duration::ZERO),
            "with_retry_idle",
        ),
    ] {
        let error = routes(&[&a]).strategy(strategy).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains(says), "{error}");
    }
}
