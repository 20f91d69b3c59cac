use std::time::Duration;

use tta_core::ErrorKind;
use tta_router::LowestLatency;
use tta_testkit::mock::{Answer, MockPrimitive};

use crate::support::{answering, called, context, decided, down, router, routes};

#[tokio::test(start_paused = true)]
async fn each_route_is_tried_once_and_then_the_fastest_is_taken() {
    let (a, b, c) = (
        answering("a", 300),
        answering("b", 100),
        answering("c", 200),
    );
    let router = router(&[&a, &b, &c], LowestLatency::new());
    for expected in ["a", "b", "c"] {
        assert_eq!(decided(&router), (expected.to_owned(), "probe"));
        assert_eq!(called(&router).await, expected);
    }
    for _ in 0..5 {
        assert_eq!(decided(&router), ("b".to_owned(), "lowest_latency"));
        assert_eq!(called(&router).await, "b");
    }
}

#[tokio::test(start_paused = true)]
async fn a_route_that_has_become_slow_is_left_for_the_other() {
    let a = MockPrimitive::new("a");
    let b = answering("b", 200);
    a.push(Answer::value("a").after(Duration::from_millis(100)));
    let a = a.with_default(|_| Answer::value("a").after(Duration::from_secs(2)));
    let router = router(&[&a, &b], LowestLatency::new());
    assert_eq!(called(&router).await, "a");
    assert_eq!(called(&router).await, "b");
    assert_eq!(called(&router).await, "a");
    // 100 ms and 2 s, the new one counting for the 2.2 s of the half-life of 10 s that have passed,
    // is above 200 ms.
    assert_eq!(decided(&router), ("b".to_owned(), "lowest_latency"));
}

#[tokio::test(start_paused = true)]
async fn old_answers_count_for_half_after_the_half_life() {
    let a = MockPrimitive::new("a");
    a.push(Answer::value("a").after(Duration::from_secs(1)));
    a.push(Answer::value("a").after(Duration::from_secs(2)));
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let strategy = crate::custom::Spy(std::sync::Arc::clone(&seen));
    let router = routes(&[&a])
        .latency_half_life(Duration::from_secs(4))
        .strategy(strategy)
        .build()
        .unwrap();
    called(&router).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    called(&router).await;
    decided(&router);
    let latencies: Vec<_> = seen.lock().unwrap().iter().map(|it| it.latency).collect();
    let millis = |ms| Some(Duration::from_millis(ms));
    assert_eq!(latencies, [None, millis(1_000), millis(1_500)]);
}

#[tokio::test(start_paused = true)]
async fn in_a_burst_a_new_answer_counts_for_a_tenth() {
    let a = MockPrimitive::new("a");
    a.push(Answer::value("a").after(Duration::from_secs(1)));
    a.push(Answer::value("a").after(Duration::from_secs(1)));
    a.push(Answer::value("a").after(Duration::from_secs(2)));
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let router = routes(&[&a])
        .latency_half_life(Duration::from_secs(1_000_000))
        .strategy(crate::custom::Spy(std::sync::Arc::clone(&seen)))
        .build()
        .unwrap();
    for _ in 0..3 {
        called(&router).await;
    }
    decided(&router);
    let last = seen.lock().unwrap().last().unwrap().latency;
    assert_eq!(last, Some(Duration::from_millis(1_100)));
}

#[tokio::test(start_paused = true)]
async fn an_idle_route_is_tried_again_after_a_while_by_one_caller() {
    let (a, b) = (answering("a", 100), answering("b", 500));
    let strategy = LowestLatency::new().with_retry_idle(Duration::from_secs(20));
    let router = router(&[&a, &b], strategy);
    called(&router).await;
    called(&router).await;
    // `b` was begun at 0.1 s; `a` is kept busy so that it is not idle.
    tokio::time::sleep(Duration::from_millis(19_300)).await;
    assert_eq!(called(&router).await, "a");
    assert_eq!(decided(&router), ("a".to_owned(), "lowest_latency"));
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(decided(&router), ("b".to_owned(), "probe"));

    let contexts = [context(), context(), context()];
    let (one, two, three) = tokio::join!(
        router.execute(0, &contexts[0]),
        router.execute(0, &contexts[1]),
        router.execute(0, &contexts[2])
    );
    assert_eq!(
        (one.unwrap(), two.unwrap(), three.unwrap()),
        ("b", "a", "a")
    );
}

#[tokio::test(start_paused = true)]
async fn a_route_that_works_on_a_long_call_is_not_idle() {
    let (a, b) = (answering("a", 100), answering("b", 100));
    b.push(Answer::value("b").after(Duration::from_secs(100)));
    let router = router(&[&a, &b], LowestLatency::new());
    called(&router).await;
    let ctx = context();
    let long = router.execute(0, &ctx);
    let meanwhile = async {
        tokio::time::sleep(Duration::from_secs(50)).await;
        assert_eq!(called(&router).await, "a");
        assert_eq!(decided(&router), ("a".to_owned(), "lowest_latency"));
    };
    let (long, ()) = tokio::join!(long, meanwhile);
    assert_eq!(long.unwrap(), "b");
}

#[tokio::test(start_paused = true)]
async fn a_route_that_has_only_failed_is_no_fast_one() {
    let (a, b) = (answering("a", 0), answering("b", 900));
    a.push(Answer::fail(down()));
    let router = router(&[&a, &b], LowestLatency::new());
    assert!(router.execute(0, &context()).await.is_err());
    assert_eq!(called(&router).await, "b");
    assert_eq!(called(&router).await, "b");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_leaves_the_next_caller_free_to_go_on() {
    let (a, b) = (answering("a", 10), answering("b", 10));
    a.push(Answer::hang());
    let strategy = LowestLatency::new().with_retry_idle(Duration::from_secs(5));
    let router = router(&[&a, &b], strategy);
    let ctx = context();
    let dropped = tokio::time::timeout(Duration::from_secs(1), router.execute(0, &ctx)).await;
    assert!(dropped.is_err());
    assert_eq!(called(&router).await, "b");
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert_eq!(decided(&router), ("a".to_owned(), "probe"));
    assert_eq!(called(&router).await, "a");
}

#[test]
fn a_route_cannot_be_tried_again_after_no_time_nor_latencies_be_forgotten_at_once() {
    let a = answering("a", 0);
    let strategy = LowestLatency::default().with_retry_idle(Duration::ZERO);
    let error = routes(&[&a]).strategy(strategy).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("with_retry_idle"), "{error}");

    let builder = routes(&[&a]).strategy(LowestLatency::new());
    let error = builder
        .latency_half_life(Duration::ZERO)
        .build()
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("latency_half_life"), "{error}");
}
