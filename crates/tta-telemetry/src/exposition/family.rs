//! Our own families, written from what the registry gathered.

use std::collections::HashSet;

use tta_core::{BucketCount, MetricFamily, MetricKind, MetricSample, SampleValue, Unit};

use super::ExpositionFormat;
use super::names::Names;
use super::page::{Heading, Page, push_escaped};

/// A metric under one of its names.
pub(super) struct Exposed<'a> {
    family: &'a MetricFamily,
    name: &'a str,
    labels: Vec<(&'static str, usize)>,
}

/// Every metric under every name that is to be shown, the canonical ones first.
pub(super) fn exposed(families: &[MetricFamily], aliases: bool) -> Vec<Exposed<'_>> {
    let mut all: Vec<_> = families
        .iter()
        .map(|family| {
            let spec = family.spec;
            let mut labels: Vec<_> = numbered(spec.labels).collect();
            // A metric that is its own alias was known with another label under the same name.
            // Both labels on one series keep its sums right, where a second series would not.
            if aliases && spec.aliases.contains(&spec.name) {
                let primitive = labels.iter().find(|(name, _)| *name == PRIMITIVE);
                let alias = primitive.map(|(_, index)| (ALIAS_OF_PRIMITIVE, *index));
                labels.extend(alias);
            }
            Exposed {
                family,
                name: spec.name,
                labels,
            }
        })
        .collect();
    let with_aliases = families.iter().filter(|_| aliases);
    all.extend(with_aliases.flat_map(|family| {
        let spec = family.spec;
        let names = spec.aliases.iter().filter(move |&&name| name != spec.name);
        names.map(move |&name| Exposed {
            family,
            name,
            labels: numbered(spec.labels)
                .map(|(label, index)| match label {
                    PRIMITIVE => (ALIAS_OF_PRIMITIVE, index),
                    _ => (label, index),
                })
                .collect(),
        })
    }));
    all
}

/// Writes the families that have a name of their own, and returns the names of those that have not.
pub(super) fn write_all<'a>(
    page: &mut Page,
    names: &mut Names,
    all: &[Exposed<'a>],
) -> Vec<&'a str> {
    let spelled: HashSet<&str> = all.iter().map(|exposed| exposed.name).collect();
    let mut writer = Writer::default();
    let mut skipped = Vec::new();
    for exposed in all {
        // By the stricter format's rules in both, so that both show the same metrics.
        let strict = exposed.open_kind(&spelled);
        let family = match strict {
            "counter" => exposed.stem().unwrap_or(exposed.name),
            _ => exposed.name,
        };
        if names.take(family, super::names::suffixes(strict).unwrap_or_default()) {
            let (name, kind) = match page.format {
                ExpositionFormat::OpenMetrics => (family, strict),
                ExpositionFormat::Text => (exposed.name, exposed.text_kind()),
            };
            writer.write(page, exposed, name, kind);
        } else {
            skipped.push(exposed.name);
        }
    }
    skipped
}

impl<'a> Exposed<'a> {
    /// The name without the suffix that OpenMetrics asks of counters.
    fn stem(&self) -> Option<&'a str> {
        self.name.strip_suffix("_total")
    }

    fn text_kind(&self) -> &'static str {
        match self.family.spec.kind {
            MetricKind::Counter => "counter",
            MetricKind::Histogram => "histogram",
            _ => "gauge",
        }
    }

    /// The type in the words of OpenMetrics.
    ///
    /// A counter's family `x` has the one sample `x_total` there, so that a counter spelled `x`
    /// cannot be told, nor one spelled `x_total` beside another metric `x`. Those are of unknown
    /// type, which costs them their exemplars and nothing else.
    fn open_kind(&self, spelled: &HashSet<&str>) -> &'static str {
        let hidden = || self.stem().is_none_or(|stem| spelled.contains(stem));
        match self.text_kind() {
            "counter" if hidden() => "unknown",
            kind => kind,
        }
    }
}

/// What is kept from one family to the next so that it need not be made anew.
#[derive(Default)]
struct Writer {
    labels: Vec<u8>,
    bounds: Vec<(u64, String)>,
}

impl Writer {
    fn write(&mut self, page: &mut Page, exposed: &Exposed<'_>, family: &str, kind: &str) {
        let spec = exposed.family.spec;
        page.heading(&Heading {
            name: family,
            help: spec.help,
            kind,
            unit: unit(spec.unit, family),
        });
        for sample in &exposed.family.samples {
            self.set_labels(exposed, sample);
            match &sample.value {
                SampleValue::Counter(value, exemplar) => {
                    self.sample(page, exposed.name, "");
                    page.number(*value);
                    page.exemplar(exemplar.as_ref().filter(|_| kind == "counter"));
                    page.raw("\n");
                }
                SampleValue::Gauge(value) => {
                    self.sample(page, exposed.name, "");
                    page.number(*value);
                    page.raw("\n");
                }
                SampleValue::Histogram { sum, buckets } => {
                    self.histogram(page, exposed.name, *sum, buckets);
                }
                // A shape that this version of the format does not know.
                _ => {}
            }
        }
    }

    fn histogram(&mut self, page: &mut Page, name: &str, sum: f64, buckets: &[BucketCount]) {
        let mut cumulative = 0;
        for (index, bucket) in buckets.iter().enumerate() {
            cumulative += bucket.count;
            page.raw(name);
            page.raw("_bucket{");
            page.raw_bytes(&self.labels);
            page.raw(if self.labels.is_empty() {
                "le=\""
            } else {
                ",le=\""
            });
            page.raw(self.bound(index, bucket.upper));
            page.raw("\"} ");
            page.integer(cumulative);
            page.exemplar(bucket.exemplar.as_ref());
            page.raw("\n");
        }
        self.sample(page, name, "_sum");
        page.number(sum);
        page.raw("\n");
        self.sample(page, name, "_count");
        page.integer(cumulative);
        page.raw("\n");
    }

    fn sample(&self, page: &mut Page, name: &str, suffix: &str) {
        page.raw(name);
        page.raw(suffix);
        if self.labels.is_empty() {
            page.raw(" ");
        } else {
            page.raw("{");
            page.raw_bytes(&self.labels);
            page.raw("} ");
        }
    }

    /// Writes a sample's labels once for all its lines.
    fn set_labels(&mut self, exposed: &Exposed<'_>, sample: &MetricSample) {
        self.labels.clear();
        for (name, index) in &exposed.labels {
            if !self.labels.is_empty() {
                self.labels.push(b',');
            }
            self.labels.extend_from_slice(name.as_bytes());
            self.labels.extend_from_slice(b"=\"");
            let value = sample.labels.get(*index).map_or("", String::as_str);
            push_escaped(&mut self.labels, value, true);
            self.labels.push(b'"');
        }
    }

    /// A bucket's upper bound as text. Most histograms share their bounds, so it is made rarely.
    ///
    /// With a point in both formats (`1.0`, not `1`): Prometheus takes bounds as text, and a series
    /// must not change its name with the format that was negotiated.
    fn bound(&mut self, index: usize, upper: f64) -> &str {
        if self.bounds.len() <= index {
            self.bounds.resize_with(index + 1, || (0, "0.0".to_owned()));
        }
        let Some((bits, text)) = self.bounds.get_mut(index) else {
            return "";
        };
        if *bits != upper.to_bits() {
            *bits = upper.to_bits();
            *text = match upper {
                f64::INFINITY => "+Inf".to_owned(),
                _ => format!("{upper:?}"),
            };
        }
        text
    }
}

fn numbered(labels: &[&'static str]) -> impl Iterator<Item = (&'static str, usize)> {
    labels
        .iter()
        .enumerate()
        .map(|(index, &label)| (label, index))
}

/// The word for a unit, where the family's name ends in it as OpenMetrics demands.
fn unit(unit: Unit, family: &str) -> Option<&'static str> {
    let word = match unit {
        Unit::Seconds => "seconds",
        Unit::Bytes => "bytes",
        Unit::UsDollars => "usd",
        Unit::Ratio => "ratio",
        _ => return None,
    };
    let stem = family.strip_suffix(word)?;
    (stem.len() > 1 && stem.ends_with('_')).then_some(word)
}

const PRIMITIVE: &str = "primitive";
const ALIAS_OF_PRIMITIVE: &str = "primitive_name";
