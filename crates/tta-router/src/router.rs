//! Choosing a route, running it, and accounting for it.

mod account;
mod call;
mod select;

use std::fmt;
use std::sync::OnceLock;

use tta_core::{BoxPrimitive, Primitive, Result, Usage, WorkflowContext};

use crate::builder::RouterBuilder;
use crate::cascade::Cascade;
use crate::decision::RoutingDecision;
use crate::live::RouteTable;
use crate::metrics::Metrics;
use crate::savings::{Ledger, Savings};
use crate::strategy::RoutingStrategy;

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
/// Dropping the future drops the route's, or the verifier's; what they reported to have cost by then
/// is charged. A call that is dropped says nothing of the route's health.
pub struct RouterPrimitive<I, O> {
    pub(crate) name: String,
    pub(crate) table: RouteTable,
    /// What runs, in the order of the table's rows.
    pub(crate) routes: Vec<BoxPrimitive<I, O>>,
    /// What follows on each route.
    pub(crate) cascades: Vec<Option<Cascade<I, O>>>,
    pub(crate) default: Option<usize>,
    pub(crate) strategy: Option<Box<dyn RoutingStrategy<I>>>,
    pub(crate) expected_usage: Option<Box<dyn Fn(&I) -> Usage + Send + Sync>>,
    pub(crate) ledger: Ledger,
    /// Resolved at the first execution, when the primitive has its name.
    pub(crate) metrics: OnceLock<Metrics>,
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

    /// Decides for a route without running it; nothing is counted. A strategy that gives each route
    /// its turn takes this for a turn.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`](tta_core::ErrorKind::NotFound) if the strategy fails or names a route
    /// that does not exist, and there is no default.
    pub fn decide_route(&self, input: &I, ctx: &WorkflowContext) -> Result<RoutingDecision<'_>> {
        self.preview(input, ctx)
    }

    /// What routing has cost and saved so far.
    pub fn savings(&self) -> Savings {
        self.ledger.read()
    }

    /// The names of the routes, in the order in which they were added.
    pub fn routes(&self) -> impl Iterator<Item = &str> {
        self.table.names()
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
        let deepest = self.routes.iter().map(Primitive::depth).max();
        deepest.unwrap_or_default() + 1
    }

    fn is_idempotent(&self) -> bool {
        let mut routes = self.routes.iter();
        routes.all(Primitive::is_idempotent)
    }

    async fn execute(&self, input: I, ctx: &WorkflowContext) -> Result<O> {
        let metrics = self
            .metrics
            .get_or_init(|| Metrics::of(&self.name, self.table.names()));
        self.answer(input, ctx, metrics).await
    }
}

impl<I, O> fmt::Debug for RouterPrimitive<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterPrimitive")
            .field("name", &self.name)
            .field("routes", &self.table.listed())
            .field("savings", &self.ledger.read())
            .finish_non_exhaustive()
    }
}
