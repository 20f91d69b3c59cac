//! What is found in queries, and what is wrong with them.

use tta_catalog::known::Known;
use tta_catalog::promql::{selectors, with_durations, with_matchers};

#[test]
fn selectors_are_found_with_matchers_ranges_and_functions() {
    let query = "histogram_quantile(0.9, sum by (le, route) (rate(a_bucket{x=\"}\", y!~\"b\"}[5m] \
                 offset 1h))) > on (job) group_left (z) 2 * b:c:d";
    let found = selectors(query).unwrap_or_default();
    let [one, two] = found.selectors.as_slice() else {
        panic!("{found:?}");
    };
    assert_eq!(
        (one.metric.as_str(), two.metric.as_str()),
        ("a_bucket", "b:c:d")
    );
    assert_eq!(one.range.as_deref(), Some("5m"));
    assert_eq!(one.functions, ["histogram_quantile", "rate"]);
    assert_eq!(one.matchers.len(), 2);
    assert_eq!(found.grouping, ["le", "route", "job", "z"]);
}

#[test]
fn matchers_are_added_to_selectors_with_braces_and_without() {
    let added = with_matchers("a / b{} + rate(c{d=\"e\"}[5m])", |_| {
        vec!["x=\"y\"".to_owned()]
    });
    assert_eq!(
        added.as_deref(),
        Ok("a{x=\"y\"} / b{x=\"y\"} + rate(c{x=\"y\", d=\"e\"}[5m])")
    );
}

#[test]
fn only_durations_are_divided() {
    assert_eq!(
        with_durations("3600 * rate(a5m_1h{x=\"5m\"}[5m] offset 1d) > 14.4", 60),
        "3600 * rate(a5m_1h{x=\"5m\"}[5000ms] offset 1440000ms) > 14.4"
    );
}

#[test]
fn what_does_not_close_is_said() {
    for (query, why) in [
        ("sum(a", "a parenthesis does not close"),
        ("a)", "a parenthesis closes that was not open"),
        ("a{b=\"c\"", "the braces of `a` do not close"),
        ("a{b=\"c}", "a quote does not close"),
        ("{job=\"a\"}", "a selector has no name"),
    ] {
        assert_eq!(selectors(query).err().as_deref(), Some(why), "{query}");
    }
}

#[test]
fn queries_that_cannot_mean_anything_are_said() {
    let known = Known::declared();
    for (query, why) in [
        ("cache_hitz", "no metric `cache_hitz`"),
        (
            "cache_hits_total",
            "`cache_hits_total` only grows: ask for its rate or increase",
        ),
        (
            "rate(cache_size[5m])",
            "`cache_size` is a gauge: its growth means nothing",
        ),
        (
            "rate(cache_hits_total{route=\"a\"}[5m])",
            "`cache_hits_total` has no label `route`",
        ),
        (
            "sum by (route) (rate(cache_hits_total[5m]))",
            "no metric in it has the label `route`",
        ),
        (
            "sum(rate(workflow_duration_seconds_bucket[5m]))",
            "`workflow_duration_seconds_bucket` needs histogram_quantile, or one bound as `le`",
        ),
        (
            "rate(workflow_duration_seconds[5m])",
            "`workflow_duration_seconds` is a histogram: read its _bucket, _sum or _count",
        ),
    ] {
        assert_eq!(known.wrong(query), [why], "{query}");
    }
}
