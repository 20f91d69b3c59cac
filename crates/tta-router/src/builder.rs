//! Putting a router together.

use std::fmt;
use std::sync::OnceLock;

use tta_core::{Error, ErrorKind, Flow, IntoFlow, Observed, Result, Usage};

use crate::ledger::Ledger;
use crate::metrics::NO_ROUTE;
use crate::price::Price;
use crate::router::{Estimate, Route, RouterPrimitive};
use crate::strategy::RoutingStrategy;

/// Puts a [`RouterPrimitive`] together; see [`RouterPrimitive::builder`].
#[must_use]
pub struct RouterBuilder<I, O> {
    routes: Vec<Route<I, O>>,
    strategy: Option<Box<dyn RoutingStrategy<I>>>,
    default: Option<String>,
    estimate: Option<Box<Estimate<I>>>,
    error: Option<Error>,
}

impl<I: Send + Sync + 'static, O: Send + 'static> RouterBuilder<I, O> {
    pub(crate) const fn new() -> Self {
        Self {
            routes: Vec::new(),
            strategy: None,
            default: None,
            estimate: None,
            error: None,
        }
    }

    /// A route of this name, of whose price nothing is known but what its steps
    /// [report](tta_core::WorkflowContext::report_cost).
    pub fn route<F>(self, name: impl Into<String>, flow: F) -> Self
    where
        F: IntoFlow<Input = I, Output = O>,
        F::Primitive: 'static,
    {
        self.with_route(&name.into(), None, flow)
    }

    /// A route of this name and price. What its steps report themselves wins over the price.
    pub fn priced_route<F>(self, name: impl Into<String>, price: Price, flow: F) -> Self
    where
        F: IntoFlow<Input = I, Output = O>,
        F::Primitive: 'static,
    {
        self.with_route(&name.into(), Some(price), flow)
    }

    /// How a route is chosen; required.
    pub fn strategy(mut self, strategy: impl RoutingStrategy<I> + 'static) -> Self {
        self.strategy = Some(Box::new(strategy));
        self
    }

    /// The route taken where the strategy fails, panics, names a route that does not exist, or
    /// leaves it open. Without one these are errors.
    pub fn default_route(mut self, name: impl Into<String>) -> Self {
        self.default = Some(name.into());
        self
    }

    /// What a call is expected to use, for the costs of a
    /// [`RoutingDecision`](crate::RoutingDecision). What a call did use is measured.
    pub fn estimate_usage(
        mut self,
        estimate: impl Fn(&I) -> Usage + Send + Sync + 'static,
    ) -> Self {
        self.estimate = Some(Box::new(estimate));
        self
    }

    /// The flow.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if there is no route or no strategy, if two routes have one
    /// name, if a name is empty or `none`, if the default is not among the routes, if a price is no
    /// amount of money, or if a route lies too deep; see [`Flow::boxed`].
    pub fn build(self) -> Result<Flow<Observed<RouterPrimitive<I, O>>>> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if self.routes.is_empty() {
            return Err(misuse("a router needs at least one route".to_owned()));
        }
        let Some(strategy) = self.strategy else {
            let message = "a router needs a strategy to choose a route by; give it one, such as \
                           `RoundRobin::new()` or a closure";
            return Err(misuse(message.to_owned()));
        };
        let known = |name: &String| self.routes.iter().position(|route| *route.name == **name);
        let default = match &self.default {
            Some(name) => Some(known(name).ok_or_else(|| {
                let routes: Vec<_> = self.routes.iter().map(|route| &*route.name).collect();
                misuse(format!(
                    "the default route `{name}` is not among the routes {}",
                    routes.join(", ")
                ))
            })?),
            None => None,
        };
        Ok(Flow::new(RouterPrimitive {
            routes: self.routes,
            strategy,
            default,
            estimate: self.estimate,
            ledger: Ledger::default(),
            name: "RouterPrimitive".to_owned(),
            metrics: OnceLock::new(),
        }))
    }

    fn with_route<F>(mut self, name: &str, price: Option<Price>, flow: F) -> Self
    where
        F: IntoFlow<Input = I, Output = O>,
        F::Primitive: 'static,
    {
        match self.checked(name, price, flow) {
            Ok(route) => self.routes.push(route),
            Err(error) => {
                self.error.get_or_insert(error);
            }
        }
        self
    }

    fn checked<F>(&self, name: &str, price: Option<Price>, flow: F) -> Result<Route<I, O>>
    where
        F: IntoFlow<Input = I, Output = O>,
        F::Primitive: 'static,
    {
        if name.is_empty() || name == NO_ROUTE {
            return Err(misuse(format!(
                "a route cannot be called `{name}`; give it another name"
            )));
        }
        if self.routes.iter().any(|route| *route.name == *name) {
            return Err(misuse(format!(
                "a router has two routes `{name}`; rename one"
            )));
        }
        Ok(Route {
            name: name.into(),
            price: price.map(Price::validated).transpose()?,
            flow: flow.into_flow().boxed()?.into_primitive(),
        })
    }
}

impl<I, O> fmt::Debug for RouterBuilder<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RouterBuilder")
            .field("routes", &self.routes)
            .field("default", &self.default)
            .finish_non_exhaustive()
    }
}

fn misuse(message: String) -> Error {
    Error::new(ErrorKind::Configuration, message)
}
