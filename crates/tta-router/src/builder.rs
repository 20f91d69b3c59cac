//! Putting a router together.

use std::fmt;
use std::sync::OnceLock;

use tta_core::{BoxPrimitive, Error, ErrorKind, Flow, IntoFlow, Observed, Result, Usage};

use crate::cost::CostModel;
use crate::metrics::NO_ROUTE;
use crate::router::{Route, RouterPrimitive};
use crate::savings::Ledger;
use crate::strategy::RoutingStrategy;

/// Puts a [`RouterPrimitive`] together; see [`RouterPrimitive::builder`].
#[must_use]
pub struct RouterBuilder<I, O> {
    name: String,
    names: Vec<String>,
    routes: Vec<Route<I, O>>,
    default: Option<String>,
    strategy: Option<Box<dyn RoutingStrategy<I>>>,
    expected_usage: Option<Box<dyn Fn(&I) -> Usage + Send + Sync>>,
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
            names: Vec::new(),
            routes: Vec::new(),
            default: None,
            strategy: None,
            expected_usage: None,
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
        if self.names.contains(&name) {
            self.fail(format!("router has two routes `{name}`; rename one"));
        }
        let boxed: Result<(BoxPrimitive<I, O>, CostModel)> = flow
            .into_flow()
            .boxed()
            .and_then(|flow| Ok((flow.into_primitive(), cost.validated(&name)?)));
        match boxed {
            Ok((primitive, cost)) => {
                self.routes.push(Route { primitive, cost });
                self.names.push(name);
            }
            Err(error) => {
                self.error.get_or_insert(error);
            }
        }
        self
    }

    /// The route where the strategy fails or names one that does not exist.
    pub fn default_route(mut self, name: impl Into<String>) -> Self {
        self.default = Some(name.into());
        self
    }

    /// How a route is chosen; without one every call takes the default route.
    pub fn strategy(mut self, strategy: impl RoutingStrategy<I> + 'static) -> Self {
        self.strategy = Some(Box::new(strategy));
        self
    }

    /// What a call is expected to use, so that decisions can say what they expect to save.
    pub fn expected_usage(mut self, usage: impl Fn(&I) -> Usage + Send + Sync + 'static) -> Self {
        self.expected_usage = Some(Box::new(usage));
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
    /// [`ErrorKind::Configuration`] if there is no route or two of one name, if the default is not
    /// among them, if there is neither a strategy nor a default, for a price that is negative or no
    /// number, and for a route that lies too deep (see [`Flow::boxed`]).
    pub fn build(mut self) -> Result<Flow<Observed<RouterPrimitive<I, O>>>> {
        if self.routes.is_empty() {
            self.fail("a router needs at least one route".to_owned());
        }
        let default = self.default.take();
        let index = default
            .as_ref()
            .and_then(|name| self.names.iter().position(|n| n == name));
        if let (Some(name), None) = (&default, index) {
            let known = self.names.join(", ");
            self.fail(format!(
                "router has no route `{name}` to be its default; it has {known}"
            ));
        }
        if default.is_none() && self.strategy.is_none() {
            self.fail("a router needs a strategy or a default route".to_owned());
        }
        if let Some(error) = self.error {
            return Err(error);
        }
        Ok(Flow::new(RouterPrimitive {
            name: self.name,
            names: self.names,
            routes: self.routes,
            default: index,
            strategy: self.strategy,
            expected_usage: self.expected_usage,
            ledger: Ledger::default(),
            metrics: OnceLock::new(),
        }))
    }

    fn fail(&mut self, message: String) {
        self.error
            .get_or_insert_with(|| Error::new(ErrorKind::Configuration, message));
    }
}

impl<I, O> fmt::Debug for RouterBuilder<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterBuilder")
            .field("name", &self.name)
            .field("routes", &self.names)
            .field("default", &self.default)
            .finish_non_exhaustive()
    }
}
