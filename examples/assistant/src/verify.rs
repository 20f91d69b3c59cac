//! Whether `/metrics` says what the program counted itself.

use crate::scrape::Scrape;
use crate::tally::{Counts, ModelCounts};

/// The name of the workflow, in its spans and metrics.
pub const WORKFLOW: &str = "assistant";

/// One total, as counted and as shown.
struct Total {
    what: String,
    counted: f64,
    shown: f64,
}

/// Says which totals of a scrape differ from what the program counted.
pub fn disagreements(scrape: &Scrape, counts: &Counts) -> Vec<String> {
    let mut totals = Totals {
        scrape,
        list: Vec::new(),
    };
    totals.requests(counts);
    totals.answers(counts);
    for (&name, model) in &counts.models {
        totals.model(name, model);
        totals.provider(name, model);
    }
    // Sums of whole billionths, shown in decimal: the last bit may differ, a billionth may not.
    let differs = |it: &&Total| (it.shown - it.counted).abs() > 1e-12 * it.counted.abs();
    let said = |it: &Total| format!("{}: counted {}, shown {}", it.what, it.counted, it.shown);
    totals.list.iter().filter(differs).map(said).collect()
}

type Labels<'a> = &'a [(&'a str, &'a str)];

/// What is compared, as it is put together.
struct Totals<'a> {
    scrape: &'a Scrape,
    list: Vec<Total>,
}

impl Totals<'_> {
    /// The workflow as a whole.
    fn requests(&mut self, counts: &Counts) {
        let workflow = ("workflow", WORKFLOW);
        let executions = "workflow_executions_total";
        self.same(
            executions,
            &[workflow, ("status", "success")],
            counts.answered,
        );
        self.same(
            executions,
            &[workflow, ("status", "error")],
            counts.errors(),
        );
        self.same(
            "workflow_duration_seconds_count",
            &[workflow],
            counts.requests(),
        );
        self.same("active_workflows", &[workflow], 0);
    }

    /// What stands around the models: fallback, cache, saga, router.
    fn answers(&mut self, counts: &Counts) {
        let fallback = |path| [("primitive", "FallbackPrimitive"), ("path", path)];
        let executions = "fallback_executions_total";
        self.same(executions, &fallback("fallback"), counts.canned);
        let given = counts.answered - counts.canned;
        self.same(executions, &fallback("primary"), given);

        // An answer that was not computed came from the cache; every other request asked in vain.
        let hits = given - counts.computed();
        self.same("cache_hits_total", &[], hits);
        self.same("cache_misses_total", &[], counts.requests() - hits);

        let compensated = [("outcome", "success")];
        self.same("saga_compensations_total", &compensated, counts.released);
        self.same("saga_compensations_total", &[], counts.released);
        let kept = counts.computed();
        self.same(
            "primitive_executions_total",
            &of("SagaPrimitive", "success"),
            kept,
        );
        self.same("primitive_executions_total", &of("settle", "success"), kept);
        for name in ["reserve", "moderate"] {
            let executions = [("primitive", name)];
            self.same("primitive_executions_total", &executions, counts.reserved);
        }
        let decisions = self
            .scrape
            .sum("router_decision_duration_seconds_count", &[]);
        // What moderation lets pass is composed and routed; it may refuse before a passage is found.
        for name in ["retrieve", "compose"] {
            self.equal(
                "primitive_executions_total",
                &of(name, "success"),
                decisions,
            );
        }
    }

    /// The calls of a model.
    fn model(&mut self, name: &str, model: &ModelCounts) {
        let executions = "primitive_executions_total";
        self.same(executions, &of(name, "success"), model.answered);
        self.same(executions, &of(name, "error"), model.failed.values().sum());
        self.same(executions, &of(name, "cancelled"), model.abandoned);
        for (&kind, &count) in &model.failed {
            let labels = [("primitive", name), ("error_type", kind)];
            self.same("primitive_execution_errors_total", &labels, count);
        }
        self.same("primitive_executions_in_flight", &[("primitive", name)], 0);
        let ended = |status| [("model", name), ("status", status)];
        let failed = model.failed.values().sum();
        self.same("llm_requests_total", &ended("success"), model.answered);
        self.same("llm_requests_total", &ended("error"), failed);
        self.same("llm_requests_total", &ended("cancelled"), model.abandoned);
        self.equal("llm_cost_usd_total", &[("model", name)], model.cost.usd());
        let route = [("route", name)];
        self.equal("router_cost_usd_total", &route, model.cost.usd());
    }

    /// What stands before a model: each call that began is one that all of them let through.
    fn provider(&mut self, name: &str, model: &ModelCounts) {
        let [timeout, bulkhead, quota, hedge, breaker, retry] =
            ["timeout", "bulkhead", "quota", "hedge", "breaker", "retry"]
                .map(|part| format!("{name}.{part}"));
        let sum = |metric: &str, labels: Labels<'_>| self.scrape.sum(metric, labels);
        let by = |metric: &str, primitive: &str| sum(metric, &[("primitive", primitive)]);
        let limited = |limit: &str| {
            let all = by("limit_executions_total", limit);
            all - sum(
                "limit_executions_total",
                &[("primitive", limit), ("outcome", "admitted")],
            )
        };
        let second = by("hedge_delay_seconds_count", &hedge)
            - sum(
                "hedge_executions_total",
                &[("primitive", &hedge), ("outcome", "budget")],
            );
        let begun = by("retry_attempts_sum", &retry)
            - by("circuit_breaker_rejections_total", &breaker)
            + second
            - limited(&quota)
            - limited(&bulkhead);
        // An answer that came too late is past the limit, although the model gave it.
        let ended = by("timeout_successes_total", &timeout)
            + by("timeout_failures_total", &timeout)
            + sum("primitive_executions_total", &of(&timeout, "cancelled"));
        let decided = sum("router_decisions_total", &[("route", name)]);
        let retried = by("retry_executions_total", &retry);

        self.list.push(total(
            format!("{retry}: attempts and hedges that nothing rejected"),
            model.started,
            begun,
        ));
        let failed: u64 = model.failed.values().sum();
        self.list.push(total(
            format!("{timeout}: calls that did not fail, in time, late or given up"),
            model.started - failed,
            ended,
        ));
        self.list.push(Total {
            what: format!("{retry}: executions and the decisions for its route"),
            counted: decided,
            shown: retried,
        });
        let admitted = [("primitive", &*bulkhead), ("outcome", "admitted")];
        self.same("limit_executions_total", &admitted, model.started);
        self.same("limit_queued", &[("primitive", &bulkhead)], 0);
        self.same("limit_in_use", &[("primitive", &bulkhead)], 0);
    }

    fn same(&mut self, metric: &str, labels: Labels<'_>, counted: u64) {
        self.equal(metric, labels, counted as f64);
    }

    fn equal(&mut self, metric: &str, labels: Labels<'_>, counted: f64) {
        let shown = self.scrape.sum(metric, labels);
        let labels: Vec<_> = labels
            .iter()
            .map(|(key, value)| format!("{key}=\"{value}\""))
            .collect();
        self.list.push(Total {
            what: format!("{metric}{{{}}}", labels.join(",")),
            counted,
            shown,
        });
    }
}

fn total(what: String, counted: u64, shown: f64) -> Total {
    Total {
        what,
        counted: counted as f64,
        shown,
    }
}

fn of<'a>(primitive: &'a str, status: &'a str) -> [(&'a str, &'a str); 2] {
    [("primitive", primitive), ("status", status)]
}
