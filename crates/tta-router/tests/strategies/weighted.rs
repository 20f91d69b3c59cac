use tta_core::ErrorKind;
use tta_router::{HealthAware, Weighted};
use tta_testkit::mock::Answer;

use crate::support::{answering, called, context, decided, down, router, routes};

fn counted(router: &crate::support::Router, calls: u32) -> [u32; 3] {
    let mut counts = [0; 3];
    for _ in 0..calls {
        let (route, reason) = decided(router);
        assert_eq!(reason, "weighted");
        for (count, name) in counts.iter_mut().zip(crate::support::NAMES) {
            *count += u32::from(route == name);
        }
    }
    counts
}

#[test]
fn each_route_gets_its_share_to_within_a_handful_after_any_number_of_calls() {
    let (a, b, c) = (answering("a", 0), answering("b", 0), answering("c", 0));
    let shares = [("a", 6.0), ("b", 3.0), ("c", 1.0)];
    for calls in [10, 100, 999, 20_000] {
        let router = router(&[&a, &b, &c], Weighted::new(shares).unwrap());
        let counts = counted(&router, calls);
        for (count, (_, weight)) in counts.iter().zip(shares) {
            let due = f64::from(calls) * weight / 10.0;
            let off = (f64::from(*count) - due).abs();
            assert!(off <= 4.0, "{counts:?} of {calls}");
        }
    }
}

#[test]
fn a_small_share_comes_up_evenly_and_not_in_a_row() {
    let (a, b) = (answering("a", 0), answering("b", 0));
    let router = router(&[&a, &b], Weighted::new([("a", 9.0), ("b", 1.0)]).unwrap());
    let taken: Vec<_> = (0..300).map(|_| decided(&router).0).collect();
    let at: Vec<_> = (0..300).filter(|i| taken[*i] == "b").collect();
    let gaps: Vec<_> = at.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(
        gaps.iter().all(|gap| (5..=21).contains(gap)),
        "calls between two of the small share: {gaps:?}"
    );
}

#[test]
fn a_route_without_a_weight_or_with_the_weight_zero_gets_nothing() {
    let (a, b, c) = (answering("a", 0), answering("b", 0), answering("c", 0));
    let strategy = Weighted::new([("a", 0.0), ("b", 2.0)]).unwrap();
    let router = router(&[&a, &b, &c], strategy);
    assert_eq!(counted(&router, 50), [0, 50, 0]);
}

#[tokio::test(start_paused = true)]
async fn the_share_of_a_failing_route_goes_to_the_others_in_proportion() {
    let (a, b, c) = (answering("a", 0), answering("b", 0), answering("c", 0));
    a.push(Answer::fail(down()));
    let strategy = Weighted::new([("a", 1.0), ("b", 3.0), ("c", 1.0)]).unwrap();
    let router = router(&[&a, &b, &c], HealthAware::new(strategy).with_failures(1));
    assert!(router.execute(0, &context()).await.is_err());
    for _ in 0..100 {
        called(&router).await;
    }
    assert_eq!(a.calls(), 1);
    assert!((74..=76).contains(&b.calls()), "{}", b.calls());
}

#[test]
fn weights_that_make_no_sense_are_refused() {
    let refused = |weights: &[(&'static str, f64)]| {
        let error = Weighted::new(weights.iter().copied()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        error.to_string()
    };
    assert!(refused(&[("a", -1.0)]).contains("weight -1"));
    assert!(refused(&[("a", f64::NAN)]).contains("weight NaN"));
    assert!(refused(&[("a", f64::INFINITY)]).contains("weight inf"));
    assert!(refused(&[("a", 1.0), ("a", 2.0)]).contains("two weights"));
    assert!(refused(&[("a", 0.0)]).contains("above zero"));
    assert!(refused(&[]).contains("above zero"));
}

#[test]
fn a_weight_for_a_route_that_does_not_exist_is_refused() {
    let a = answering("a", 0);
    let strategy = Weighted::new([("a", 1.0), ("z", 1.0)]).unwrap();
    let error = routes(&[&a]).strategy(strategy).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("`z`"), "{error}");
}
