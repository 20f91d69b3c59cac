//! Our encoder beside that of `prometheus-client`, for the same metrics.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::exemplar::HistogramWithExemplars;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit as TheirUnit};
use tta_core::{MetricSpec, SampleValue, Unit, registry};
use tta_telemetry::exposition::ExpositionFormat;
use tta_testkit::recording::RecordingRecorder;

use crate::own::{declared, lines, page};

const BOUNDS: &[f64] = &[0.001, 0.005, 0.25, 1.0, 2.5, 30.0];

/// In no order, so families of one series are registered with their labels in front of them.
type Labels = Vec<(String, String)>;

/// What one series of each kind is told.
#[derive(Clone, Debug)]
struct Contents {
    labels: [String; 2],
    count: u64,
    dollars: f64,
    level: i64,
    waits: Vec<f64>,
}

/// Labels with all that is escaped and with none of it; sums that are exact in both, for ours are kept
/// in billionths. Dollars have a fraction: theirs tells `2.0` of dollars from `2` of things, ours says
/// `2` of both.
fn contents() -> Vec<Contents> {
    let one = |labels: [&str; 2], count, dollars, level, waits: &[f64]| Contents {
        labels: labels.map(str::to_owned),
        count,
        dollars,
        level,
        waits: waits.to_vec(),
    };
    vec![
        one(["", ""], 0, 0.001_953_125, 0, &[]),
        one(["plain", "GET"], 1, 0.5, -1, &[0.5]),
        one(
            ["a \"b\"\\", "c\nd"],
            12,
            1_024.25,
            99,
            &[0.125, 40.0, 0.25],
        ),
        one(
            ["\\n", "\"\""],
            u64::from(u32::MAX),
            7.75,
            -1_000_000,
            &[2.0, 1.0],
        ),
        one(
            ["äß", "日本"],
            100,
            33.001_953_125,
            i64::from(i32::MAX),
            &[0.001_953_125; 9],
        ),
        one(
            ["x{y=\"z\"}", ",le=\"1.0\""],
            3,
            2.5,
            10,
            &[0.0, 0.0, 30.0, 30.5],
        ),
    ]
}

#[test]
fn the_page_is_byte_for_byte_that_of_prometheus_client() {
    let number = 7_u64;
    let name = |what: &str| -> &'static str { format!("equal_{number}_{what}").leak() };
    let spec = |spec: MetricSpec| declared(spec.labels(&["one", "other"]));
    let events = spec(MetricSpec::counter(
        name("a_events_total"),
        Unit::One,
        "Events.",
    ));
    let spent = spec(MetricSpec::counter(
        name("b_usd_total"),
        Unit::UsDollars,
        "Spent.",
    ));
    let level = spec(MetricSpec::gauge(name("c_level"), Unit::One, "Level."));
    let waits = MetricSpec::histogram(name("d_seconds"), Unit::Seconds, "Waits.");
    let waits = spec(waits.bounds(BOUNDS));

    let mut theirs = Their::default();
    // Theirs are sorted by hand, for a family there is a hash map.
    let series: BTreeMap<_, _> = contents()
        .into_iter()
        .map(|one| (one.labels.clone(), one))
        .collect();
    for one in series.values() {
        let labels = one.labels.each_ref().map(String::as_str);
        registry()
            .counter(events, &labels)
            .unwrap()
            .add_units(one.count);
        registry().counter(spent, &labels).unwrap().add(one.dollars);
        registry().gauge(level, &labels).unwrap().set(one.level);
        let ours = registry().histogram(waits, &labels).unwrap();
        one.waits.iter().for_each(|&wait| ours.record_value(wait));
        theirs.take(one);
    }
    let expected = theirs.encode(number);
    let shown = page(ExpositionFormat::OpenMetrics);
    let own = |line: &&str| line.contains(&format!("equal_{number}_"));
    let shown: String = shown.split_inclusive('\n').filter(own).collect();
    assert_eq!(shown, expected);
}

/// The same contents, as `prometheus-client` keeps them: each series under its own labels, in order.
#[derive(Default)]
struct Their {
    series: Vec<(Labels, Contents)>,
}

impl Their {
    fn take(&mut self, one: &Contents) {
        let [first, second] = one.labels.clone();
        let labels = vec![("one".to_owned(), first), ("other".to_owned(), second)];
        self.series.push((labels, one.clone()));
    }

    /// Each family is encoded one series at a time, since a family of theirs has no order; the heading
    /// is that of the first.
    fn encode(&self, number: u64) -> String {
        let mut page = String::new();
        for family in 0..4 {
            for (index, (labels, one)) in self.series.iter().enumerate() {
                let mut registry = Registry::default();
                match family {
                    0 => {
                        let counters = Family::<Labels, Counter>::default();
                        counters.get_or_create(labels).inc_by(one.count);
                        registry.register(format!("equal_{number}_a_events"), "Events", counters);
                    }
                    1 => {
                        let counters = Family::<Labels, Counter<f64, AtomicU64>>::default();
                        counters.get_or_create(labels).inc_by(one.dollars);
                        let unit = TheirUnit::Other("usd".to_owned());
                        registry.register_with_unit(
                            format!("equal_{number}_b"),
                            "Spent",
                            unit,
                            counters,
                        );
                    }
                    2 => {
                        let gauges = Family::<Labels, Gauge>::default();
                        gauges.get_or_create(labels).set(one.level);
                        registry.register(format!("equal_{number}_c_level"), "Level", gauges);
                    }
                    _ => {
                        let make = || Histogram::new(BOUNDS.iter().copied());
                        let histograms = Family::<Labels, Histogram>::new_with_constructor(make);
                        let own = histograms.get_or_create_owned(labels);
                        one.waits.iter().for_each(|&wait| own.observe(wait));
                        let unit = TheirUnit::Seconds;
                        registry.register_with_unit(
                            format!("equal_{number}_d"),
                            "Waits",
                            unit,
                            histograms,
                        );
                    }
                }
                let mut text = String::new();
                encode(&mut text, &registry).unwrap();
                let lines = text.split_inclusive('\n').filter(|line| *line != "# EOF\n");
                page.extend(lines.filter(|line| index == 0 || !line.starts_with('#')));
            }
        }
        page
    }
}

#[test]
fn an_exemplar_reads_as_that_of_prometheus_client() {
    let spec = MetricSpec::histogram("equal_exemplar_seconds", Unit::Seconds, "Waits.");
    let spec = declared(spec.bounds(BOUNDS));
    let histogram = registry().histogram(spec, &[]).unwrap();
    let ctx = RecordingRecorder::new().context();

    histogram.record_in(std::time::Duration::from_secs(2), &ctx);

    let mut value = SampleValue::Gauge(0.0);
    let readers = registry().readers();
    let reader = readers.iter().find(|family| family.spec() == spec).unwrap();
    assert!(reader.series()[0].read(&mut value));
    let SampleValue::Histogram { buckets, .. } = value else {
        panic!("it is a histogram");
    };
    let example = buckets.iter().find_map(|bucket| bucket.exemplar).unwrap();
    // The context stands in no span.
    let labels = vec![("trace_id".to_owned(), example.trace_id.to_string())];
    let theirs = HistogramWithExemplars::<Labels>::new(BOUNDS.iter().copied());
    theirs.observe(2.0, Some(labels), Some(example.at));
    let mut registry = Registry::default();
    registry.register_with_unit("equal_exemplar", "Waits", TheirUnit::Seconds, theirs);
    let mut expected = String::new();
    encode(&mut expected, &registry).unwrap();

    let shown = page(ExpositionFormat::OpenMetrics);
    let shown = lines(&shown, "equal_exemplar_seconds");
    let mut compared = 0;
    for (ours, theirs) in shown.iter().zip(expected.lines()) {
        match (ours.rsplit_once(' '), theirs.rsplit_once(' ')) {
            (Some((ours, at)), Some((theirs, exact))) if ours.contains(" # {") => {
                assert_eq!(ours, theirs);
                // Theirs has all digits of the clock, ours those that a reader has use for.
                let (at, exact): (f64, f64) = (at.parse().unwrap(), exact.parse().unwrap());
                assert!((at - exact).abs() <= 0.001, "{at} for {exact}");
                compared += 1;
            }
            _ => assert_eq!(*ours, theirs),
        }
    }
    assert_eq!((compared, shown.len() + 1), (1, expected.lines().count()));
}
