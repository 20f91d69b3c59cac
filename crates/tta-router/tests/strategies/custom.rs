use std::sync::{Arc, Mutex};
use std::time::Duration;

use tta_core::{Error, Result, WorkflowContext};
use tta_router::{Choice, CostModel, RouteReason, Routes, RoutingStrategy};
use tta_testkit::mock::Answer;

use crate::support::{answering, called, context, down, router, routes};

/// What a strategy saw of the first route.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) latency: Option<Duration>,
    in_flight: usize,
    failures: u32,
    since_tried: Option<Duration>,
    since_failure: Option<Duration>,
    rests_for: Duration,
    model: Option<String>,
    cost: CostModel,
}

/// Takes the first route, and writes down what it sees of it.
pub(crate) struct Spy(pub(crate) Arc<Mutex<Vec<Seen>>>);

impl RoutingStrategy<u64> for Spy {
    fn choose<'a>(
        &'a self,
        _: &u64,
        _: &WorkflowContext,
        routes: Routes<'a>,
    ) -> Result<Choice<'a>> {
        let route = routes.at(0).ok_or_else(|| Error::msg("none"))?;
        self.0.lock().unwrap().push(Seen {
            latency: route.latency(),
            in_flight: route.in_flight(),
            failures: route.consecutive_failures(),
            since_tried: route.since_tried(),
            since_failure: route.since_failure(),
            rests_for: route.rests_for(),
            model: route.model().map(str::to_owned),
            cost: route.cost(),
        });
        Ok(route.choose(RouteReason::Rule))
    }
}

#[tokio::test(start_paused = true)]
async fn a_strategy_sees_what_a_route_is_doing() {
    let a = answering("a", 100);
    let error = down().with_retry_after(Duration::from_secs(7));
    a.push(Answer::fail(error).after(Duration::from_secs(1)));
    a.push(Answer::fail(down()));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let router = routes(&[&a])
        .model("a", "small-1")
        .strategy(Spy(Arc::clone(&seen)))
        .build()
        .unwrap();
    let look = || {
        crate::support::decided(&router);
        seen.lock().unwrap().last().unwrap().clone()
    };
    let fresh = Seen {
        latency: None,
        in_flight: 0,
        failures: 0,
        since_tried: None,
        since_failure: None,
        rests_for: Duration::ZERO,
        model: Some("small-1".to_owned()),
        cost: CostModel::per_call(0.001),
    };
    assert_eq!(look(), fresh);

    let ctx = context();
    let call = router.execute(0, &ctx);
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let during = look();
        assert_eq!(during.in_flight, 1);
        assert_eq!(during.since_tried, Some(Duration::from_millis(300)));
    };
    let (failed, ()) = tokio::join!(call, meanwhile);
    failed.unwrap_err();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let secs = Duration::from_secs;
    assert_eq!(
        look(),
        Seen {
            failures: 1,
            since_tried: Some(secs(3)),
            since_failure: Some(secs(2)),
            rests_for: secs(5),
            ..fresh.clone()
        }
    );

    router.execute(0, &context()).await.unwrap_err();
    assert_eq!(look().failures, 2);
    called(&router).await;
    assert_eq!(
        look(),
        Seen {
            latency: Some(Duration::from_millis(100)),
            since_tried: Some(Duration::from_millis(100)),
            since_failure: Some(Duration::from_millis(100)),
            ..fresh
        }
    );
}

/// Probes the first route, always.
struct AlwaysProbing;

impl RoutingStrategy<u64> for AlwaysProbing {
    fn choose<'a>(
        &'a self,
        _: &u64,
        _: &WorkflowContext,
        routes: Routes<'a>,
    ) -> Result<Choice<'a>> {
        let route = routes.named("a").ok_or_else(|| Error::msg("none"))?;
        Ok(route.choose(RouteReason::Rule).as_probe())
    }
}

#[tokio::test(start_paused = true)]
async fn who_insists_on_probing_what_is_being_probed_takes_the_default() {
    let (a, b) = (answering("a", 100), answering("b", 100));
    let router = routes(&[&a, &b])
        .strategy(AlwaysProbing)
        .default_route("b")
        .build()
        .unwrap();
    let (one, two) = (context(), context());
    let (one, two) = tokio::join!(router.execute(0, &one), router.execute(0, &two));
    assert_eq!((one.unwrap(), two.unwrap()), ("a", "b"));
    assert_eq!(called(&router).await, "a");
}

/// Probes the first route for whoever asks first and second, and takes the other one then.
#[derive(Default)]
struct ProbingTwice(std::sync::atomic::AtomicUsize);

impl RoutingStrategy<u64> for ProbingTwice {
    fn choose<'a>(&'a self, _: &u64, _: &WorkflowContext, _: Routes<'a>) -> Result<Choice<'a>> {
        let asked = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Ok(match asked {
            0 | 1 => Choice::new("a", RouteReason::Rule).as_probe(),
            _ => Choice::new("b", RouteReason::Rule),
        })
    }
}

#[tokio::test(start_paused = true)]
async fn who_comes_second_to_a_probe_is_decided_for_again() {
    let (a, b) = (answering("a", 100), answering("b", 100));
    let router = router(&[&a, &b], ProbingTwice::default());
    let (one, two) = (context(), context());
    let (one, two) = tokio::join!(router.execute(0, &one), router.execute(0, &two));
    assert_eq!((one.unwrap(), two.unwrap()), ("a", "b"));
}

#[test]
fn routes_are_counted_named_and_shown() {
    struct Looking;
    impl RoutingStrategy<u64> for Looking {
        fn choose<'a>(
            &'a self,
            _: &u64,
            _: &WorkflowContext,
            routes: Routes<'a>,
        ) -> Result<Choice<'a>> {
            assert_eq!(routes.count(), 2);
            assert_eq!(routes.at(1).map(|it| it.name()), Some("b"));
            assert!(routes.at(2).is_none() && routes.named("c").is_none());
            let prices: Vec<_> = routes.iter().map(|it| it.expected_cost()).collect();
            assert_eq!(prices, [Some(0.001), Some(0.002)]);
            assert_eq!(
                format!("{routes:?}"),
                "[Candidate { name: \"a\", in_flight: 0, latency: None, \
                 consecutive_failures: 0, .. }, Candidate { name: \"b\", in_flight: 0, \
                 latency: None, consecutive_failures: 0, .. }]"
            );
            Ok(Choice::new("b", RouteReason::Rule))
        }
    }
    let (a, b) = (answering("a", 0), answering("b", 0));
    let router = router(&[&a, &b], Looking);
    assert_eq!(crate::support::decided(&router), ("b".to_owned(), "rule"));
}
