//! Which metrics there are to query, and what is wrong with a query for others.
//!
//! ```
//! use tta_catalog::known::Known;
//!
//! let known = Known::declared();
//! assert_eq!(known.wrong("sum(rate(cache_hits_total[5m]))"), [""; 0]);
//! let wrong = known.wrong("sum(rate(cache_hitz_total[5m]))");
//! assert_eq!(wrong, ["no metric `cache_hitz_total`"]);
//! ```

use std::collections::BTreeMap;

use tta::{MetricKind, MetricSpec};

use crate::CATALOGS;
use crate::promql::{Selector, selectors};

/// Every metric that a query may read.
#[derive(Clone, Debug)]
pub struct Known {
    declared: BTreeMap<&'static str, &'static MetricSpec>,
    recorded: BTreeMap<String, Vec<String>>,
}

impl Known {
    /// What the crates declare, and what Prometheus itself writes of each target.
    pub fn declared() -> Self {
        let all = CATALOGS.iter().flat_map(|catalog| catalog.metrics);
        Self {
            declared: all.map(|&spec| (spec.name, spec)).collect(),
            recorded: BTreeMap::new(),
        }
    }

    /// The same without one metric, to see what would miss it.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.declared.remove(name);
        self
    }

    /// The same with what recording rules write: a name and its labels.
    #[must_use]
    pub fn with_recorded(
        mut self,
        recorded: impl IntoIterator<Item = (String, Vec<String>)>,
    ) -> Self {
        self.recorded.extend(recorded);
        self
    }

    /// The declaration of what a name in a query reads: its own, or that of its histogram.
    pub fn spec(&self, name: &str) -> Option<&'static MetricSpec> {
        if let Some(spec) = self.declared.get(name) {
            return Some(spec);
        }
        let family = PARTS.iter().find_map(|part| name.strip_suffix(part))?;
        let spec = self.declared.get(family)?;
        (spec.kind == MetricKind::Histogram).then_some(spec)
    }

    /// What is wrong with a query: names that nobody declares, labels that their metrics have not,
    /// and functions that do not suit a metric's type.
    pub fn wrong(&self, query: &str) -> Vec<String> {
        let found = match selectors(query) {
            Ok(found) => found,
            Err(why) => return vec![why],
        };
        let mut wrong = Vec::new();
        let mut labels: Vec<String> = OF_EVERY_TARGET.map(str::to_owned).to_vec();
        for selector in &found.selectors {
            let Some(own) = self.labels(&selector.metric) else {
                wrong.push(format!("no metric `{}`", selector.metric));
                continue;
            };
            for (label, _, _) in &selector.matchers {
                if !own.contains(label) && !OF_EVERY_TARGET.contains(&label.as_str()) {
                    wrong.push(format!("`{}` has no label `{label}`", selector.metric));
                }
            }
            wrong.extend(self.misused(selector));
            labels.extend(own);
        }
        if wrong.is_empty() {
            let strange = found
                .grouping
                .iter()
                .filter(|label| !labels.contains(label));
            wrong.extend(strange.map(|label| format!("no metric in it has the label `{label}`")));
        }
        wrong
    }

    /// The labels of what a name reads, or none if there is no such metric.
    fn labels(&self, name: &str) -> Option<Vec<String>> {
        if let Some(spec) = self.spec(name) {
            let le = name.ends_with("_bucket").then(|| "le".to_owned());
            let own = spec.labels.iter().map(|&label| label.to_owned());
            return Some(own.chain(le).collect());
        }
        let of_prometheus = OF_PROMETHEUS.contains(&name).then(Vec::new);
        self.recorded.get(name).cloned().or(of_prometheus)
    }

    /// Whether a counter is read without its growth, or a gauge's growth is.
    fn misused(&self, selector: &Selector) -> Option<String> {
        let spec = self.spec(&selector.metric)?;
        let name = &selector.metric;
        let within = |functions: &[&str]| {
            let all = &selector.functions;
            all.iter().any(|it| functions.contains(&it.as_str()))
        };
        let is_bucket = name.ends_with("_bucket");
        match spec.kind {
            MetricKind::Histogram if name == spec.name => Some(format!(
                "`{name}` is a histogram: read its _bucket, _sum or _count"
            )),
            MetricKind::Gauge if within(&GROWTH) => {
                Some(format!("`{name}` is a gauge: its growth means nothing"))
            }
            MetricKind::Counter | MetricKind::Histogram if !within(&GROWTH) => {
                Some(format!("`{name}` only grows: ask for its rate or increase"))
            }
            _ if is_bucket && !within(&["histogram_quantile"]) && !has_bound(selector) => Some(
                format!("`{name}` needs histogram_quantile, or one bound as `le`"),
            ),
            _ => None,
        }
    }
}

fn has_bound(selector: &Selector) -> bool {
    let mut matchers = selector.matchers.iter();
    matchers.any(|(label, operator, _)| label == "le" && operator == "=")
}

/// The parts of a histogram.
const PARTS: [&str; 3] = ["_bucket", "_sum", "_count"];

/// What only makes sense of what grows.
const GROWTH: [&str; 3] = ["rate", "irate", "increase"];

/// Labels that Prometheus gives to all that it scrapes.
const OF_EVERY_TARGET: [&str; 2] = ["job", "instance"];

/// What Prometheus writes of each target.
const OF_PROMETHEUS: [&str; 3] = ["up", "scrape_duration_seconds", "scrape_samples_scraped"];
