//! Pages to look at, and metrics that every test may make up for itself.

use tta_core::MetricSpec;
use tta_telemetry::exposition::{ExpositionFormat, ExpositionOptions, PrometheusExposition};

/// A metric that lives as long as the process, as all declared ones do.
pub(crate) fn declared(spec: MetricSpec) -> &'static MetricSpec {
    Box::leak(Box::new(spec))
}

/// The page with nothing but the core's own.
pub(crate) fn page(format: ExpositionFormat) -> String {
    page_of(ExpositionOptions::default(), format)
}

pub(crate) fn page_of(options: ExpositionOptions, format: ExpositionFormat) -> String {
    text(&PrometheusExposition::new(options), format)
}

pub(crate) fn text(exposition: &PrometheusExposition, format: ExpositionFormat) -> String {
    String::from_utf8(exposition.render(format)).unwrap()
}

/// The lines about one family, in their order.
pub(crate) fn lines<'a>(page: &'a str, family: &str) -> Vec<&'a str> {
    let about = |line: &&str| {
        let rest = line
            .strip_prefix("# ")
            .and_then(|meta| meta.split_once(' '));
        let subject = rest.map_or(*line, |(_, rest)| rest);
        subject.strip_prefix(family).is_some_and(|rest| {
            ["{", " ", "_bucket{", "_sum", "_count", "_total", "_info"]
                .iter()
                .any(|next| rest.starts_with(next))
        })
    };
    page.lines().filter(about).collect()
}
