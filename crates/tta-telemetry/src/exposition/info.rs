//! Facts about the process as labels of metrics whose value is always 1.

use std::collections::BTreeMap;

use tta_core::MetricSpec;

use super::ExpositionFormat;
use super::names::Names;
use super::page::{Heading, Page};

/// A metric named `…_info` and its labels.
pub(super) struct Info {
    spec: &'static MetricSpec,
    labels: BTreeMap<String, String>,
}

impl Info {
    /// An info metric of these attributes, whose keys become label names.
    ///
    /// # Source
    ///
    /// [OpenTelemetry, Prometheus and OpenMetrics compatibility: resource
    /// attributes](https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/).
    pub(super) fn new(spec: &'static MetricSpec, attributes: Vec<(String, String)>) -> Self {
        let mut labels = BTreeMap::new();
        for (key, value) in attributes {
            labels
                .entry(label_name(&key))
                // Two keys may become one name; the specification joins their values.
                .and_modify(|both: &mut String| {
                    both.push(';');
                    both.push_str(&value);
                })
                .or_insert(value);
        }
        Self { spec, labels }
    }

    pub(super) fn write(&self, page: &mut Page, names: &mut Names) {
        let full = self.spec.name;
        let stem = full.strip_suffix("_info").unwrap_or(full);
        // The names of our own info metrics are the first to be taken.
        let _ = names.take(stem, &["_info"]);
        let (name, kind) = match page.format {
            ExpositionFormat::OpenMetrics => (stem, "info"),
            ExpositionFormat::Text => (full, "gauge"),
        };
        page.heading(&Heading {
            name,
            help: self.spec.help,
            kind,
            unit: None,
        });
        page.raw(full);
        for (index, (name, value)) in self.labels.iter().enumerate() {
            page.raw(if index == 0 { "{" } else { "," });
            page.raw(name);
            page.raw("=\"");
            page.escaped(value, true);
            page.raw("\"");
        }
        page.raw(if self.labels.is_empty() {
            " 1\n"
        } else {
            "} 1\n"
        });
    }
}

/// A key with everything a label name may not hold as one underscore.
fn label_name(key: &str) -> String {
    let mut name = String::with_capacity(key.len());
    for letter in key.chars() {
        if letter.is_ascii_alphanumeric() {
            name.push(letter);
        } else if !name.ends_with('_') {
            name.push('_');
        }
    }
    if !name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        name.insert_str(0, "key_");
    }
    name
}
