//! A report as a table for a reader.

use std::fmt;

use crate::activity::Activity;
use crate::report::{Report, RouteReport};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per_second = self.requests as f64 / self.wall_seconds.max(f64::MIN_POSITIVE);
        line(
            f,
            "requests",
            format_args!(
                "{} in {:.1} s ({per_second:.0}/s)",
                self.requests, self.wall_seconds
            ),
        )?;
        let errors: Vec<_> = self
            .errors
            .iter()
            .map(|(kind, count)| format!("{kind} {count}"))
            .collect();
        let errors = if errors.is_empty() {
            "none".to_owned()
        } else {
            errors.join(", ")
        };
        line(f, "errors", format_args!("{errors}"))?;
        self.cache_and_cost(f)?;
        let overhead = self.overhead_nanos_per_step;
        line(
            f,
            "overhead",
            format_args!("{overhead:.0} ns a step that is not sampled"),
        )?;
        let ledger = &self.ledger;
        line(
            f,
            "spans",
            format_args!(
                "{} created = {} delivered + {} dropped + {} pending",
                ledger.created, ledger.delivered, ledger.dropped, ledger.pending
            ),
        )?;
        if self.rejected_line_count > 0 {
            line(
                f,
                "bad lines",
                format_args!("{} were skipped", self.rejected_line_count),
            )?;
            for rejected in &self.rejected_lines {
                line(f, "", format_args!("{rejected}"))?;
            }
        }
        self.primitives(f)?;
        self.steps(f)?;
        match &self.comparison {
            Some(comparison) => write!(f, "\n{comparison}"),
            None => Ok(()),
        }
    }
}

impl Report {
    fn cache_and_cost(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cache, cost) = (&self.cache, &self.cost);
        line(
            f,
            "cache",
            format_args!(
                "{:.1} % hits ({} hits, {} misses, {} shared a computation)",
                cache.hit_rate * 100.0,
                cache.hits,
                cache.misses,
                cache.coalesced
            ),
        )?;
        if self.from_elsewhere > 0 {
            line(
                f,
                "shared",
                format_args!(
                    "{} answers computed by another process, {} of them while they were asked for \
                     (single flight across processes), {} hits in Redis; {} computed here",
                    self.from_elsewhere, self.awaited_elsewhere, cache.redis_hits, self.computed
                ),
            )?;
        }
        let calls: u64 = self.routes.iter().map(|route| route.calls).sum();
        for RouteReport {
            route,
            share,
            cost_usd,
            ..
        } in &self.routes
        {
            let share = share * 100.0;
            line(
                f,
                "route",
                format_args!("{route:<12} {share:5.1} % of {calls} calls, ${cost_usd:.4}"),
            )?;
        }
        line(f, "cost", format_args!("${:.4}", cost.actual_usd))?;
        line(
            f,
            "savings",
            format_args!(
                "gross ${:.4} by routing (baseline: the dearest model, ${:.4}), ${:.4} by the cache",
                cost.router_savings_usd, cost.router_baseline_usd, cost.cache_savings_usd
            ),
        )
    }

    fn primitives(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        for Activity {
            primitive, figures, ..
        } in &self.primitives
        {
            let figures: Vec<_> = figures
                .iter()
                .map(|(what, count)| format!("{what} {count}"))
                .collect();
            writeln!(f, "{primitive:<34} {}", figures.join(", "))?;
        }
        Ok(())
    }

    fn steps(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "\n{:<34} {:>8} {:>7} {:>9} {:>9} {:>9} {:>9}",
            "step", "runs", "errors", "cancelled", "p50 ms", "p95 ms", "p99 ms"
        )?;
        for step in &self.steps {
            writeln!(
                f,
                "{:<34} {:>8} {:>7} {:>9} {:>9.3} {:>9.2} {:>9.2}",
                step.name,
                step.executions,
                step.errors,
                step.cancelled,
                step.p50_ms,
                step.p95_ms,
                step.p99_ms
            )?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, label: &str, text: fmt::Arguments<'_>) -> fmt::Result {
    writeln!(f, "{label:<10} {text}")
}
