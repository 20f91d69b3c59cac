//! Choosing a route, taking it, and booking what it cost.

mod settlement;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};

use tta_core::{
    Attribute, BoxPrimitive, Error, ErrorKind, Primitive, Result, Unit, Usage, WorkflowContext,
};

use self::settlement::Settlement;
use crate::builder::RouterBuilder;
use crate::catalog::{EXECUTE_SPAN, SELECT_SPAN};
use crate::decision::{Reason, RoutingDecision};
use crate::ledger::{Ledger, Savings};
use crate::metrics::Metrics;
use crate::price::Price;
use crate::strategy::{Choice, Routes, RoutingStrategy, Target};

/// Picks one of several flows for each input.
///
/// # Examples
///
/// ```
/// use tta_core::step;
/// use tta_router::{ByComplexity, Price, RouterPrimitive};
///
/// let small = step("small", async |q: String| Ok(q.len()));
/// let large = step("large", async |q: String| Ok(q.len()));
/// let flow = RouterPrimitive::builder()
///     .priced_route("small", Price::per_million_tokens(0.15, 0.60), small)
///     .priced_route("large", Price::per_million_tokens(2.50, 10.00), large)
///     .strategy(ByComplexity::new(|q: &String| q.as_str()).below(0.35, "small"))
///     .default_route("large")
///     .build()?;
///
/// let decision = flow.decide_route(&"What is Rust?".to_owned(), &Default::default())?;
/// assert_eq!(&*decision.route, "small");
/// # Ok::<(), tta_core::Error>(())
/// ```
///
/// # Cancellation
///
/// Dropping the future drops the route that was taken; what its steps have reported by then is
/// charged.
pub struct RouterPrimitive<I, O> {
    pub(crate) routes: Vec<Route<I, O>>,
    pub(crate) strategy: Box<dyn RoutingStrategy<I>>,
    pub(crate) default: Option<usize>,
    pub(crate) estimate: Option<Box<Estimate<I>>>,
    pub(crate) ledger: Ledger,
    pub(crate) name: String,
    /// Resolved at the first use, when the primitive has its name.
    pub(crate) metrics: OnceLock<Metrics>,
}

/// A named flow and its price.
pub(crate) struct Route<I, O> {
    pub(crate) name: Arc<str>,
    pub(crate) price: Option<Price>,
    pub(crate) flow: BoxPrimitive<I, O>,
}

/// What a call is expected to use.
pub(crate) type Estimate<I> = dyn Fn(&I) -> Usage + Send + Sync;

impl<I: Send + Sync + 'static, O: Send + 'static> RouterPrimitive<I, O> {
    /// A router without routes yet.
    pub const fn builder() -> RouterBuilder<I, O> {
        RouterBuilder::new()
    }

    /// Decides on a route without taking it. The decision is neither counted nor traced, but a
    /// strategy that takes turns has taken one.
    ///
    /// # Errors
    ///
    /// The strategy failed, panicked, named a route that does not exist or left it open, and there
    /// is no default; the message lists the routes.
    pub fn decide_route(&self, input: &I, ctx: &WorkflowContext) -> Result<RoutingDecision> {
        let mut decision = self.choose(input, ctx)?;
        let usage = self.expected_usage(input);
        let own = self.routes.get(decision.index);
        let expected = own.and_then(|route| route.expected_cost(usage));
        let baseline = self.dearest(|route| route.expected_cost(usage));
        decision.expected_cost = expected.map(usd);
        decision.baseline_cost = baseline.map(usd);
        decision.expected_saving = decision
            .baseline_cost
            .zip(decision.expected_cost)
            .map(|(baseline, expected)| baseline - expected);
        Ok(decision)
    }

    /// What this router's calls have cost and saved so far.
    pub fn savings(&self) -> Savings {
        self.ledger.read()
    }

    /// Decides, and tells about it.
    fn select(&self, input: &I, ctx: &WorkflowContext) -> Result<RoutingDecision> {
        let begun = ctx.now();
        let decided = if ctx.is_sampled() {
            self.decide_route(input, ctx).inspect(|decision| {
                describe(decision, ctx);
            })
        } else {
            // What is expected to be spent is for the span alone.
            self.choose(input, ctx)
        };
        let metrics = self.metrics();
        let took = ctx.now().saturating_duration_since(begun);
        metrics.decision_duration.record_in(took, ctx);
        match &decided {
            Ok(decision) => {
                if let Some(count) = metrics.decisions(decision.index, decision.reason) {
                    count.increment_in(ctx);
                }
            }
            Err(error) => {
                ctx.set_attribute("error.type", error.kind().as_str());
                if let Some(count) = metrics.errors(None, error.kind()) {
                    count.increment_in(ctx);
                }
            }
        }
        decided
    }

    fn choose(&self, input: &I, ctx: &WorkflowContext) -> Result<RoutingDecision> {
        let routes = Routes::new(&self.routes);
        // A strategy that panicked is only read again, and what it changes is its own to guard.
        let chosen = catch_unwind(AssertUnwindSafe(|| {
            self.strategy.choose(input, ctx, &routes)
        }));
        match chosen {
            Ok(Ok(choice)) => self.resolve(choice),
            Ok(Err(error)) => self.or_default(Reason::StrategyError, None, || error),
            Err(_) => self.or_default(Reason::StrategyPanic, None, || {
                Error::new(ErrorKind::Panic, "the strategy panicked")
            }),
        }
    }

    fn resolve(&self, choice: Choice) -> Result<RoutingDecision> {
        let score = choice.score;
        let index = match &choice.target {
            Target::Named(name) => self.routes.iter().position(|route| *route.name == **name),
            Target::At(index) => Some(*index).filter(|index| *index < self.routes.len()),
            Target::Default => {
                return self.or_default(Reason::Default, score, || {
                    Error::new(ErrorKind::NotFound, "the strategy leaves it open")
                });
            }
        };
        match index {
            Some(index) => Ok(self.decision(index, choice.reason, score)),
            None => self.or_default(Reason::UnknownRoute, score, || {
                let named = match choice.target {
                    Target::Named(name) => format!("there is no route `{name}`"),
                    Target::At(index) => format!("there is no route at {index}"),
                    Target::Default => "there is no default route".to_owned(),
                };
                Error::new(ErrorKind::NotFound, named)
            }),
        }
    }

    /// The default route, with what made it necessary; without one, an error that lists the routes.
    fn or_default(
        &self,
        reason: Reason,
        score: Option<f64>,
        why: impl FnOnce() -> Error,
    ) -> Result<RoutingDecision> {
        let Some(index) = self.default else {
            let why = why();
            let routes: Vec<_> = self.routes.iter().map(|route| &*route.name).collect();
            let message = format!(
                "router `{}` found no route and has no default: {why}; its routes are {}",
                self.name,
                routes.join(", ")
            );
            return Err(Error::new(why.kind(), message).with_source(why));
        };
        let mut decision = self.decision(index, reason, score);
        if reason != Reason::Default {
            decision.detail = Some(why().to_string());
        }
        Ok(decision)
    }

    fn decision(&self, index: usize, reason: Reason, score: Option<f64>) -> RoutingDecision {
        let route = self.routes.get(index).map(|route| Arc::clone(&route.name));
        RoutingDecision {
            // Every index comes from a search of the routes or was compared with their number.
            route: route.unwrap_or_else(|| Arc::from("")),
            reason,
            score,
            expected_cost: None,
            baseline_cost: None,
            expected_saving: None,
            index,
            detail: None,
        }
    }

    /// What the user expects a call to use; a panic of theirs is no expectation.
    fn expected_usage(&self, input: &I) -> Option<Usage> {
        let estimate = self.estimate.as_ref()?;
        catch_unwind(AssertUnwindSafe(|| estimate(input))).ok()
    }
}

impl<I, O> RouterPrimitive<I, O> {
    /// The dearest of the routes whose cost is known.
    fn dearest(&self, cost: impl Fn(&Route<I, O>) -> Option<u64>) -> Option<u64> {
        self.routes.iter().filter_map(cost).max()
    }

    fn metrics(&self) -> &Metrics {
        self.metrics
            .get_or_init(|| Metrics::of(&self.name, self.routes.iter().map(|route| &*route.name)))
    }
}

impl<I: Send + Sync + 'static, O: Send + 'static> Primitive for RouterPrimitive<I, O> {
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
        let routes = self.routes.iter().map(|route| route.flow.depth());
        routes.max().unwrap_or_default() + 1
    }

    async fn execute(&self, input: I, ctx: &WorkflowContext) -> Result<O> {
        let metered = ctx.metered();
        let decision = ctx.in_span_now(&SELECT_SPAN, || self.select(&input, &metered))?;
        let Some(route) = self.routes.get(decision.index) else {
            // A decision names one of the routes.
            return Err(Error::msg(
                "a routing decision names a route that is not there",
            ));
        };
        let deciding = metered.usage();
        // A strategy that reports what it cost is rare; its report must not pass for the route's.
        let metered = if deciding == Usage::default() {
            metered
        } else {
            metered.metered()
        };
        ctx.in_span(&EXECUTE_SPAN, async {
            if ctx.is_sampled() {
                ctx.set_attribute("route_selected", decision.route.to_string());
            }
            let mut settlement = Settlement::begin(self, decision.index, deciding, &metered);
            let result = route.flow.execute(input, &metered).await;
            settlement.end(&result);
            result
        })
        .await
    }
}

impl<I, O> Route<I, O> {
    /// What a call of this usage costs by the route's price, if that can be known.
    fn expected_cost(&self, usage: Option<Usage>) -> Option<u64> {
        let price = self.price?;
        match usage {
            Some(usage) => Some(price.of(usage)),
            None if price.depends_on_usage() => None,
            None => Some(price.of(Usage::default())),
        }
    }
}

impl<I, O> fmt::Debug for Route<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("name", &self.name)
            .field("price", &self.price)
            .finish_non_exhaustive()
    }
}

impl<I, O> fmt::Debug for RouterPrimitive<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterPrimitive")
            .field("name", &self.name)
            .field("routes", &self.routes)
            .field("default", &self.default)
            .finish_non_exhaustive()
    }
}

fn describe(decision: &RoutingDecision, ctx: &WorkflowContext) {
    let route = decision.route.to_string();
    ctx.set_attribute("route_selected", route.clone());
    ctx.set_attribute("route.reason", decision.reason.as_str());
    let mut made = vec![
        Attribute::new("route_selected", route),
        Attribute::new("route.reason", decision.reason.as_str()),
    ];
    if let Some(score) = decision.score {
        ctx.set_attribute("route.score", score);
        made.push(Attribute::new("route.score", score));
    }
    if let Some(detail) = &decision.detail {
        ctx.set_attribute("route.detail", detail.clone());
    }
    if let Some(cost) = decision.expected_cost {
        ctx.set_attribute("route.expected_cost_usd", cost);
    }
    if let Some(cost) = decision.baseline_cost {
        ctx.set_attribute("route.baseline_cost_usd", cost);
    }
    ctx.event("route_decision_made", made);
}

fn usd(nano_usd: u64) -> f64 {
    nano_usd as f64 / Unit::UsDollars.scale()
}
