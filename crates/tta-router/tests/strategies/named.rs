use tta_core::ErrorKind;
use tta_router::{ByComplexity, ByRule, CostModel, RouteReason, RouterPrimitive};

use crate::support::{answering, decided, routes};

#[test]
fn a_rule_for_a_route_that_does_not_exist_is_refused() {
    let a = answering("a", 0);
    let rule = ByRule::otherwise("a").when("b", |_: &u64, _| false);
    let error = routes(&[&a]).strategy(rule).build().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("`b`"), "{error}");
    let otherwise = ByRule::otherwise("z");
    let error = routes(&[&a]).strategy(otherwise).build().unwrap_err();
    assert!(error.to_string().contains("`z`"), "{error}");
}

#[test]
fn complexity_is_refused_between_routes_that_do_not_exist_and_for_a_threshold_that_is_no_number() {
    let step = || tta_core::step("step", async |text: String| Ok(text));
    let refused = |strategy| {
        let builder = RouterPrimitive::builder().route("a", step(), CostModel::unknown());
        builder.strategy(strategy).build().unwrap_err().to_string()
    };
    let between = |cheap, premium| ByComplexity::new(cheap, premium, prompt as fn(&String) -> &str);
    assert!(refused(between("x", "a")).contains("`x`"));
    assert!(refused(between("a", "y")).contains("`y`"));
    assert!(refused(between("a", "a").with_threshold(f64::NAN)).contains("no number"));
}

#[test]
fn a_name_that_is_no_literal_can_be_given_to_a_rule() {
    let (a, b) = (answering("a", 0), answering("b", 0));
    let rule = ByRule::otherwise(String::from("b"));
    let router = crate::support::router(&[&a, &b], rule);
    assert_eq!(decided(&router), ("b".to_owned(), "default"));
}

#[test]
fn reasons_are_a_closed_set_of_distinct_labels() {
    let labels: std::collections::BTreeSet<_> =
        RouteReason::ALL.iter().map(|it| it.as_str()).collect();
    assert_eq!(labels.len(), RouteReason::ALL.len());
    let is_label = |label: &str| {
        !label.is_empty() && label.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    };
    assert!(labels.iter().all(|label| is_label(label)), "{labels:?}");
}

/// By reference to what the router's input is.
fn prompt(text: &String) -> &str {
    text
}
