//! Putting a router together.

use std::fmt;
use std::sync::OnceLock;
use std::time::Duration;

use tta_core::{BoxPrimitive, Error, ErrorKind, Flow, IntoFlow, Observed, Result, Usage};

use crate::cascade::{Edge, cascades};
use crate::cost::CostModel;
use crate::live::{Live, RouteRow, RouteTable};
use crate::metrics::NO_ROUTE;
use crate::router::RouterPrimitive;
use crate::routes::Routes;
use crate::savings::Ledger;
use crate::strategy::{ByComplexity, HealthAware, LeastInFlight, RoutingStrategy};
use crate::verifier::{BoxVerifier, Verifier};

/// Puts a [`RouterPrimitive`] together; see [`RouterPrimitive::builder`].
#[must_use]
pub struct RouterBuilder<I, O> {
    name: String,
    rows: Vec<RouteRow>,
    routes: Vec<BoxPrimitive<I, O>>,
    edges: Vec<Edge<I, O>>,
    default: Option<String>,
    strategy: Option<Box<dyn RoutingStrategy<I>>>,
    expected_usage: Option<Box<dyn Fn(&I) -> Usage + Send + Sync>>,
    half_life: Duration,
    error: Option<Error>,
}

impl<I, O> RouterBuilder<I, O>
where
    I: Send + 'static,
    O: Send + 'static,
{
    pub(crate) fn new() -> Self {
        Self {
            name: "RouterPrimitive".to_owned(),
            rows: Vec::new(),
            routes: Vec::new(),
            edges: Vec::new(),
            default: None,
            strategy: None,
            expected_usage: None,
            half_life: HALF_LIFE,
            error: None,
        }
    }

    /// Adds a route: a flow, or any primitive, and what a call of it costs.
    pub fn route<F>(mut self, name: impl Into<String>, flow: F, cost: CostModel) -> Self
    where
        F: IntoFlow<Input = I, Output = O>,
        F::Primitive: 'static,
    {
        let name = name.into();
        if name.is_empty() || name == NO_ROUTE {
            self.fail(format!(
                "a route cannot be called `{name}`; give it another name"
            ));
        }
        if self.rows.iter().any(|row| row.name == name) {
            self.fail(format!("router has two routes `{name}`; rename one"));
        }
        let boxed: Result<(BoxPrimitive<I, O>, CostModel)> = flow
            .into_flow()
            .boxed()
            .and_then(|flow| Ok((flow.into_primitive(), cost.validated(&name)?)));
        match boxed {
            Ok((primitive, cost)) => {
                self.routes.push(primitive);
                self.rows.push(RouteRow {
                    name,
                    model: None,
                    cost,
                    live: Live::default(),
                });
            }
            Err(error) => {
                self.error.get_or_insert(error);
            }
        }
        self
    }

    /// Names the model behind a route that was added before: decisions and spans carry it.
    pub fn model(mut self, route: impl AsRef<str>, model: impl Into<String>) -> Self {
        let route = route.as_ref();
        if let Some(row) = self.rows.iter_mut().find(|row| row.name == route) {
            row.model = Some(model.into());
        } else {
            self.fail(format!(
                "a model is named for a route `{route}` that was not added; add the route first"
            ));
        }
        self
    }

    /// The route where the strategy fails or names one that does not exist.
    pub fn default_route(mut self, name: impl Into<String>) -> Self {
        self.default = Some(name.into());
        self
    }

    /// How a route is chosen; without one every call takes the default route, or the first of the
    /// cascade.
    pub fn strategy(mut self, strategy: impl RoutingStrategy<I> + 'static) -> Self {
        self.strategy = Some(Box::new(strategy));
        self
    }

    /// For routes of one kind, such as deployments of one model: the one that is working on the
    /// fewest calls, since that is what evens out slow ones without being told of any; and five
    /// failures in a row leave a route out for 5 s (see [`HealthAware::standard`]).
    pub fn standard(self) -> Self {
        self.strategy(HealthAware::standard(LeastInFlight::new()))
    }

    /// For a cheap and a premium model: what looks hard goes to the premium one, which is also the
    /// default, since a wrong answer costs more than a dear one; and three failures in a row leave a
    /// route out for 30 s (see [`HealthAware::llm`]). The prompt is what `prompt` finds in the input.
    pub fn llm<F>(self, cheap: &'static str, premium: &'static str, prompt: F) -> Self
    where
        F: Fn(&I) -> &str + Send + Sync + 'static,
    {
        let strategy = ByComplexity::new(cheap, premium, prompt);
        self.strategy(HealthAware::llm(strategy))
            .default_route(premium)
    }

    /// Has the answers of one route judged, and what is refused answered by another route: cheap
    /// first, premium if need be.
    ///
    /// It does not matter how a call came to the route `from`. Where neither a strategy nor a
    /// default is given every call begins there. A cascade may lead on to the beginning of another.
    ///
    /// The call that was in vain is charged, and so is what the verifier reports to have cost. A
    /// verifier that fails has not accepted.
    ///
    /// # Examples
    ///
    /// ```
    /// use tta_core::step;
    /// use tta_router::{CostModel, RouterPrimitive};
    ///
    /// let small = step("small", async |question: String| Ok(format!("{question}? Not sure")));
    /// let large = step("large", async |question: String| Ok(format!("{question}? Yes")));
    ///
    /// let router = RouterPrimitive::builder()
    ///     .route("cheap", small, CostModel::per_call(0.001))
    ///     .route("premium", large, CostModel::per_call(0.03))
    ///     .cascade("cheap", "premium", |_: &String, answer: &String| !answer.contains("Not sure"))
    ///     .cascade_errors("cheap", "premium")
    ///     .build()?;
    /// # Ok::<(), tta_core::Error>(())
    /// ```
    pub fn cascade<V, M>(self, from: impl Into<String>, to: impl Into<String>, verifier: V) -> Self
    where
        I: Clone + Sync,
        O: Sync,
        V: Verifier<I, O, M> + 'static,
        M: 'static,
    {
        self.edge(from.into(), to.into(), Some(BoxVerifier::new(verifier)))
    }

    /// Has another route answer where one fails. If that fails too the error is the first one's, with
    /// the other [related](Error::related).
    pub fn cascade_errors(self, from: impl Into<String>, to: impl Into<String>) -> Self
    where
        I: Clone,
    {
        self.edge(from.into(), to.into(), None)
    }

    /// What a call is expected to use, so that decisions can say what they expect to save.
    pub fn expected_usage(mut self, usage: impl Fn(&I) -> Usage + Send + Sync + 'static) -> Self {
        self.expected_usage = Some(Box::new(usage));
        self
    }

    /// Within which time an observed latency comes to count for half; 10 s by default.
    pub fn latency_half_life(mut self, half_life: Duration) -> Self {
        self.half_life = half_life;
        self
    }

    /// The name of this instance: its spans, and the `primitive` label of its metrics.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// The router.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if there is no route or two of one name; if the default, a
    /// cascade or the strategy names a route that is not among them; if there is neither a strategy
    /// nor a default nor a cascade; for a cascade that leads back to where it began; for a price that
    /// is negative or no number; for a half-life of zero; and for a route that lies too deep (see
    /// [`Flow::boxed`]).
    pub fn build(mut self) -> Result<Flow<Observed<RouterPrimitive<I, O>>>> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        if self.rows.is_empty() {
            return Err(refused("a router needs at least one route"));
        }
        if self.half_life.is_zero() {
            return Err(refused(
                "a half-life of zero forgets what it observes; give `latency_half_life` a time above \
                 zero",
            ));
        }
        let table = RouteTable::new(self.rows, self.half_life);
        let first = self.edges.first().map(|edge| edge.from.clone());
        let default = match (self.default, &self.strategy) {
            (None, None) => first,
            (default, _) => default,
        };
        if default.is_none() && self.strategy.is_none() {
            return Err(refused(
                "a router needs a strategy or a default route or a cascade",
            ));
        }
        let cascades = cascades(self.edges, &table)?;
        let index = default.as_ref().and_then(|name| table.position(name));
        if let (Some(name), None) = (&default, index) {
            let known = table.listed();
            return Err(refused(format!(
                "router has no route `{name}` to be its default; it has {known}"
            )));
        }
        if let Some(strategy) = &self.strategy {
            strategy.validate(Routes::before_any_call(&table))?;
        }
        Ok(Flow::new(RouterPrimitive {
            name: self.name,
            table,
            routes: self.routes,
            cascades,
            default: index,
            strategy: self.strategy,
            expected_usage: self.expected_usage,
            ledger: Ledger::default(),
            metrics: OnceLock::new(),
        }))
    }

    fn edge(mut self, from: String, to: String, verifier: Option<BoxVerifier<I, O>>) -> Self
    where
        I: Clone,
    {
        self.edges.push(Edge {
            from,
            to,
            verifier,
            keep: I::clone,
        });
        self
    }

    fn fail(&mut self, message: String) {
        self.error.get_or_insert_with(|| refused(message));
    }
}

impl<I, O> fmt::Debug for RouterBuilder<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes: Vec<_> = self.rows.iter().map(|row| &row.name).collect();
        f.debug_struct("RouterBuilder")
            .field("name", &self.name)
            .field("routes", &routes)
            .field("default", &self.default)
            .finish_non_exhaustive()
    }
}

fn refused(message: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(ErrorKind::Configuration, message)
}

const HALF_LIFE: Duration = Duration::from_secs(10);
