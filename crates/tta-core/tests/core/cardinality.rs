use std::collections::HashSet;

use proptest::prelude::*;
use tta_core::{ErrorKind, MetricSpec, OVERFLOW_LABEL, Registry, SampleValue, Unit};

static BY_USER: MetricSpec =
    MetricSpec::counter("cardinality_by_user_total", Unit::One, "h").labels(&["user"]);
static SIZES: MetricSpec = MetricSpec::gauge("cardinality_sizes", Unit::One, "h").labels(&["user"]);

fn limited(limit: usize) -> Registry {
    let registry = Registry::new();
    registry.set_label_limit(limit);
    registry
}

fn count(registry: &Registry, user: &str) {
    registry.counter(&BY_USER, &[user]).unwrap().increment();
}

fn series(registry: &Registry) -> Vec<(String, f64)> {
    let families = registry.gather();
    let samples = families.into_iter().flat_map(|family| family.samples);
    samples
        .map(|sample| match sample.value {
            SampleValue::Counter(total, _) => (sample.labels.join(","), total),
            other => panic!("{other:?}"),
        })
        .collect()
}

#[test]
fn past_the_limit_sets_share_one_series_and_the_total_stays_exact() {
    let registry = limited(2);
    for user in ["a", "b", "c", "d", "a", "c"] {
        count(&registry, user);
    }
    let expected = [("a", 2.0), ("b", 1.0), (OVERFLOW_LABEL, 3.0)];
    assert_eq!(
        series(&registry),
        expected.map(|(label, total)| (label.to_owned(), total))
    );
}

#[test]
fn raising_the_limit_makes_room_for_new_sets() {
    let registry = limited(1);
    count(&registry, "a");
    count(&registry, "b");
    registry.set_label_limit(2);
    count(&registry, "b");
    let expected = [("a", 1.0), ("b", 1.0), (OVERFLOW_LABEL, 1.0)];
    assert_eq!(
        series(&registry),
        expected.map(|(label, total)| (label.to_owned(), total))
    );
}

#[test]
fn a_value_that_looks_like_the_overflow_series_makes_no_second_one() {
    let registry = limited(2);
    for user in ["a", OVERFLOW_LABEL, "b", "c"] {
        count(&registry, user);
    }
    let expected = [("a", 1.0), ("b", 1.0), (OVERFLOW_LABEL, 2.0)];
    assert_eq!(
        series(&registry),
        expected.map(|(label, total)| (label.to_owned(), total))
    );
}

#[test]
fn a_callback_past_the_limit_is_refused_and_not_dropped_in_silence() {
    let registry = limited(1);
    registry.observe_gauge(&SIZES, &["a"], || 1.0).unwrap();
    registry.observe_gauge(&SIZES, &["a"], || 2.0).unwrap();
    let refused = registry.observe_gauge(&SIZES, &["b"], || 3.0).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Configuration);
}

#[test]
fn a_callback_does_not_take_the_place_of_a_handle_that_is_in_use() {
    let registry = Registry::new();
    let counter = registry.counter(&BY_USER, &["a"]).unwrap();
    counter.increment();
    let refused = registry.observe_counter(&BY_USER, &["a"], || 100.0);
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Configuration);
    assert_eq!(series(&registry), [("a".to_owned(), 1.0)]);
}

proptest! {
    #[test]
    fn every_label_value_comes_back_as_it_went_in(users in prop::collection::vec(any::<String>(), 0..50)) {
        let registry = limited(100);
        for user in &users {
            count(&registry, user);
        }
        let read: HashSet<_> = series(&registry).into_iter().map(|(user, _)| user).collect();
        prop_assert_eq!(read, users.into_iter().collect());
    }

    #[test]
    fn whatever_the_limit_the_total_is_exact(
        users in prop::collection::vec(0..40_u8, 0..200),
        limit in 1..50_usize,
    ) {
        let registry = limited(limit);
        for user in &users {
            count(&registry, &user.to_string());
        }
        let read = series(&registry);
        prop_assert!(read.len() <= limit + 1);
        let total: f64 = read.iter().map(|(_, total)| total).sum();
        prop_assert!((total - users.len() as f64).abs() < f64::EPSILON);
    }
}
