//! Choosing a route, running it, and accounting for it.

mod account;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use tta_core::{
    Attribute, BoxPrimitive, Error, ErrorKind, Level, LogField, Primitive, Result, Usage,
    WorkflowContext,
};

use self::account::Account;
use crate::builder::RouterBuilder;
use crate::catalog::{EXECUTE_SPAN, SELECT_SPAN, STRATEGY_FAILED};
use crate::cost::CostModel;
use crate::decision::{RouteReason, RoutingDecision};
use crate::metrics::Metrics;
use crate::savings::{Ledger, Savings};
use crate::strategy::{RouteNames, RoutingStrategy};

/// Picks one of several primitives for each input, and accounts for what that saved.
///
/// # Examples
///
/// ```
/// use tta_core::step;
/// use tta_router::{ByComplexity, CostModel, RouterPrimitive};
///
/// let small = step("small", async |question: String| Ok(question.len()));
/// let large = step("large", async |question: String| Ok(question.len() * 2));
///
/// let router = RouterPrimitive::builder()
///     .route("cheap", small, CostModel::per_million_tokens(0.15, 0.60))
///     .route("premium", large, CostModel::per_million_tokens(2.50, 10.0))
///     .strategy(ByComplexity::new("cheap", "premium", |question: &String| question.as_str()))
///     .default_route("premium")
///     .build()?;
/// # Ok::<(), tta_core::Error>(())
/// ```
///
/// # Cancellation
///
/// Dropping the future drops the route's; what the route reported to have cost by then is charged.
pub struct RouterPrimitive<I, O> {
    pub(crate) name: String,
    pub(crate) names: Vec<String>,
    pub(crate) routes: Vec<Route<I, O>>,
    pub(crate) default: Option<usize>,
    pub(crate) strategy: Option<Box<dyn RoutingStrategy<I>>>,
    pub(crate) expected_usage: Option<Box<dyn Fn(&I) -> Usage + Send + Sync>>,
    pub(crate) ledger: Ledger,
    /// Resolved at the first execution, when the primitive has its name.
    pub(crate) metrics: OnceLock<Metrics>,
}

pub(crate) struct Route<I, O> {
    pub(crate) primitive: BoxPrimitive<I, O>,
    pub(crate) cost: CostModel,
}

/// What was decided, by the route's place.
struct Selected {
    index: usize,
    reason: RouteReason,
    score: Option<f64>,
    /// Why the strategy was not followed.
    error: Option<Error>,
}

impl<I, O> RouterPrimitive<I, O>
where
    I: Send + 'static,
    O: Send + 'static,
{
    /// Puts a router together.
    pub fn builder() -> RouterBuilder<I, O> {
        RouterBuilder::new()
    }

    /// Decides for a route without running it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] if the strategy fails or names a route that does not exist, and there
    /// is no default.
    pub fn decide_route(&self, input: &I, ctx: &WorkflowContext) -> Result<RoutingDecision<'_>> {
        self.select(input, ctx)
            .map(|selected| self.describe(&selected, input))
    }

    /// What routing has cost and saved so far.
    pub fn savings(&self) -> Savings {
        self.ledger.read()
    }

    /// The names of the routes, in the order in which they were added.
    pub fn routes(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    fn select(&self, input: &I, ctx: &WorkflowContext) -> Result<Selected> {
        let Some(strategy) = &self.strategy else {
            let index = self
                .default
                .ok_or_else(|| self.no_route("it has no strategy"))?;
            return Ok(Selected {
                index,
                reason: RouteReason::Default,
                score: None,
                error: None,
            });
        };
        let routes = RouteNames { names: &self.names };
        // What a strategy that panicked has changed is its own to guard.
        let chosen = catch_unwind(AssertUnwindSafe(|| strategy.choose(input, ctx, routes)));
        let panicked = || Error::new(ErrorKind::Panic, "the strategy panicked");
        match chosen.unwrap_or_else(|_| Err(panicked())) {
            Ok(choice) => {
                let named = self.names.iter().position(|name| *name == choice.route);
                let Some(index) = named else {
                    let error = self.no_route(&format!("the strategy chose `{}`", choice.route));
                    return self.fall_back(RouteReason::UnknownRoute, error);
                };
                let (reason, score) = (choice.reason, choice.score);
                Ok(Selected {
                    index,
                    reason,
                    score,
                    error: None,
                })
            }
            Err(error) => self.fall_back(RouteReason::StrategyError, error),
        }
    }

    fn fall_back(&self, reason: RouteReason, error: Error) -> Result<Selected> {
        match self.default {
            Some(index) => Ok(Selected {
                index,
                reason,
                score: None,
                error: Some(error),
            }),
            None if reason == RouteReason::UnknownRoute => Err(error),
            None => Err(self.no_route("the strategy failed").with_source(error)),
        }
    }

    fn no_route(&self, why: &str) -> Error {
        let routes = self.names.join(", ");
        let message = format!(
            "{why} and router `{}` has no default; its routes are {routes}",
            self.name
        );
        Error::new(ErrorKind::NotFound, message)
    }

    fn describe(&self, selected: &Selected, input: &I) -> RoutingDecision<'_> {
        let usage = self
            .expected_usage
            .as_ref()
            .map(|usage| usage(input))
            .unwrap_or_default();
        let expected = self
            .routes
            .get(selected.index)
            .and_then(|it| it.cost.cost_nano_usd(&usage));
        let baseline = self.dearest(&usage).filter(|_| expected.is_some());
        let usd = |nano: u64| nano as f64 / 1e9;
        RoutingDecision {
            route: self.names.get(selected.index).map_or("", String::as_str),
            reason: selected.reason,
            score: selected.score,
            expected_cost: expected.map(usd),
            baseline_cost: baseline.map(usd),
            expected_saving: baseline.zip(expected).map(|(all, own)| usd(all) - usd(own)),
        }
    }

    /// What a call of this usage would cost on the dearest route whose price is known.
    fn dearest(&self, usage: &Usage) -> Option<u64> {
        self.routes
            .iter()
            .filter_map(|route| route.cost.cost_nano_usd(usage))
            .max()
    }

    /// Decides, measured and visible in the trace.
    fn decide(&self, input: &I, ctx: &WorkflowContext, metrics: &Metrics) -> Result<Selected> {
        let begun = ctx.now();
        let selected: Result<Selected> = ctx.in_span_now(&SELECT_SPAN, || {
            let selected = self.select(input, ctx)?;
            if ctx.is_sampled() {
                self.explain(&selected, input, ctx);
            }
            Ok(selected)
        });
        metrics
            .decision_duration
            .record_in(ctx.now().saturating_duration_since(begun), ctx);
        let selected = selected.inspect_err(|error| {
            metrics.failed(None, error.kind()).increment_in(ctx);
        })?;
        if let Some(decisions) = metrics.decided(selected.index, selected.reason) {
            decisions.increment_in(ctx);
        }
        if let (Some(error), true) = (&selected.error, ctx.logs(Level::Warn)) {
            let message = error.to_string();
            let fields = [
                LogField::new("primitive", self.name.as_str()),
                LogField::new(
                    "route",
                    self.names.get(selected.index).map_or("", String::as_str),
                ),
                LogField::new("reason", selected.reason.as_str()),
                LogField::new("error", message.as_str()),
            ];
            ctx.log(&STRATEGY_FAILED, Level::Warn, &fields);
        }
        Ok(selected)
    }

    fn explain(&self, selected: &Selected, input: &I, ctx: &WorkflowContext) {
        let decision = self.describe(selected, input);
        ctx.set_attribute("route_selected", decision.route.to_owned());
        ctx.set_attribute("route.reason", decision.reason.as_str());
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
        let route = Attribute::new("route_selected", decision.route.to_owned());
        ctx.event("route_decision_made", vec![route]);
    }
}

impl<I, O> Primitive for RouterPrimitive<I, O>
where
    I: Send + 'static,
    O: Send + 'static,
{
    type Input = I;
    type Output = O;

    fn name(&self) -> &str {
        &self.name
    }

    fn rename(&mut self, name: &str) {
        name.clone_into(&mut self.name);
        self.metrics = OnceLock::new();
    }

    fn depth(&self) -> usize {
        self.routes
            .iter()
            .map(|route| route.primitive.depth())
            .max()
            .unwrap_or_default()
            + 1
    }

    fn is_idempotent(&self) -> bool {
        let mut routes = self.routes.iter();
        routes.all(|route| route.primitive.is_idempotent())
    }

    async fn execute(&self, input: I, ctx: &WorkflowContext) -> Result<O> {
        let metrics = self
            .metrics
            .get_or_init(|| Metrics::of(&self.name, self.names.iter().map(String::as_str)));
        let call = ctx.metered();
        let selected = self.decide(&input, &call, metrics)?;
        let route = self
            .routes
            .get(selected.index)
            .ok_or_else(|| self.no_route("it has no routes"))?;
        let deciding = call.usage();
        // A strategy that reports what it cost is rare; its report must not pass for the route's.
        let call = if deciding == Usage::default() {
            call
        } else {
            call.metered()
        };
        let mut account = Account {
            router: self,
            metrics,
            index: selected.index,
            ctx,
            deciding_nano_usd: deciding.cost_nano_usd.unwrap_or_default(),
            begun: ctx.now(),
            call: &call,
            open: true,
        };
        ctx.in_span(&EXECUTE_SPAN, async {
            if ctx.is_sampled() {
                let name = self.names.get(selected.index).cloned().unwrap_or_default();
                ctx.set_attribute("route_selected", name);
            }
            let result = route.primitive.execute(input, &call).await;
            account.close(result.as_ref().err());
            result
        })
        .await
    }
}

impl<I, O> fmt::Debug for RouterPrimitive<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterPrimitive")
            .field("name", &self.name)
            .field("routes", &self.names)
            .field("savings", &self.ledger.read())
            .finish_non_exhaustive()
    }
}
