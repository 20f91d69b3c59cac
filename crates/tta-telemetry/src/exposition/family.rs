//! Our own families, written series by series as the registry's readers give them.

use std::collections::HashSet;
use std::sync::Arc;

use tta_core::{
    BucketCount, FamilyReader, MetricKind, MetricSpec, SampleValue, SeriesReader, Unit,
};

use super::ExpositionFormat;
use super::names::Names;
use super::page::{Heading, Page};
use super::texts::SeriesText;
use crate::digits::push_unsigned;

/// A metric under one of its names.
pub(super) struct Exposed {
    pub(super) spec: &'static MetricSpec,
    pub(super) name: &'static str,
    /// The names of the labels, and where in a series each one's value is.
    pub(super) labels: Vec<(&'static str, usize)>,
    pub(super) readers: Arc<[SeriesReader]>,
}

/// Every metric under every name that is to be shown, the canonical ones first.
pub(super) fn exposed(families: &[FamilyReader], aliases: bool) -> Vec<Exposed> {
    let mut all: Vec<_> = families
        .iter()
        .map(|family| {
            let spec = family.spec();
            let mut labels: Vec<_> = numbered(spec.labels).collect();
            // A metric that is its own alias was known with another label under the same name.
            // Both labels on one series keep its sums right, where a second series would not.
            if aliases && spec.aliases.contains(&spec.name) {
                let primitive = labels.iter().find(|(name, _)| *name == PRIMITIVE);
                let alias = primitive.map(|(_, index)| (ALIAS_OF_PRIMITIVE, *index));
                labels.extend(alias);
            }
            Exposed {
                spec,
                name: spec.name,
                labels,
                readers: Arc::clone(family.series()),
            }
        })
        .collect();
    let with_aliases = families.iter().filter(|_| aliases);
    all.extend(with_aliases.flat_map(|family| {
        let spec = family.spec();
        let names = spec.aliases.iter().filter(move |&&name| name != spec.name);
        names.map(move |&name| Exposed {
            spec,
            name,
            labels: numbered(spec.labels)
                .map(|(label, index)| match label {
                    PRIMITIVE => (ALIAS_OF_PRIMITIVE, index),
                    _ => (label, index),
                })
                .collect(),
            readers: Arc::clone(family.series()),
        })
    }));
    all
}

impl Exposed {
    /// The name of the family and its type in a format, if no other family has taken the name.
    pub(super) fn claim(
        &self,
        format: ExpositionFormat,
        names: &mut Names,
        spelled: &HashSet<&'static str>,
    ) -> Option<Claimed> {
        // By the stricter format's rules in both, so that both show the same metrics.
        let strict = self.open_kind(spelled);
        let family = match strict {
            "counter" => self.stem().unwrap_or(self.name),
            _ => self.name,
        };
        let suffixes = super::names::suffixes(strict).unwrap_or_default();
        names.take(family, suffixes).then(|| match format {
            ExpositionFormat::OpenMetrics => Claimed {
                name: family,
                kind: strict,
            },
            ExpositionFormat::Text => Claimed {
                name: self.name,
                kind: self.text_kind(),
            },
        })
    }

    /// The name without the suffix that OpenMetrics asks of counters.
    fn stem(&self) -> Option<&'static str> {
        self.name.strip_suffix("_total")
    }

    fn text_kind(&self) -> &'static str {
        match self.spec.kind {
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

/// What a family is called on a page.
pub(super) struct Claimed {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
}

/// A family that is being written.
pub(super) struct Family {
    pub(super) exposed: Exposed,
    pub(super) claimed: Claimed,
    pub(super) texts: Arc<[SeriesText]>,
    /// How many of the texts are done.
    pub(super) done: usize,
    /// Whether its heading is written, which it is before the first series that shows something.
    pub(super) is_begun: bool,
}

/// What is kept from one series to the next so that it need not be made anew.
pub(super) struct Writer {
    value: SampleValue,
    /// The name of the histograms that `begins` is of.
    name: &'static str,
    /// How the line of each bucket begins.
    begins: Vec<Begin>,
    /// What the line of a bucket has behind that: labels that those of a series have in common, and a
    /// number that those have in common between which nothing was counted.
    end: Vec<u8>,
}

/// How a bucket's line begins, up to the upper bound.
#[derive(Default)]
struct Begin {
    /// The bits of the bound.
    upper: u64,
    text: Vec<u8>,
}

impl Default for Writer {
    fn default() -> Self {
        Self {
            value: SampleValue::Gauge(0.0),
            name: "",
            begins: Vec::new(),
            end: Vec::new(),
        }
    }
}

impl Writer {
    /// Writes series until the page is long enough; false if the family has more.
    pub(super) fn write(&mut self, page: &mut Page, family: &mut Family) -> bool {
        let texts = Arc::clone(&family.texts);
        for text in texts.iter().skip(family.done) {
            if page.is_long() {
                return false;
            }
            family.done += 1;
            if text.read(&family.exposed.readers, &mut self.value) {
                if !family.is_begun {
                    family.is_begun = true;
                    heading(page, &family.exposed, &family.claimed);
                }
                self.series(page, family, &text.labels);
            }
        }
        true
    }

    fn series(&mut self, page: &mut Page, family: &Family, labels: &[u8]) {
        let name = family.exposed.name;
        match std::mem::replace(&mut self.value, SampleValue::Gauge(0.0)) {
            SampleValue::Counter(value, exemplar) => {
                sample(page, name, "", labels);
                page.number(value);
                let has_exemplars = family.claimed.kind == "counter";
                page.exemplar(exemplar.as_ref().filter(|_| has_exemplars));
                page.raw("\n");
            }
            SampleValue::Gauge(value) => {
                sample(page, name, "", labels);
                page.number(value);
                page.raw("\n");
            }
            SampleValue::Histogram { sum, buckets } => {
                self.histogram(page, name, labels, sum, &buckets);
                // Its memory is for the next.
                self.value = SampleValue::Histogram { sum, buckets };
            }
            // A shape that this version of the format does not know.
            _ => {}
        }
    }

    fn histogram(
        &mut self,
        page: &mut Page,
        name: &'static str,
        labels: &[u8],
        sum: f64,
        buckets: &[BucketCount],
    ) {
        let count = buckets.iter().map(|bucket| bucket.count).sum();
        sample(page, name, "_sum", labels);
        page.fraction(sum);
        page.raw("\n");
        sample(page, name, "_count", labels);
        page.integer(count);
        page.raw("\n");
        self.name_lines(name, buckets.len());
        let labels_end = self.end_labels(labels);
        let mut cumulative = 0;
        for (index, (bucket, begin)) in buckets.iter().zip(&mut self.begins).enumerate() {
            // Most buckets of most histograms add nothing to those before.
            if bucket.count > 0 || index == 0 {
                cumulative += bucket.count;
                self.end.truncate(labels_end);
                push_unsigned(&mut self.end, cumulative);
                self.end.push(b'\n');
            }
            page.raw_bytes(begin.of(name, bucket.upper));
            if bucket.exemplar.is_none() {
                page.raw_bytes(&self.end);
            } else {
                page.raw_bytes(self.end.trim_ascii_end());
                page.exemplar(bucket.exemplar.as_ref());
                page.raw("\n");
            }
        }
    }

    /// Makes room for what the lines of each bucket begin with; what there is stays, as the series of a
    /// metric share theirs.
    fn name_lines(&mut self, name: &'static str, buckets: usize) {
        if !std::ptr::eq(self.name, name) {
            self.name = name;
            self.begins.clear();
        }
        self.begins.resize_with(buckets, Begin::default);
    }

    /// Writes what all bucket lines of a series have between the bound and the number, and says how
    /// long it is.
    fn end_labels(&mut self, labels: &[u8]) -> usize {
        self.end.clear();
        if !labels.is_empty() {
            self.end.push(b',');
        }
        self.end.extend_from_slice(labels);
        self.end.extend_from_slice(b"} ");
        self.end.len()
    }
}

impl Begin {
    /// The text, made anew if it was that of another bound.
    #[inline]
    fn of(&mut self, name: &str, upper: f64) -> &[u8] {
        if self.upper != upper.to_bits() || self.text.is_empty() {
            self.write(name, upper);
        }
        &self.text
    }

    /// With a point in both formats (`1.0`, not `1`): Prometheus takes bounds as text, and a series
    /// must not change its name with the format that was negotiated.
    #[cold]
    fn write(&mut self, name: &str, upper: f64) {
        self.upper = upper.to_bits();
        self.text = match upper {
            f64::INFINITY => format!("{name}_bucket{{le=\"+Inf\"").into_bytes(),
            upper => format!("{name}_bucket{{le=\"{upper:?}\"").into_bytes(),
        };
    }
}

fn heading(page: &mut Page, exposed: &Exposed, claimed: &Claimed) {
    page.heading(&Heading {
        name: claimed.name,
        help: exposed.spec.help,
        kind: claimed.kind,
        unit: unit(exposed.spec.unit, claimed.name),
    });
}

fn sample(page: &mut Page, name: &str, suffix: &str, labels: &[u8]) {
    page.raw(name);
    page.raw(suffix);
    if labels.is_empty() {
        page.raw(" ");
    } else {
        page.raw("{");
        page.raw_bytes(labels);
        page.raw("} ");
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
