use tta_core::WorkflowContext;
use tta_router::{ByRule, CostModel, HealthAware, RouterPrimitive, Sticky};
use tta_testkit::mock::Answer;

use crate::support::{Router, answering, context, down};

fn of_routes(names: &[&'static str]) -> Router {
    let mut builder = RouterPrimitive::builder();
    for name in names {
        builder = builder.route(*name, answering(name, 0), CostModel::unknown());
    }
    let strategy = Sticky::by(|key: &u64, _: &WorkflowContext| Some(*key));
    builder.strategy(strategy).build().unwrap()
}

fn route_of(router: &Router, key: u64) -> String {
    let decision = router.decide_route(&key, &context()).unwrap();
    assert_eq!(decision.reason.as_str(), "sticky");
    decision.route.to_owned()
}

#[test]
fn the_same_key_takes_the_same_route_whatever_the_order_of_the_routes() {
    let (one, other) = (of_routes(&["x", "y", "z"]), of_routes(&["z", "x", "y"]));
    for key in 0..200 {
        let route = route_of(&one, key);
        assert_eq!(route_of(&one, key), route);
        assert_eq!(route_of(&other, key), route);
    }
}

/// Processes of other versions route the same users.
#[test]
fn the_route_of_a_key_is_the_same_in_every_version() {
    let router = of_routes(&["x", "y", "z", "w"]);
    let taken: String = (0..64).map(|key| route_of(&router, key)).collect();
    let pinned = "wwwwyzwxzywwywxzwyxwzwxzyzyyxzwyzyyxxwxxwwzyxzzxzyywzyxxzxxyxywx";
    assert_eq!(taken, pinned);
}

#[test]
fn keys_are_spread_evenly() {
    let router = of_routes(&["x", "y", "z", "w"]);
    for name in ["x", "y", "z", "w"] {
        let keys = (0..8_000)
            .filter(|key| route_of(&router, *key) == name)
            .count();
        // Five standard deviations are 194.
        assert!((1_800..=2_200).contains(&keys), "{name}: {keys} of 8000");
    }
}

#[test]
fn a_route_that_is_added_takes_its_share_and_no_other_key_moves() {
    let (before, after) = (
        of_routes(&["x", "y", "z"]),
        of_routes(&["x", "y", "z", "w"]),
    );
    let mut moved = 0;
    for key in 0..4_000 {
        let (was, is) = (route_of(&before, key), route_of(&after, key));
        if was != is {
            assert_eq!(is, "w", "key {key} moved from {was}");
            moved += 1;
        }
    }
    assert!((850..=1_150).contains(&moved), "{moved} of 4000 moved");
}

#[tokio::test(start_paused = true)]
async fn only_the_keys_of_a_failing_route_move() {
    let (a, b, c) = (answering("a", 0), answering("b", 0), answering("c", 0));
    let strategy = Sticky::by(|key: &u64, _: &WorkflowContext| Some(*key));
    let strategy = HealthAware::new(strategy).with_failures(1);
    let router = crate::support::router(&[&a, &b, &c], strategy);
    let all = || -> Vec<_> {
        let route = |key| router.decide_route(&key, &context()).unwrap().route;
        (0..100).map(route).collect()
    };
    let before = all();
    let key = before.iter().position(|route| *route == "a").unwrap();
    a.push(Answer::fail(down()));
    let key = u64::try_from(key).unwrap();
    assert!(router.execute(key, &context()).await.is_err());
    for (was, is) in before.iter().zip(all()) {
        if *was == "a" {
            assert_ne!(is, "a");
        } else {
            assert_eq!(*was, is);
        }
    }
}

#[test]
fn an_input_without_a_key_is_routed_otherwise() {
    let (a, b) = (answering("a", 0), answering("b", 0));
    let keyless = |_: &u64, ctx: &WorkflowContext| ctx.metadata("conversation");
    let turns = crate::support::router(&[&a, &b], Sticky::by(keyless));
    let routes: Vec<_> = (0..4).map(|_| crate::support::decided(&turns)).collect();
    let (a_turn, b_turn) = (
        ("a".to_owned(), "round_robin"),
        ("b".to_owned(), "round_robin"),
    );
    assert_eq!(routes, [a_turn.clone(), b_turn.clone(), a_turn, b_turn]);

    let strategy = Sticky::by(keyless).otherwise(ByRule::otherwise("b"));
    let ruled = crate::support::router(&[&a, &b], strategy);
    assert_eq!(crate::support::decided(&ruled), ("b".to_owned(), "default"));
}

#[test]
fn the_strategy_for_inputs_without_a_key_is_validated_too() {
    let a = answering("a", 0);
    let strategy = Sticky::by(|key: &u64, _: &WorkflowContext| Some(*key))
        .otherwise(ByRule::otherwise("nowhere"));
    let error = crate::support::routes(&[&a]).strategy(strategy).build();
    assert!(error.unwrap_err().to_string().contains("nowhere"));
}
