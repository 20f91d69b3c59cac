//! The other names that metrics are known by.

use std::time::Duration;

use tta_core::{MetricSpec, Unit, registry};
use tta_telemetry::exposition::{ExpositionFormat, ExpositionOptions};
use tta_testkit::judges::OpenMetricsParser;
use tta_testkit::require;

use crate::own::{declared, lines, page, page_of};

fn page_with_aliases(format: ExpositionFormat) -> String {
    let options = ExpositionOptions {
        aliases: true,
        ..ExpositionOptions::default()
    };
    page_of(options, format)
}

#[test]
fn an_alias_shows_the_same_numbers_under_its_own_label_and_only_when_asked() {
    let spec = declared(
        MetricSpec::histogram("aliased_run_duration_seconds", Unit::Seconds, "Runs.")
            .bounds(&[1.0])
            .labels(&["primitive", "kind"])
            .aliases(&["aliased_run_seconds"]),
    );
    let histogram = registry().histogram(spec, &["cache", "memory"]).unwrap();
    histogram.record(Duration::from_millis(500));
    for format in [ExpositionFormat::Text, ExpositionFormat::OpenMetrics] {
        assert!(lines(&page(format), "aliased_run_seconds").is_empty());
        let with_aliases = page_with_aliases(format);
        assert!(lines(&with_aliases, "aliased_run_duration_seconds").len() >= 6);
        let samples = lines(&with_aliases, "aliased_run_seconds");
        assert_eq!(
            samples[samples.len() - 4..],
            [
                "aliased_run_seconds_sum{primitive_name=\"cache\",kind=\"memory\"} 0.5",
                "aliased_run_seconds_count{primitive_name=\"cache\",kind=\"memory\"} 1",
                "aliased_run_seconds_bucket{le=\"1.0\",primitive_name=\"cache\",kind=\"memory\"} 1",
                "aliased_run_seconds_bucket{le=\"+Inf\",primitive_name=\"cache\",kind=\"memory\"} 1",
            ]
        );
    }
}

#[test]
fn an_alias_without_total_keeps_its_spelling_and_the_page_stays_readable() {
    let spec = declared(
        MetricSpec::counter("aliased_savings_usd_total", Unit::UsDollars, "Savings.")
            .labels(&["primitive"])
            .aliases(&[
                "aliased_savings_usd",
                "aliased_saved_total",
                "aliased_saved",
            ]),
    );
    registry().counter(spec, &["cache"]).unwrap().add(1.5);
    let samples = [
        "aliased_savings_usd_total{primitive=\"cache\"} 1.5",
        "aliased_savings_usd{primitive_name=\"cache\"} 1.5",
        "aliased_saved_total{primitive_name=\"cache\"} 1.5",
        "aliased_saved{primitive_name=\"cache\"} 1.5",
    ];
    let text = page_with_aliases(ExpositionFormat::Text);
    let open = page_with_aliases(ExpositionFormat::OpenMetrics);
    for sample in samples {
        assert!(text.lines().any(|line| line == sample), "{sample}");
        assert!(open.lines().any(|line| line == sample), "{sample}");
    }
    assert!(text.contains("# TYPE aliased_savings_usd counter\n"));
    assert!(open.contains("# TYPE aliased_savings_usd unknown\n"));

    let parser = require!(OpenMetricsParser::find());
    let parsed = parser.parse(&open).unwrap();
    let found = parsed
        .iter()
        .filter(|sample| sample.name.starts_with("aliased_sav"));
    assert_eq!(
        found.filter(|sample| sample.value == 1.5).count(),
        samples.len()
    );
}

#[test]
fn a_metric_that_is_its_own_alias_has_both_labels_on_one_series() {
    let spec = declared(
        MetricSpec::counter("aliased_calls_total", Unit::One, "Calls.")
            .labels(&["primitive", "status"])
            .aliases(&["aliased_calls_total"]),
    );
    registry()
        .counter(spec, &["cache", "success"])
        .unwrap()
        .increment();
    let text = page_with_aliases(ExpositionFormat::Text);
    let samples: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("aliased_calls"))
        .collect();
    assert_eq!(
        samples,
        ["aliased_calls_total{primitive=\"cache\",status=\"success\",primitive_name=\"cache\"} 1"]
    );
}

#[test]
fn an_alias_that_is_another_metric_s_name_is_left_out() {
    let taken = declared(MetricSpec::gauge("aliased_taken", Unit::One, "Taken."));
    registry().gauge(taken, &[]).unwrap().set(4);
    let spec = declared(
        MetricSpec::gauge("aliased_taker", Unit::One, "Taker.").aliases(&["aliased_taken"]),
    );
    registry().gauge(spec, &[]).unwrap().set(5);
    let text = page_with_aliases(ExpositionFormat::Text);
    let samples: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("aliased_taken"))
        .collect();
    assert_eq!(samples, ["aliased_taken 4"]);
}

#[test]
fn a_lookup_under_its_old_name_says_whether_it_hit() {
    let spec = declared(
        MetricSpec::histogram("aliased_lookup_duration_seconds", Unit::Seconds, "Lookups.")
            .labels(&["primitive", "operation", "result"])
            .bounds(&[1.0])
            .aliases(&["cache_latency_seconds"]),
    );
    for (operation, result) in [
        ("get", "hit"),
        ("get", "stale"),
        ("get", "miss"),
        ("set", "ok"),
    ] {
        let histogram = registry().histogram(spec, &["cache", operation, result]);
        histogram.unwrap().record(Duration::from_millis(500));
    }
    let page = page_with_aliases(ExpositionFormat::OpenMetrics);
    let counts = |family| {
        let mut counts = lines(&page, family);
        counts.retain(|line| line.contains("_count{"));
        counts
    };
    let found = counts("cache_latency_seconds");
    let count = |labels: &str| {
        format!("cache_latency_seconds_count{{primitive_name=\"cache\",{labels}}} 1")
    };
    assert_eq!(
        found,
        [
            count("operation=\"get\",result=\"hit\",hit=\"true\""),
            count("operation=\"get\",result=\"miss\",hit=\"false\""),
            count("operation=\"get\",result=\"stale\",hit=\"true\""),
            count("operation=\"set\",result=\"ok\""),
        ]
    );
    let own = counts("aliased_lookup_duration_seconds");
    assert_eq!(own.len(), 4);
    assert!(own.iter().all(|line| !line.contains("hit=")), "{own:?}");
}
