//! Whatever labels and help hold, both judges read the page and read what was meant.

use std::collections::HashMap;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use tta_core::{MetricKind, MetricSpec, Unit, registry};
use tta_telemetry::exposition::ExpositionFormat;
use tta_testkit::judges::{OpenMetricsParser, Promtool};
use tta_testkit::require;

use crate::own::{declared, page};

#[test]
fn fault_34_judges_accept_hostile_text_and_values_come_back() {
    let parser = require!(OpenMetricsParser::find());
    let promtool = require!(Promtool::find());
    let mut runner = TestRunner::default();
    let mut expected = HashMap::new();
    for number in 0.. {
        if expected.len() > WANTED {
            break;
        }
        let name = format!("hostile_{number}{}", ["_total", "", "_seconds"][number % 3]);
        let spec = declared(MetricSpec {
            kind: [
                MetricKind::Counter,
                MetricKind::Gauge,
                MetricKind::Histogram,
            ][number % 3],
            unit: [Unit::One, Unit::Bytes, Unit::Seconds][number % 3],
            bounds: &[0.5],
            help: hostile(&mut runner).leak(),
            ..MetricSpec::counter(name.leak(), Unit::One, "").labels(&["one", "two"])
        });
        for _ in 0..SETS {
            let values = [hostile(&mut runner), hostile(&mut runner)];
            let labels = [values[0].as_str(), values[1].as_str()];
            let amount = f64::from(u32::try_from(number).unwrap());
            match spec.kind {
                MetricKind::Counter => registry().counter(spec, &labels).unwrap().add(amount),
                MetricKind::Gauge => registry()
                    .observe_gauge(spec, &labels, move || -amount / 3.0)
                    .unwrap(),
                _ => registry()
                    .histogram(spec, &labels)
                    .unwrap()
                    .record_value(amount),
            }
            let total = expected.entry((spec.name, values)).or_insert(0.0);
            *total = match spec.kind {
                MetricKind::Gauge => -amount / 3.0,
                _ => *total + amount,
            };
        }
    }
    let open = page(ExpositionFormat::OpenMetrics);
    let samples = parser.parse(&open).unwrap();
    let read: HashMap<_, _> = samples
        .iter()
        .filter(|sample| sample.name.starts_with("hostile_"))
        .filter(|sample| !sample.name.ends_with("_bucket") && !sample.name.ends_with("_count"))
        .map(|sample| {
            let name = sample.name.trim_end_matches("_sum");
            let values = [sample.labels["one"].clone(), sample.labels["two"].clone()];
            ((name, values), sample.value)
        })
        .collect();
    let alike = expected
        .iter()
        .filter(|(set, value)| read.get(*set) == Some(value))
        .count();
    assert_eq!(read, expected);

    // Other tests of this process show gauges that promtool is right to doubt.
    let text = page(ExpositionFormat::Text);
    let hostile: Vec<_> = text
        .split_inclusive('\n')
        .filter(|line| {
            let line = line
                .trim_start_matches("# HELP ")
                .trim_start_matches("# TYPE ");
            line.starts_with("hostile_")
        })
        .collect();
    let complaints = promtool.check_metrics(&hostile.concat()).unwrap();
    let complaints: Vec<_> = complaints
        .lines()
        .filter(|line| !line.contains("no help text"))
        .collect();
    assert_eq!(complaints, [""; 0]);
    let measured = format!("{alike} of {}", expected.len());
    let goal = "both judges accept all and read the values back";
    tta_testkit::faults::report(
        34,
        "sets of labels",
        goal,
        measured,
        alike == expected.len(),
    );
}

/// Text made of what ends, opens and escapes things in the formats.
fn hostile(runner: &mut TestRunner) -> String {
    let piece = prop_oneof![
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("\n".to_owned()),
        Just("\\n".to_owned()),
        Just("\"} 1\nevil 2\n".to_owned()),
        Just("# EOF\n# TYPE x counter\n".to_owned()),
        Just(" # {a=\"b\"} 1".to_owned()),
        Just(",le=\"1\"}{".to_owned()),
        Just("\r\n\t\u{b}\u{85}\u{2028}".to_owned()),
        Just("\u{0}".to_owned()),
        any::<char>().prop_map(String::from),
        "[a-z ]{0,6}",
    ];
    let text = prop::collection::vec(piece, 0..6).prop_map(|pieces| pieces.concat());
    text.new_tree(runner).unwrap().current()
}

/// A build that is not optimised is there for the behaviour, not for the number.
const WANTED: usize = if cfg!(debug_assertions) {
    3_500
} else {
    100_000
};
const SETS: usize = 16;
