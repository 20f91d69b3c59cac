//! What a run came to: as a table for a reader, and as JSON for a program.

use std::time::Duration;

use serde::Serialize;
use tta::{Registry, registry};

use crate::activity::Activity;
use crate::comparison::{Comparison, PolicyReport, price_of};
use crate::profile::Tier;
use crate::replay::Outcome;
use crate::scrape::Scrape;
use crate::tally::Counts;

/// What a run came to.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// Requests that ended.
    pub requests: u64,
    /// Requests that were answered.
    pub answered: u64,
    /// Answers that another process had computed.
    pub from_elsewhere: u64,
    /// Answers among those that another process was computing when they were asked for.
    pub awaited_elsewhere: u64,
    /// Answers that were computed here.
    pub computed: u64,
    /// Requests that failed, by kind of error.
    pub errors: Vec<(String, u64)>,
    /// How long the run took.
    pub wall_seconds: f64,
    /// Latencies of each step.
    pub steps: Vec<StepReport>,
    /// What the cache did.
    pub cache: CacheReport,
    /// What each primitive did.
    pub primitives: Vec<Activity>,
    /// Calls by route.
    pub routes: Vec<RouteReport>,
    /// Cost and savings, in US dollars.
    pub cost: CostReport,
    /// The router beside what anybody could do without one.
    pub comparison: Option<Comparison>,
    /// What observing a step costs the caller, in nanoseconds.
    pub overhead_nanos_per_step: f64,
    /// Where spans went.
    pub ledger: LedgerReport,
    /// Lines of the input files that could not be used.
    pub rejected_lines: Vec<String>,
    /// How many such lines there were.
    pub rejected_line_count: u64,
    /// A trace to look up.
    pub trace_id: Option<String>,
    /// Totals that differ between `/metrics` and the program's own count; empty when all agree.
    pub disagreements: Vec<String>,
}

/// Latencies of one step.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct StepReport {
    /// The step's name.
    pub name: String,
    /// Executions that ended.
    pub executions: u64,
    /// Executions that failed.
    pub errors: u64,
    /// Executions that were given up.
    pub cancelled: u64,
    /// Median, in milliseconds.
    pub p50_ms: f64,
    /// 95th percentile, in milliseconds.
    pub p95_ms: f64,
    /// 99th percentile, in milliseconds.
    pub p99_ms: f64,
}

/// What the cache did.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct CacheReport {
    /// Requests answered without computing.
    pub hits: f64,
    /// Those among them that Redis answered.
    pub redis_hits: f64,
    /// Requests that had to be computed.
    pub misses: f64,
    /// Hits that shared the computation of another request.
    pub coalesced: f64,
    /// Hits among all lookups.
    pub hit_rate: f64,
}

/// Calls of one route.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct RouteReport {
    /// The model.
    pub route: String,
    /// Times that the router, or an escalation, led here.
    pub executions: f64,
    /// Calls of the model that began: attempts and hedges that nothing held back.
    pub calls: u64,
    /// Calls among those of all routes.
    pub share: f64,
    /// What its answers cost, in US dollars.
    pub cost_usd: f64,
}

/// Cost and savings, in US dollars.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct CostReport {
    /// What the answers cost.
    pub actual_usd: f64,
    /// What every computed answer would have cost on the dearest route.
    pub router_baseline_usd: f64,
    /// The router's baseline less what its answers cost; negative if routing cost more.
    pub router_savings_usd: f64,
    /// What the answers that the cache gave had cost to compute.
    pub cache_savings_usd: f64,
}

/// Where spans went: created is the sum of the others.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct LedgerReport {
    /// Spans that were recorded.
    pub created: u64,
    /// Spans that a backend has.
    pub delivered: u64,
    /// Spans that were lost, for whatever reason.
    pub dropped: u64,
    /// Spans on their way.
    pub pending: u64,
}

impl CacheReport {
    /// What a scrape says of the cache.
    pub fn of(scrape: &Scrape) -> Self {
        let count = |name| scrape.sum(name, &[]);
        Self {
            hits: count("cache_hits_total"),
            redis_hits: scrape.sum("cache_hits_total", &[("tier", "redis")]),
            misses: count("cache_misses_total"),
            coalesced: count("cache_coalesced_total"),
            hit_rate: count("cache_hit_rate"),
        }
    }
}

impl CostReport {
    /// Takes the savings from a scrape; the baseline is what was spent and what was saved.
    pub fn take_savings(&mut self, scrape: &Scrape) {
        self.router_savings_usd = scrape.sum("router_cost_savings_usd_total", &[]);
        self.router_baseline_usd = self.actual_usd + self.router_savings_usd;
        self.cache_savings_usd = scrape.sum("cache_cost_savings_usd_total", &[]);
    }
}

impl LedgerReport {
    /// The account of the spans.
    pub fn new(created: u64, delivered: u64, dropped: u64, pending: u64) -> Self {
        Self {
            created,
            delivered,
            dropped,
            pending,
        }
    }
}

/// The run itself as a row of the comparison: measured, failures and all. `computing` is how long
/// the assistant itself worked, which is charged as well.
pub fn this_run(counts: &Counts, hit_rate: f64, computing: Duration) -> PolicyReport {
    let outcome = Outcome {
        computations: counts.computed(),
        premium: counts.settled.get(&Tier::Premium).map_or(0, |count| *count) as f64,
        used: counts.used.usd(),
        wasted: counts.wasted().usd() + price_of(computing),
        quality: counts.quality,
        without_suspect: counts.without_suspect,
    };
    let mut row = PolicyReport::new("this run", &outcome, counts.baseline.usd(), hit_rate);
    row.is_measured = true;
    if counts.without_suspect != counts.quality {
        row.quality_without_suspect = counts.without_suspect.share();
    }
    row
}

/// Latencies of every step that ran, as the registry has them.
pub fn steps(registry: &Registry) -> Vec<StepReport> {
    let milliseconds = |duration: Duration| duration.as_secs_f64() * 1e3;
    let all = registry.all_primitive_metrics().into_iter();
    let ran = all.filter(|metrics| metrics.executions() > 0);
    ran.map(|metrics| StepReport {
        name: metrics.name().to_owned(),
        executions: metrics.executions(),
        errors: metrics.errors(),
        cancelled: metrics.cancelled(),
        p50_ms: milliseconds(metrics.percentile(50.0)),
        p95_ms: milliseconds(metrics.percentile(95.0)),
        p99_ms: milliseconds(metrics.percentile(99.0)),
    })
    .collect()
}

/// Calls by route, as the program counted them.
pub fn routes(counts: &Counts) -> Vec<RouteReport> {
    let all: u64 = counts.models.values().map(|model| model.started).sum();
    let share = |calls: u64| {
        if all == 0 {
            0.0
        } else {
            calls as f64 / all as f64
        }
    };
    let routes = counts.models.iter().map(|(name, model)| RouteReport {
        route: (*name).to_owned(),
        executions: 0.0,
        calls: model.started,
        share: share(model.started),
        cost_usd: model.cost.usd(),
    });
    routes.collect()
}

impl Report {
    /// The numbers that the program counted itself, and the latencies of the registry.
    pub fn begin(counts: &Counts, wall: Duration) -> Self {
        let errors = counts
            .failed
            .iter()
            .map(|(kind, count)| ((*kind).to_owned(), *count));
        Self {
            requests: counts.requests(),
            answered: counts.answered,
            from_elsewhere: counts.from_elsewhere,
            awaited_elsewhere: counts.awaited_elsewhere,
            computed: counts.computed(),
            errors: errors.collect(),
            wall_seconds: wall.as_secs_f64(),
            steps: steps(registry()),
            cache: CacheReport::default(),
            primitives: Vec::new(),
            routes: routes(counts),
            cost: CostReport {
                actual_usd: counts.cost().usd(),
                ..CostReport::default()
            },
            comparison: None,
            overhead_nanos_per_step: 0.0,
            ledger: LedgerReport::default(),
            rejected_lines: Vec::new(),
            rejected_line_count: 0,
            trace_id: None,
            disagreements: Vec::new(),
        }
    }
}
