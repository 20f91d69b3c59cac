use std::time::Duration;

use tta_core::{Error, ErrorKind};
use tta_router::{ByRule, HealthAware, LowestLatency, RoundRobin};
use tta_testkit::mock::{Answer, MockPrimitive};

use crate::support::{Mock, Router, answering, called, context, decided, down, router, routes};

const COOLDOWN: Duration = Duration::from_secs(10);

/// `a` unless it fails twice in a row.
fn a_first(mocks: &[&Mock]) -> Router {
    let strategy = HealthAware::new(ByRule::otherwise("a"))
        .with_failures(2)
        .with_cooldown(COOLDOWN);
    router(mocks, strategy)
}

async fn fail(router: &Router, mock: &Mock, error: Error) {
    mock.push(Answer::fail(error));
    router.execute(0, &context()).await.unwrap_err();
}

#[tokio::test(start_paused = true)]
async fn a_route_that_fails_so_often_in_a_row_is_left_out_for_the_cooldown() {
    let (a, b) = (answering("a", 0), answering("b", 0));
    let router = a_first(&[&a, &b]);
    fail(&router, &a, down()).await;
    assert_eq!(decided(&router), ("a".to_owned(), "default"));
    fail(&router, &a, down()).await;
    assert_eq!(decided(&router), ("b".to_owned(), "unhealthy"));
    assert_eq!(called(&router).await, "b");
    tokio::time::sleep(Duration::from_millis(9_999)).await;
    assert_eq!(decided(&router), ("b".to_owned(), "unhealthy"));
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(decided(&router), ("a".to_owned(), "probe"));
}

#[tokio::test(start_paused = true)]
async fn a_success_between_failures_begins_the_count_again() {
    let (a, b) = (answering("a", 0), answering("b", 0));
    let router = a_first(&[&a, &b]);
    fail(&router, &a, down()).await;
    assert_eq!(called(&router).await, "a");
    fail(&router, &a, down()).await;
    assert_eq!(decided(&router), ("a".to_owned(), "default"));
}

#[tokio::test(start_paused = true)]
async fn after_the_cooldown_one_caller_probes_and_the_others_wait_for_what_becomes_of_it() {
    let (a, b) = (answering("a", 100), answering("b", 10));
    let router = a_first(&[&a, &b]);
    fail(&router, &a, down()).await;
    fail(&router, &a, down()).await;
    tokio::time::sleep(COOLDOWN).await;

    let contexts = [context(), context(), context()];
    let (one, two, three) = tokio::join!(
        router.execute(0, &contexts[0]),
        router.execute(0, &contexts[1]),
        router.execute(0, &contexts[2])
    );
    assert_eq!(
        (one.unwrap(), two.unwrap(), three.unwrap()),
        ("a", "b", "b")
    );
    assert_eq!(decided(&router), ("a".to_owned(), "default"));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_begins_the_cooldown_again() {
    let (a, b) = (answering("a", 0), answering("b", 0));
    let router = a_first(&[&a, &b]);
    fail(&router, &a, down()).await;
    fail(&router, &a, down()).await;
    tokio::time::sleep(COOLDOWN).await;
    fail(&router, &a, down()).await;
    assert_eq!(decided(&router), ("b".to_owned(), "unhealthy"));
    tokio::time::sleep(COOLDOWN).await;
    assert_eq!(decided(&router), ("a".to_owned(), "probe"));
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_dropped_leaves_it_to_the_next_caller() {
    let (a, b) = (answering("a", 0), answering("b", 0));
    let router = a_first(&[&a, &b]);
    fail(&router, &a, down()).await;
    fail(&router, &a, down()).await;
    tokio::time::sleep(COOLDOWN).await;
    a.push(Answer::hang());
    let ctx = context();
    let dropped = tokio::time::timeout(Duration::from_millis(1), router.execute(0, &ctx)).await;
    assert!(dropped.is_err());
    assert_eq!(decided(&router), ("a".to_owned(), "probe"));
    assert_eq!(called(&router).await, "a");
}

#[tokio::test(start_paused = true)]
async fn what_is_the_callers_own_doing_says_nothing_of_the_route() {
    let (a, b) = (answering("a", 0), answering("b", 0));
    let router = a_first(&[&a, &b]);
    for kind in [ErrorKind::InvalidInput, ErrorKind::Cancelled] {
        for _ in 0..3 {
            fail(&router, &a, Error::new(kind, "mine")).await;
        }
    }
    assert_eq!(decided(&router), ("a".to_owned(), "default"));
}

#[tokio::test(start_paused = true)]
async fn a_route_that_asks_for_time_is_left_alone_that_long_after_one_error() {
    let (a, b) = (answering("a", 0), answering("b", 0));
    let router = a_first(&[&a, &b]);
    let busy = Error::new(ErrorKind::RateLimited, "slow down");
    fail(&router, &a, busy.with_retry_after(Duration::from_secs(3))).await;
    tokio::time::sleep(Duration::from_millis(2_999)).await;
    assert_eq!(decided(&router), ("b".to_owned(), "unhealthy"));
    tokio::time::sleep(Duration::from_millis(1)).await;
    assert_eq!(decided(&router), ("a".to_owned(), "default"));
}

#[tokio::test(start_paused = true)]
async fn where_every_route_fails_the_strategy_is_followed_all_the_same() {
    let (a, b) = (answering("a", 0), answering("b", 0));
    let strategy = HealthAware::new(RoundRobin::new()).with_failures(1);
    let router = router(&[&a, &b], strategy);
    fail(&router, &a, down()).await;
    fail(&router, &b, down()).await;
    assert_eq!(decided(&router), ("a".to_owned(), "round_robin"));
    assert_eq!(decided(&router), ("b".to_owned(), "round_robin"));
}

#[tokio::test(start_paused = true)]
async fn the_inner_strategy_chooses_among_the_healthy() {
    let (a, b, c) = (answering("a", 0), answering("b", 0), answering("c", 0));
    let strategy = HealthAware::new(RoundRobin::new()).with_failures(1);
    let router = router(&[&a, &b, &c], strategy);
    fail(&router, &a, down()).await;
    let taken: Vec<_> = (0..4).map(|_| decided(&router)).collect();
    assert!(taken.iter().all(|(_, reason)| *reason == "round_robin"));
    let names: Vec<_> = taken.iter().map(|(route, _)| route.as_str()).collect();
    assert_eq!(names, ["c", "b", "c", "b"]);
}

#[tokio::test(start_paused = true)]
async fn a_well_route_is_preferred_to_one_that_may_be_probed() {
    let (a, b, c) = (answering("a", 0), answering("b", 0), answering("c", 0));
    let rule = ByRule::otherwise("b")
        .when("a", |input: &u64, _| *input == 1)
        .when("c", |input: &u64, _| *input == 3);
    let strategy = HealthAware::new(rule)
        .with_failures(1)
        .with_cooldown(COOLDOWN);
    let router = router(&[&a, &b, &c], strategy);
    a.push(Answer::fail(down()));
    router.execute(1, &context()).await.unwrap_err();
    tokio::time::sleep(COOLDOWN).await;
    fail(&router, &b, down()).await;
    // `a` may be probed and comes first, `c` has never failed.
    assert_eq!(decided(&router), ("c".to_owned(), "unhealthy"));
    c.push(Answer::fail(down()));
    router.execute(3, &context()).await.unwrap_err();
    assert_eq!(decided(&router), ("a".to_owned(), "probe"));
}

#[tokio::test(start_paused = true)]
async fn a_fast_failing_route_does_not_attract_calls_for_being_fast() {
    let a = MockPrimitive::new("a");
    a.push(Answer::value("a").after(Duration::from_millis(1)));
    let a = a.with_default(|_| Answer::fail(down()));
    let b = answering("b", 100);
    let strategy = HealthAware::new(LowestLatency::new()).with_failures(2);
    let router = router(&[&a, &b], strategy);
    let mut failed = 0;
    for _ in 0..20 {
        failed += usize::from(router.execute(0, &context()).await.is_err());
    }
    assert_eq!(failed, 2);
}

#[tokio::test(start_paused = true)]
async fn a_route_that_does_not_exist_is_the_routers_to_deal_with() {
    let (a, b) = (answering("a", 0), answering("b", 0));
    let nowhere = |_: &u64, _: &tta_core::WorkflowContext| Ok("nowhere");
    let router = routes(&[&a, &b])
        .strategy(HealthAware::new(nowhere))
        .default_route("b")
        .build()
        .unwrap();
    assert_eq!(decided(&router), ("b".to_owned(), "unknown_route"));
}

#[test]
fn no_failure_and_no_cooldown_make_no_sense_and_the_inner_strategy_is_validated() {
    let a = answering("a", 0);
    let refused = |strategy: HealthAware<ByRule<u64>>| {
        let error = routes(&[&a]).strategy(strategy).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        error.to_string()
    };
    let rule = || ByRule::otherwise("a");
    assert!(refused(HealthAware::new(rule()).with_failures(0)).contains("HealthAware"));
    let no_time = HealthAware::new(rule()).with_cooldown(Duration::ZERO);
    assert!(refused(no_time).contains("HealthAware"));
    let unknown = HealthAware::new(ByRule::otherwise("nowhere"));
    assert!(refused(unknown).contains("`nowhere`"));
}
