//! Deciding for a route.

use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use tta_core::{Attribute, Error, ErrorKind, Level, LogField, Result, Usage, WorkflowContext};

use super::RouterPrimitive;
use crate::catalog::{SELECT_SPAN, STRATEGY_FAILED};
use crate::decision::RoutingDecision;
use crate::live::{Claim, Present};
use crate::metrics::Metrics;
use crate::reason::RouteReason;
use crate::routes::Routes;

/// What was decided, by the route's place.
pub(super) struct Selected<'r> {
    pub(super) index: usize,
    pub(super) reason: RouteReason,
    /// The right to probe the route, where that is the reason.
    pub(super) claim: Option<Claim<'r>>,
    score: Option<f64>,
    is_probe: bool,
    /// Why the strategy was not followed.
    error: Option<Error>,
}

impl<I, O> RouterPrimitive<I, O>
where
    I: Send + 'static,
    O: Send + 'static,
{
    /// Decides, measured and visible in the trace; with the decision, when it was made.
    #[inline]
    pub(super) fn decide(
        &self,
        input: &I,
        ctx: &WorkflowContext,
        metrics: &Metrics,
    ) -> Result<(Selected<'_>, Instant)> {
        let begun = ctx.now();
        let selected: Result<Selected<'_>> = ctx.in_span_now(&SELECT_SPAN, || {
            let selected = self.select_claimed(input, ctx, &|| begun)?;
            if ctx.is_sampled() {
                self.explain(&selected, input, ctx);
            }
            Ok(selected)
        });
        let decided = ctx.now();
        let took = decided.saturating_duration_since(begun);
        metrics.decision_duration.record_in(took, ctx);
        let selected = selected.inspect_err(|error| {
            metrics.failed(None, error.kind()).increment_in(ctx);
        })?;
        if let Some(decisions) = metrics.decided(selected.index, selected.reason) {
            decisions.increment_in(ctx);
        }
        if let Some(error) = &selected.error {
            self.log_failure(&selected, error, ctx);
        }
        Ok((selected, decided))
    }

    /// Decides, visible in the trace, and takes no claim.
    pub(super) fn preview(&self, input: &I, ctx: &WorkflowContext) -> Result<RoutingDecision<'_>> {
        ctx.in_span_now(&SELECT_SPAN, || {
            let selected = self.select(input, ctx, &|| ctx.now())?;
            if ctx.is_sampled() {
                self.explain(&selected, input, ctx);
            }
            Ok(self.describe(&selected, input))
        })
    }

    /// What a call of this usage would cost on the dearest route whose price is known.
    pub(super) fn dearest(&self, usage: &Usage) -> Option<u64> {
        let prices = self.table.rows.iter().map(|row| row.cost);
        prices.filter_map(|cost| cost.cost_nano_usd(usage)).max()
    }

    pub(super) fn no_route(&self, why: &str) -> Error {
        let message = format!(
            "{why} and router `{}` has no default; its routes are {}",
            self.name,
            self.table.listed()
        );
        Error::new(ErrorKind::NotFound, message)
    }

    /// Decides, and for a probe makes sure that nobody else is probing: who comes second decides
    /// again and sees that.
    #[inline]
    fn select_claimed(
        &self,
        input: &I,
        ctx: &WorkflowContext,
        now: &dyn Fn() -> Instant,
    ) -> Result<Selected<'_>> {
        for _ in 0..=self.table.rows.len() {
            let mut selected = self.select(input, ctx, now)?;
            if !selected.is_probe {
                return Ok(selected);
            }
            let row = self.table.rows.get(selected.index);
            selected.claim = row.and_then(|row| row.live.claim());
            if selected.claim.is_some() {
                return Ok(selected);
            }
        }
        let message = "the strategy insists on probing a route that another caller is probing";
        self.fall_back(RouteReason::StrategyError, Error::msg(message))
    }

    #[inline]
    fn select(
        &self,
        input: &I,
        ctx: &WorkflowContext,
        now: &dyn Fn() -> Instant,
    ) -> Result<Selected<'_>> {
        let Some(strategy) = &self.strategy else {
            let index = self
                .default
                .ok_or_else(|| self.no_route("it has no strategy"))?;
            return Ok(Selected::new(index, RouteReason::Default));
        };
        let usage = || self.usage_of(input);
        let usage: Option<&dyn Fn() -> Usage> = match &self.expected_usage {
            Some(_) => Some(&usage),
            None => None,
        };
        let present = Present::new(&self.table, now);
        let routes = Routes::new(&self.table, &present, usage);
        // What a strategy that panicked has changed is its own to guard.
        let chosen = catch_unwind(AssertUnwindSafe(|| strategy.choose(input, ctx, routes)));
        let panicked = || Error::new(ErrorKind::Panic, "the strategy panicked");
        match chosen.unwrap_or_else(|_| Err(panicked())) {
            Ok(choice) => {
                let Some(index) = self.table.position(&choice.route) else {
                    let error = self.no_route(&format!("the strategy chose `{}`", choice.route));
                    return self.fall_back(RouteReason::UnknownRoute, error);
                };
                let mut selected = Selected::new(index, choice.reason);
                selected.score = choice.score;
                selected.is_probe = choice.is_probe;
                Ok(selected)
            }
            Err(error) => self.fall_back(RouteReason::StrategyError, error),
        }
    }

    fn fall_back(&self, reason: RouteReason, error: Error) -> Result<Selected<'_>> {
        match self.default {
            Some(index) => {
                let mut selected = Selected::new(index, reason);
                selected.error = Some(error);
                Ok(selected)
            }
            None if reason == RouteReason::UnknownRoute => Err(error),
            None => Err(self.no_route("the strategy failed").with_source(error)),
        }
    }

    /// What the call is expected to use; nothing is known where the user's function panics.
    fn usage_of(&self, input: &I) -> Usage {
        let usage = self.expected_usage.as_ref().map(|usage| {
            let usage = catch_unwind(AssertUnwindSafe(|| usage(input)));
            usage.unwrap_or_default()
        });
        usage.unwrap_or_default()
    }

    fn describe(&self, selected: &Selected<'_>, input: &I) -> RoutingDecision<'_> {
        let usage = self.usage_of(input);
        let row = self.table.rows.get(selected.index);
        let expected = row.and_then(|row| row.cost.cost_nano_usd(&usage));
        let baseline = self.dearest(&usage).filter(|_| expected.is_some());
        let usd = |nano: u64| nano as f64 / 1e9;
        let cascade = self.cascades.get(selected.index).and_then(Option::as_ref);
        let next = cascade.and_then(|cascade| cascade.refused.as_ref());
        RoutingDecision {
            route: self.table.name(selected.index),
            model: row.and_then(|row| row.model.as_deref()),
            reason: selected.reason,
            score: selected.score,
            escalates_to: next.map(|(_, to)| self.table.name(*to)),
            expected_cost: expected.map(usd),
            baseline_cost: baseline.map(usd),
            expected_saving: baseline.zip(expected).map(|(all, own)| usd(all) - usd(own)),
        }
    }

    fn explain(&self, selected: &Selected<'_>, input: &I, ctx: &WorkflowContext) {
        let decision = self.describe(selected, input);
        ctx.set_attribute("route_selected", decision.route.to_owned());
        ctx.set_attribute("route.reason", decision.reason.as_str());
        if let Some(model) = decision.model {
            ctx.set_attribute("model", model.to_owned());
        }
        let numbers = [
            ("route.score", decision.score),
            ("route.expected_cost_usd", decision.expected_cost),
            ("route.baseline_cost_usd", decision.baseline_cost),
        ];
        for (key, number) in numbers {
            if let Some(number) = number {
                ctx.set_attribute(key, number);
            }
        }
        if decision.reason.looked_at_routes() {
            ctx.set_attribute("route.candidates", self.candidates(ctx));
        }
        let route = Attribute::new("route_selected", decision.route.to_owned());
        ctx.event("route_decision_made", vec![route]);
    }

    /// What every route was doing, in one line.
    fn candidates(&self, ctx: &WorkflowContext) -> String {
        let mut line = String::new();
        let now = || ctx.now();
        let present = Present::new(&self.table, &now);
        for route in Routes::new(&self.table, &present, None).iter() {
            let separator = if line.is_empty() { "" } else { "; " };
            let latency = route
                .latency()
                .map_or("?".to_owned(), |it| format!("{it:.1?}"));
            let (in_flight, failures) = (route.in_flight(), route.consecutive_failures());
            // Writing to a string does not fail.
            let _ = write!(
                line,
                "{separator}{}: {in_flight} in flight, latency {latency}, {failures} failures",
                route.name()
            );
        }
        line
    }

    fn log_failure(&self, selected: &Selected<'_>, error: &Error, ctx: &WorkflowContext) {
        if !ctx.logs(Level::Warn) {
            return;
        }
        let message = error.to_string();
        let fields = [
            LogField::new("primitive", self.name.as_str()),
            LogField::new("route", self.table.name(selected.index)),
            LogField::new("reason", selected.reason.as_str()),
            LogField::new("error", message.as_str()),
        ];
        ctx.log(&STRATEGY_FAILED, Level::Warn, &fields);
    }
}

impl Selected<'_> {
    fn new(index: usize, reason: RouteReason) -> Self {
        Self {
            index,
            reason,
            claim: None,
            score: None,
            is_probe: false,
            error: None,
        }
    }
}
