use std::time::Duration;

use tta_core::Primitive;
use tta_router::LeastInFlight;
use tta_testkit::mock::{Answer, MockPrimitive};

use crate::support::{answering, called, context, decided, router};

#[tokio::test(start_paused = true)]
async fn the_route_with_the_fewest_calls_in_flight_is_taken() {
    let (a, b) = (answering("a", 100), answering("b", 1_000));
    let router = router(&[&a, &b], LeastInFlight::new());
    let (one, two) = (context(), context());
    let slow = async {
        // `a` and `b` have one each; `a` is done first.
        let calls = tokio::join!(router.execute(0, &one), router.execute(0, &two));
        assert_eq!((calls.0.unwrap(), calls.1.unwrap()), ("a", "b"));
    };
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        for _ in 0..3 {
            assert_eq!(decided(&router), ("a".to_owned(), "least_in_flight"));
        }
    };
    tokio::join!(slow, meanwhile);
}

#[tokio::test(start_paused = true)]
async fn among_equals_each_gets_its_turn() {
    let (a, b, c) = (answering("a", 1), answering("b", 1), answering("c", 1));
    let router = router(&[&a, &b, &c], LeastInFlight::new());
    for expected in ["a", "b", "c", "a", "b"] {
        assert_eq!(called(&router).await, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_was_dropped_or_has_failed_or_panicked_is_in_flight_no_more() {
    let a = MockPrimitive::new("a");
    let b = answering("b", 0);
    a.push(Answer::hang());
    a.push(Answer::fail(crate::support::down()));
    a.push(Answer::panic("no"));
    let router = router(&[&a, &b], LeastInFlight::new());
    for _ in 0..3 {
        // The turn is a's, then b's.
        let ctx = context();
        let call = router.execute(0, &ctx);
        let _ = tokio::time::timeout(Duration::from_millis(1), call).await;
        called(&router).await;
    }
    assert_eq!((a.calls(), b.calls()), (3, 3));
    assert_eq!(a.name(), "a");
}
