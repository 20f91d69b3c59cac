//! Labels that would tell a secret.

use std::sync::{Arc, Mutex};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::exemplar::CounterWithExemplar;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tta_core::{MetricSpec, Unit, registry};
use tta_telemetry::exposition::{ExpositionFormat, ExpositionOptions, PrometheusExposition};
use tta_telemetry::{Redaction, RedactionPolicy};
use tta_testkit::judges::OpenMetricsParser;
use tta_testkit::require;

static LOGINS: MetricSpec =
    MetricSpec::counter("redacted_logins_total", Unit::One, "Logins by key.")
        .labels(&["api_key", "by"]);
static TIMES: MetricSpec = MetricSpec::histogram(
    "redacted_login_duration_seconds",
    Unit::Seconds,
    "Times by key.",
)
.labels(&["api_key"]);

type Labels = Vec<(String, String)>;

fn page(exposition: &PrometheusExposition) -> String {
    String::from_utf8(exposition.render(ExpositionFormat::OpenMetrics)).unwrap()
}

#[test]
fn series_that_tell_a_secret_become_one_with_the_exact_sum() {
    for (key, calls) in [("canary-1", 2), ("canary-2", 3)] {
        for by in ["ada", "bob"] {
            let counter = registry().counter(&LOGINS, &[key, by]).unwrap();
            (0..calls).for_each(|_| counter.increment());
        }
        let times = registry().histogram(&TIMES, &[key]).unwrap();
        (0..calls).for_each(|_| times.record(std::time::Duration::from_millis(20)));
    }
    let exposition = PrometheusExposition::new(ExpositionOptions::default());
    let page = page(&exposition);
    assert!(!page.contains("canary"), "{page}");
    for by in ["ada", "bob"] {
        let line = format!("redacted_logins_total{{api_key=\"***\",by=\"{by}\"}} 5\n");
        assert_eq!(page.matches(&line).count(), 1, "{page}");
    }
    assert!(page.contains("redacted_login_duration_seconds_count{api_key=\"***\"} 5\n"));
    assert!(
        page.contains("redacted_login_duration_seconds_bucket{le=\"0.025\",api_key=\"***\"} 5\n")
    );
    let parser = require!(OpenMetricsParser::find());
    parser.parse(&page).unwrap();
}

#[test]
fn the_users_own_labels_and_exemplars_are_redacted_too() {
    let mut user = Registry::default();
    let calls = Family::<Labels, Counter>::default();
    for (url, count) in [("https://canary@x\"y", 1), ("https://ada:canary@x\"y", 2)] {
        let labels = vec![
            ("url".to_owned(), url.to_owned()),
            ("user".to_owned(), "ada@example.org".to_owned()),
        ];
        calls.get_or_create(&labels).inc_by(count);
    }
    let seen = CounterWithExemplar::<Labels>::default();
    seen.inc_by(
        1,
        Some(vec![("token".to_owned(), "canary".to_owned())]),
        None,
    );
    user.register("redacted_calls", "Calls", calls);
    user.register("redacted_seen", "Seen", seen);
    let exposition = PrometheusExposition::new(ExpositionOptions {
        user_registry: Some(Arc::new(Mutex::new(user))),
        redaction: RedactionPolicy::new().with_hook(|key, _| match key {
            "user" => Redaction::Replace("somebody".into()),
            _ => Redaction::Keep,
        }),
        ..ExpositionOptions::default()
    });
    let page = page(&exposition);
    assert!(!page.contains("canary"), "{page}");
    let line = "redacted_calls_total{url=\"https://***@x\\\"y\",user=\"somebody\"} 3\n";
    assert_eq!(page.matches(line).count(), 1, "{page}");
    assert!(
        page.contains("redacted_seen_total 1 # {token=\"***\"} 1"),
        "{page}"
    );
    let parser = require!(OpenMetricsParser::find());
    parser.parse(&page).unwrap();
}
