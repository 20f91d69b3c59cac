//! What a page holds in either format.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tta_core::{MetricSpec, Unit, WorkflowContext, registry};
use tta_telemetry::exposition::{ExpositionFormat, ExpositionOptions};
use tta_testkit::judges::{OpenMetricsParser, Promtool};
use tta_testkit::recording::RecordingRecorder;
use tta_testkit::require;

use crate::own::{declared, lines, page, page_of};

#[test]
fn a_counter_keeps_its_full_name_in_text_and_gives_its_family_a_stem_in_openmetrics() {
    let spec = declared(
        MetricSpec::counter(
            "formats_sold_usd_total",
            Unit::UsDollars,
            "Sold \\ \"goods\".\nAll.",
        )
        .labels(&["shop", "till"]),
    );
    registry()
        .counter(spec, &["a \"b\"\\", "c\nd"])
        .unwrap()
        .add(2.5);
    registry().counter(spec, &["", "é"]).unwrap().add(3.0);
    assert_eq!(
        lines(&page(ExpositionFormat::Text), "formats_sold_usd"),
        [
            "# HELP formats_sold_usd_total Sold \\\\ \"goods\".\\nAll.",
            "# TYPE formats_sold_usd_total counter",
            "formats_sold_usd_total{shop=\"\",till=\"é\"} 3",
            "formats_sold_usd_total{shop=\"a \\\"b\\\"\\\\\",till=\"c\\nd\"} 2.5",
        ]
    );
    assert_eq!(
        lines(&page(ExpositionFormat::OpenMetrics), "formats_sold_usd"),
        [
            "# HELP formats_sold_usd Sold \\\\ \\\"goods\\\".\\nAll.",
            "# TYPE formats_sold_usd counter",
            "# UNIT formats_sold_usd usd",
            "formats_sold_usd_total{shop=\"\",till=\"é\"} 3",
            "formats_sold_usd_total{shop=\"a \\\"b\\\"\\\\\",till=\"c\\nd\"} 2.5",
        ]
    );
}

#[test]
fn a_histogram_is_cumulative_and_its_bounds_read_the_same_in_both_formats() {
    let spec = declared(
        MetricSpec::histogram("formats_wait_seconds", Unit::Seconds, "Waits.")
            .bounds(&[0.0005, 1.0, 30.0]),
    );
    let histogram = registry().histogram(spec, &[]).unwrap();
    for value in [0.0001, 0.5, 1.0, 7.0, 100.0] {
        histogram.record_value(value);
    }
    let samples = [
        "formats_wait_seconds_sum 108.5001",
        "formats_wait_seconds_count 5",
        "formats_wait_seconds_bucket{le=\"0.0005\"} 1",
        "formats_wait_seconds_bucket{le=\"1.0\"} 3",
        "formats_wait_seconds_bucket{le=\"30.0\"} 4",
        "formats_wait_seconds_bucket{le=\"+Inf\"} 5",
    ];
    let text = page(ExpositionFormat::Text);
    assert_eq!(lines(&text, "formats_wait_seconds")[2..], samples);
    let open = page(ExpositionFormat::OpenMetrics);
    assert_eq!(
        lines(&open, "formats_wait_seconds")[2],
        "# UNIT formats_wait_seconds seconds"
    );
    assert_eq!(lines(&open, "formats_wait_seconds")[3..], samples);
}

#[test]
fn numbers_come_back_as_they_were() {
    let values = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.1,
        1.0 / 3.0,
        1e-4,
        9.9e-5,
        1e-300,
        5e-324,
        1e15,
        1e20,
        1e21,
        1e22,
        9_007_199_254_740_992.0,
        9_007_199_254_740_994.0,
        f64::MAX,
        f64::MIN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
        123_456_789.123_456_78,
    ];
    let spec =
        declared(MetricSpec::gauge("formats_numbers", Unit::One, "Numbers.").labels(&["index"]));
    for (index, value) in values.into_iter().enumerate() {
        registry()
            .observe_gauge(spec, &[&index.to_string()], move || value)
            .unwrap();
    }
    let page = page(ExpositionFormat::Text);
    for (index, value) in values.into_iter().enumerate() {
        let start = format!("formats_numbers{{index=\"{index}\"}} ");
        let shown = page
            .lines()
            .find_map(|line| line.strip_prefix(&start))
            .unwrap();
        let read: f64 = shown.parse().unwrap();
        assert!(
            read == value || (read.is_nan() && value.is_nan()),
            "{value:?} as {shown}"
        );
        let length = shown.len();
        assert!(length <= 24, "{shown}");
    }
    for (start, expected) in [
        ("18", "+Inf"),
        ("19", "-Inf"),
        ("20", "NaN"),
        ("11", "100000000000000000000"),
        ("12", "1e21"),
    ] {
        let line = format!("formats_numbers{{index=\"{start}\"}} {expected}");
        assert!(page.lines().any(|own| own == line), "{line}");
    }
}

#[test]
fn exemplars_name_the_trace_in_openmetrics_and_are_absent_from_text() {
    let parser = require!(OpenMetricsParser::find());
    let duration = declared(
        MetricSpec::histogram("formats_answer_seconds", Unit::Seconds, "Answers.").bounds(&[0.1]),
    );
    let cost = declared(MetricSpec::counter(
        "formats_cost_usd_total",
        Unit::UsDollars,
        "Cost.",
    ));
    let recorder = RecordingRecorder::new();
    let ctx: WorkflowContext = recorder.context();
    let histogram = registry().histogram(duration, &[]).unwrap();
    histogram.record_in(Duration::from_millis(50), &ctx);
    registry().counter(cost, &[]).unwrap().add_in(0.25, &ctx);

    let text = page(ExpositionFormat::Text);
    assert!(
        lines(&text, "formats_answer_seconds")
            .iter()
            .all(|line| !line.contains("trace_id"))
    );
    let open = page(ExpositionFormat::OpenMetrics);
    let samples = parser.parse(&open).unwrap();
    for name in ["formats_answer_seconds_bucket", "formats_cost_usd_total"] {
        let found = samples
            .iter()
            .find(|sample| sample.name == name && sample.exemplar.is_some());
        let exemplar = found
            .and_then(|sample| sample.exemplar.as_ref())
            .expect(name);
        assert_eq!(exemplar["trace_id"], ctx.trace_id().to_string());
    }
    let line = lines(&open, "formats_cost_usd").pop().unwrap();
    let (_, time) = line.rsplit_once(' ').unwrap();
    let (seconds, millis) = time.split_once('.').unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    assert!(
        now.as_secs() - seconds.parse::<u64>().unwrap() < 60,
        "{line}"
    );
    assert_eq!(millis.len(), 3, "{line}");
}

#[test]
fn facts_about_the_process_are_info_metrics_with_names_that_are_allowed() {
    let options = || ExpositionOptions {
        target_info: [
            ("service.name", "shop \"1\""),
            ("a.b", "x"),
            ("a-b", "y"),
            ("1st", "z"),
            ("__x", "w"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .to_vec(),
        build_info: vec![("version".to_owned(), "0.1.0".to_owned())],
        ..ExpositionOptions::default()
    };
    let sample =
        "target_info{_x=\"w\",a_b=\"x;y\",key_1st=\"z\",service_name=\"shop \\\"1\\\"\"} 1";
    let text = page_of(options(), ExpositionFormat::Text);
    assert_eq!(
        lines(&text, "target")[1..],
        ["# TYPE target_info gauge", sample]
    );
    let open = page_of(options(), ExpositionFormat::OpenMetrics);
    assert_eq!(lines(&open, "target")[1..], ["# TYPE target info", sample]);
    assert!(open.contains("\ntta_build_info{version=\"0.1.0\"} 1\n"));
    let parser = require!(OpenMetricsParser::find());
    parser.parse(&open).unwrap();
}

#[test]
fn promtool_has_nothing_to_say_about_our_own_metrics() {
    let promtool = require!(Promtool::find());
    tta_telemetry::process::observe_process(registry()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let flow = tta_core::step("promtool", async |n: u32| Ok(n));
    runtime
        .block_on(flow.execute(1, &WorkflowContext::new()))
        .unwrap();
    let page = page(ExpositionFormat::Text);
    let ours: Vec<&str> = [
        "target",
        "tta_build",
        "primitive_",
        "workflow_",
        "active_workflows",
        "process_",
        "telemetry_",
    ]
    .iter()
    .flat_map(|start| {
        page.lines().filter(move |line| {
            line.trim_start_matches("# HELP ")
                .trim_start_matches("# TYPE ")
                .starts_with(start)
        })
    })
    .collect();
    assert!(ours.len() > 60, "{}", ours.len());
    assert_eq!(
        promtool.check_metrics(&(ours.join("\n") + "\n")).unwrap(),
        ""
    );
}
