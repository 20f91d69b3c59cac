//! The user's own metrics beside ours.

use std::fmt;
use std::sync::{Arc, Mutex};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::exemplar::CounterWithExemplar;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use tta_core::{MetricSpec, registry};
use tta_telemetry::exposition::{
    ExpositionFormat, ExpositionOptions, PrometheusExposition, UserRegistry,
};
use tta_testkit::judges::{OpenMetricsParser, Promtool};
use tta_testkit::require;

use crate::own::{declared, lines, text};

type Labels = Vec<(String, String)>;

fn exposition(user: Registry) -> (PrometheusExposition, UserRegistry) {
    let user = Arc::new(Mutex::new(user));
    let exposition = PrometheusExposition::new(ExpositionOptions {
        user_registry: Some(Arc::clone(&user)),
        ..ExpositionOptions::default()
    });
    (exposition, user)
}

#[test]
fn every_kind_of_metric_is_shown_in_both_formats_and_accepted_by_their_judges() {
    let mut user = Registry::default();
    let sales = CounterWithExemplar::<Labels>::default();
    sales.inc_by(
        3,
        Some(vec![("trace_id".to_owned(), "abc".to_owned())]),
        None,
    );
    user.register_with_unit(
        "shop_sales",
        "Sales \\ \"all\"\nof them",
        Unit::Other("usd".to_owned()),
        sales,
    );
    let depth = Family::<Labels, Gauge>::default();
    depth
        .get_or_create(&vec![("queue".to_owned(), "a \"b\"\n\\".to_owned())])
        .set(-4);
    user.register("shop_depth", "Depth", depth);
    let waits = Histogram::new([0.5, 1.0]);
    waits.observe(0.7);
    user.register("shop_wait_seconds", "Waits", waits);
    user.register("shop_build", "Build", Info::new(vec![("version", "1.2")]));

    let (exposition, _user) = exposition(user);
    let open = text(&exposition, ExpositionFormat::OpenMetrics);
    assert_eq!(
        lines(&open, "shop_sales_usd"),
        [
            "# HELP shop_sales_usd Sales \\\\ \\\"all\\\"\\nof them.",
            "# TYPE shop_sales_usd counter",
            "# UNIT shop_sales_usd usd",
            "shop_sales_usd_total 3 # {trace_id=\"abc\"} 3.0",
        ]
    );
    let page = text(&exposition, ExpositionFormat::Text);
    assert_eq!(
        lines(&page, "shop_sales_usd"),
        [
            "# HELP shop_sales_usd_total Sales \\\\ \"all\"\\nof them.",
            "# TYPE shop_sales_usd_total counter",
            "shop_sales_usd_total 3",
        ]
    );
    assert_eq!(
        lines(&page, "shop_build")[1..],
        [
            "# TYPE shop_build_info gauge",
            "shop_build_info{version=\"1.2\"} 1"
        ]
    );
    assert_eq!(
        lines(&page, "shop_depth")[2],
        "shop_depth{queue=\"a \\\"b\\\"\\n\\\\\"} -4"
    );
    assert_eq!(exposition.skipped(), []);

    let parser = require!(OpenMetricsParser::find());
    let samples = parser.parse(&open).unwrap();
    assert_eq!(
        samples
            .iter()
            .filter(|sample| sample.name.starts_with("shop_"))
            .count(),
        8
    );
    let promtool = require!(Promtool::find());
    let shop: Vec<_> = page.lines().filter(|line| line.contains("shop_")).collect();
    assert_eq!(
        promtool.check_metrics(&(shop.join("\n") + "\n")).unwrap(),
        ""
    );
}

#[test]
fn a_name_that_is_taken_is_left_out_counted_and_named() {
    let ours = declared(MetricSpec::counter(
        "user_clash_total",
        tta_core::Unit::One,
        "Ours.",
    ));
    registry().counter(ours, &[]).unwrap().increment();
    let waits = declared(MetricSpec::histogram(
        "user_clash_seconds",
        tta_core::Unit::Seconds,
        "Ours.",
    ));
    registry().histogram(waits, &[]).unwrap().record_value(1.0);
    let mut user = Registry::default();
    user.register(
        "user_clash",
        "A counter of the same name",
        Counter::<u64>::default(),
    );
    user.register(
        "user_clash_total",
        "A gauge named like its sample",
        Gauge::<i64>::default(),
    );
    user.register(
        "user_clash_seconds_count",
        "Another",
        Gauge::<i64>::default(),
    );
    user.register(
        "target",
        "Info of the same name",
        Info::new(vec![("a", "b")]),
    );
    user.register("user_fine", "No clash", Gauge::<i64>::default());
    let (exposition, _user) = exposition(user);
    for format in [ExpositionFormat::Text, ExpositionFormat::OpenMetrics] {
        let page = text(&exposition, format);
        assert_eq!(page.matches("\nuser_clash_total").count(), 1);
        assert_eq!(page.matches("\nuser_clash_seconds_count").count(), 1);
        assert_eq!(page.matches("\ntarget_info").count(), 1);
        assert!(page.contains("\nuser_fine 0\n"));
    }
    let mut skipped = exposition.skipped();
    skipped.sort();
    let names: Vec<_> = skipped.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "target",
            "user_clash",
            "user_clash_seconds_count",
            "user_clash_total"
        ]
    );
    assert!(skipped.iter().all(|(_, reason)| *reason == "name_taken"));
    let page = text(&exposition, ExpositionFormat::Text);
    let counted = page.lines().find_map(|line| {
        line.strip_prefix("telemetry_user_metrics_skipped_total{reason=\"name_taken\"} ")
    });
    assert!(counted.unwrap().parse::<u64>().unwrap() >= 8);
}

#[test]
fn one_family_of_two_registries_is_one_and_a_series_twice_is_left_out() {
    let mut user = Registry::default();
    for service in ["a", "b", "a"] {
        let labels = ("service".into(), service.into());
        let gauge = Gauge::<i64>::default();
        gauge.set(7);
        user.sub_registry_with_label(labels)
            .register("merged", "Both", gauge);
    }
    let (exposition, _user) = exposition(user);
    let page = text(&exposition, ExpositionFormat::OpenMetrics);
    assert_eq!(
        lines(&page, "merged")[1..],
        [
            "# TYPE merged gauge",
            "merged{service=\"a\"} 7",
            "merged{service=\"b\"} 7"
        ]
    );
    assert_eq!(exposition.skipped(), [("merged".to_owned(), "name_taken")]);
}

#[test]
fn a_metric_that_the_format_does_not_allow_spoils_only_itself() {
    let mut user = Registry::default();
    let labelled = |names: &[&str]| {
        let family = Family::<Labels, Gauge>::default();
        let labels = names.iter().map(|&name| (name.to_owned(), "v".to_owned()));
        drop(family.get_or_create(&labels.collect()));
        family
    };
    user.register("not a name", "Help", Gauge::<i64>::default());
    user.register("1st", "Help", Gauge::<i64>::default());
    user.register("", "Help", Gauge::<i64>::default());
    user.register("bad_label", "Help", labelled(&["a b"]));
    user.register("bad_break", "Help", labelled(&["a\nb"]));
    user.register("bad_twice", "Help", labelled(&["a", "a"]));
    user.register("bad_name_label", "Help", labelled(&["__name__"]));
    user.register(
        "bad_help",
        "Help\n# TYPE bad_help counter\nother 1",
        Gauge::<i64>::default(),
    );
    user.register("good", "Line 1\nline 2", labelled(&["a", "b"]));
    let (exposition, _user) = exposition(user);
    let page = text(&exposition, ExpositionFormat::OpenMetrics);
    assert_eq!(lines(&page, "good")[2], "good{a=\"v\",b=\"v\"} 0");
    assert!(
        !page.contains("bad_") && !page.contains("\nother "),
        "{page}"
    );
    let invalid = exposition
        .skipped()
        .iter()
        .filter(|(_, why)| *why == "invalid")
        .count();
    assert!(invalid >= 7, "{:?}", exposition.skipped());
    let parser = require!(OpenMetricsParser::find());
    parser.parse(&page).unwrap();
}

#[test]
fn a_collector_that_panics_costs_nothing_of_ours_now_or_later() {
    #[derive(Debug)]
    struct Broken;
    impl Collector for Broken {
        fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
            let metric = encoder.encode_descriptor("broken", "Half", None, MetricType::Counter)?;
            ConstCounter::new(1_u64).encode(metric)?;
            panic!("a collector's bug")
        }
    }
    let mut user = Registry::default();
    user.register("before_the_panic", "Whole", Gauge::<i64>::default());
    user.register_collector(Box::new(Broken));
    let (exposition, user) = exposition(user);
    for _ in 0..3 {
        let page = text(&exposition, ExpositionFormat::OpenMetrics);
        assert!(page.contains("\nbefore_the_panic 0\n") && page.contains("target_info"));
        assert!(!page.contains("broken") && page.ends_with("# EOF\n"));
    }
    assert_eq!(exposition.skipped(), [("broken".to_owned(), "panic")]);
    // The application can still register what it makes later.
    let later = Gauge::<i64>::default();
    user.lock()
        .unwrap()
        .register("after_the_panic", "Later", later);
    assert!(text(&exposition, ExpositionFormat::Text).contains("\nafter_the_panic 0\n"));
}

#[test]
fn fault_35_a_callback_of_ours_that_panics_costs_its_own_series_and_is_counted() {
    let spec = declared(
        MetricSpec::gauge("user_callback", tta_core::Unit::One, "Called.").labels(&["which"]),
    );
    registry()
        .observe_gauge(spec, &["bad"], || panic!("a callback's bug"))
        .unwrap();
    registry().observe_gauge(spec, &["good"], || 3.0).unwrap();
    let (exposition, _user) = exposition(Registry::default());
    let failures = |page: &str| -> u64 {
        let mut lines = page.lines();
        let value =
            lines.find_map(|line| line.strip_prefix("telemetry_metric_callback_failures_total "));
        value.unwrap().parse().unwrap()
    };
    let first = text(&exposition, ExpositionFormat::OpenMetrics);
    let second = text(&exposition, ExpositionFormat::OpenMetrics);
    for page in [&first, &second] {
        assert!(page.contains("\nuser_callback{which=\"good\"} 3\n"));
        assert!(!page.contains("which=\"bad\""));
    }
    let counted = failures(&second) - failures(&first);
    let goal = "all other series there at every scrape, each panic counted";
    let measured = format!("2 of 2 scrapes whole, {counted} counted in the second");
    tta_testkit::faults::report(35, "a gauge's callback", goal, measured, counted > 0);
    let parser = require!(OpenMetricsParser::find());
    parser.parse(&second).unwrap();
}
