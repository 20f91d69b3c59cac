//! How much memory a scrape takes while it is under way.

use allocation_counter::measure;
use tta_core::{MetricSpec, Unit, registry};
use tta_telemetry::exposition::{ExpositionFormat, ExpositionOptions, PrometheusExposition};

static WAITS: MetricSpec =
    MetricSpec::histogram("page_memory_wait_seconds", Unit::Seconds, "Waits.")
        .labels(&["route", "shard"]);

#[test]
fn a_page_takes_the_same_memory_however_many_series_it_shows() {
    registry().set_label_limit(20_000);
    let exposition = PrometheusExposition::new(ExpositionOptions::default());
    for format in [ExpositionFormat::Text, ExpositionFormat::OpenMetrics] {
        let mut peaks = Vec::new();
        for series in [1_000, 10_000] {
            for index in 0..series {
                let labels = [format!("/v1/route/{index}"), (index % 16).to_string()];
                let labels = labels.each_ref().map(String::as_str);
                let histogram = registry().histogram(&WAITS, &labels).unwrap();
                histogram.record_value(0.25);
            }
            // What is kept from page to page is made by the first.
            let whole: usize = exposition.pieces(format).map(|piece| piece.len()).sum();
            assert!(whole > series * 500, "{whole} bytes of {series} series");
            let taken = measure(|| exposition.pieces(format).for_each(drop));
            peaks.push(taken.bytes_max);
        }
        let [few, many] = peaks.try_into().unwrap();
        println!("peak of a page in {format:?}: 1,000 series {few}, 10,000 series {many} bytes");
        assert!(many <= few + few / 10, "{few} bytes, then {many}");
        assert!(many < 512 << 10, "{many} bytes");
    }
}
