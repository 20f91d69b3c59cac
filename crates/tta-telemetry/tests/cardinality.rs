//! A million label values, in a process that does nothing else so that its memory can be judged.
#![cfg(feature = "prometheus")]
#![expect(clippy::float_cmp, reason = "the compared values are exact")]

use std::time::{Duration, Instant};

use tta_core::{MetricSpec, OVERFLOW_LABEL, Unit, registry};
use tta_telemetry::exposition::{ExpositionFormat, ExpositionOptions, PrometheusExposition};
use tta_testkit::faults::report;

#[test]
fn fault_33_a_million_label_values_are_capped_and_their_total_is_exact() {
    static CALLS: MetricSpec =
        MetricSpec::counter("cardinality_calls_total", Unit::One, "Calls.").labels(&["user"]);
    let exposition = PrometheusExposition::new(ExpositionOptions::default());
    let before = resident_kibibytes();
    for user in 0..1_000_000_u32 {
        registry()
            .counter(&CALLS, &[&format!("user-{user}")])
            .unwrap()
            .increment();
    }
    let began = Instant::now();
    let page = exposition.render(ExpositionFormat::Text);
    let took = began.elapsed();
    let page = String::from_utf8(page).unwrap();
    let grown = resident_kibibytes()
        .zip(before)
        .map(|(after, before)| after.saturating_sub(before));

    let series: Vec<(&str, f64)> = page
        .lines()
        .filter(|line| line.starts_with("cardinality_calls_total{"))
        .map(|line| line.split_once(' ').unwrap())
        .map(|(series, value)| (series, value.parse().unwrap()))
        .collect();
    let limit = registry().label_limit();
    assert_eq!(series.len(), limit + 1);
    assert_eq!(series.iter().map(|(_, value)| value).sum::<f64>(), 1e6);
    let overflow = format!("cardinality_calls_total{{user=\"{OVERFLOW_LABEL}\"}}");
    let (_, rest) = series
        .iter()
        .find(|(series, _)| *series == overflow)
        .unwrap();
    assert_eq!(*rest, 1e6 - limit as f64);
    let kibibytes = grown.unwrap();
    let measured = format!("+{:.1} MB", kibibytes as f64 / 1e3);
    report(33, "RSS", "+<= 8 MB", measured, kibibytes <= 8_000);
    let met = took <= Duration::from_millis(100);
    report(
        33,
        "scrape",
        "<= 100 ms, the series sum to a million",
        format!("{took:.1?}"),
        met,
    );
}

fn resident_kibibytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.split_whitespace().next()?.parse().ok()
}
