//! What each primitive did, from the program's own `/metrics`.

use serde::Serialize;

use crate::scrape::Scrape;

/// What one primitive did: figures by what they count, in the order of the metrics.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Activity {
    /// The primitive's name.
    pub primitive: String,
    /// Figures that are not zero.
    pub figures: Vec<(String, f64)>,
}

impl Activity {
    /// The activity of all primitives that did something, by name.
    pub fn of(scrape: &Scrape) -> Vec<Self> {
        let mut all: Vec<Self> = Vec::new();
        for (metric, labels, prefix) in FIGURES {
            for (values, value) in scrape.by_labels(metric, labels) {
                let [primitive, rest @ ..] = &values[..] else {
                    continue;
                };
                if value <= 0.0 {
                    continue;
                }
                let figure = (format!("{prefix}{}", rest.join(" → ")), value);
                match all.iter_mut().find(|it| it.primitive == *primitive) {
                    Some(activity) => activity.figures.push(figure),
                    None => all.push(Self {
                        primitive: primitive.clone(),
                        figures: vec![figure],
                    }),
                }
            }
        }
        all.sort_by(|one, other| one.primitive.cmp(&other.primitive));
        all
    }
}

/// Metrics, the labels that tell their series apart, and what to write before those.
const FIGURES: [(&str, &[&str], &str); 14] = [
    ("fallback_executions_total", &["primitive", "path"], ""),
    (
        "saga_compensations_total",
        &["primitive", "outcome"],
        "compensation ",
    ),
    ("cache_hits_total", &["primitive", "tier"], "hit in "),
    (
        "cache_coalesced_total",
        &["primitive"],
        "shared a computation",
    ),
    ("cache_misses_total", &["primitive", "reason"], "miss "),
    (
        "router_decisions_total",
        &["primitive", "route", "reason"],
        "",
    ),
    ("retry_executions_total", &["primitive", "outcome"], ""),
    (
        "circuit_breaker_transitions_total",
        &["primitive", "from", "to"],
        "",
    ),
    (
        "circuit_breaker_rejections_total",
        &["primitive"],
        "rejected",
    ),
    ("circuit_breaker_state", &["primitive", "state"], "now "),
    ("hedge_executions_total", &["primitive", "outcome"], ""),
    ("limit_executions_total", &["primitive", "outcome"], ""),
    (
        "timeout_successes_total",
        &["primitive", "within"],
        "within ",
    ),
    ("timeout_failures_total", &["primitive", "cause"], "past "),
];
