//! Strategies that come with the crate.

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use tta_core::{Result, WorkflowContext};

use crate::complexity::complexity;
use crate::decision::Reason;
use crate::strategy::{Choice, Routes, RoutingStrategy};

/// Takes the route of the first rule that matches, and the router's default if none does.
///
/// # Examples
///
/// ```
/// use tta_router::ByRule;
///
/// let strategy = ByRule::new()
///     .when(|q: &String, _| q.contains("```"), "code")
///     .when(|_, ctx| ctx.has_tag("premium"), "premium");
/// ```
#[must_use]
pub struct ByRule<I> {
    rules: Vec<(Box<Predicate<I>>, Cow<'static, str>)>,
}

type Predicate<I> = dyn Fn(&I, &WorkflowContext) -> bool + Send + Sync;

impl<I> ByRule<I> {
    /// No rules yet.
    pub const fn new() -> Self {
        Self { rules: Vec::new() }
    }

    /// Takes `route` where the predicate holds and no earlier rule matches.
    pub fn when(
        mut self,
        predicate: impl Fn(&I, &WorkflowContext) -> bool + Send + Sync + 'static,
        route: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.rules.push((Box::new(predicate), route.into()));
        self
    }
}

impl<I> Default for ByRule<I> {
    fn default() -> Self {
        Self::new()
    }
}

impl<I> RoutingStrategy<I> for ByRule<I> {
    fn choose(&self, input: &I, ctx: &WorkflowContext, _: &Routes<'_>) -> Result<Choice> {
        let matching = self.rules.iter().find(|(matches, _)| matches(input, ctx));
        Ok(matching.map_or_else(Choice::default_route, |(_, route)| {
            Choice::route(route.clone()).with_reason(Reason::Rule)
        }))
    }
}

impl<I> fmt::Debug for ByRule<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes = self.rules.iter().map(|(_, route)| route);
        f.debug_list().entries(routes).finish()
    }
}

/// Takes a route by how [complex](complexity) the prompt is.
///
/// # Examples
///
/// ```
/// use tta_router::ByComplexity;
///
/// let strategy = ByComplexity::new(|q: &String| q.as_str())
///     .below(0.35, "cheap")
///     .otherwise("premium");
/// ```
#[must_use]
pub struct ByComplexity<I> {
    prompt: Box<Prompt<I>>,
    /// Ascending.
    bands: Vec<(f64, Cow<'static, str>)>,
    otherwise: Option<Cow<'static, str>>,
}

type Prompt<I> = dyn Fn(&I) -> &str + Send + Sync;

impl<I> ByComplexity<I> {
    /// Scores what `prompt` finds in the input.
    pub fn new(prompt: impl Fn(&I) -> &str + Send + Sync + 'static) -> Self {
        Self {
            prompt: Box::new(prompt),
            bands: Vec::new(),
            otherwise: None,
        }
    }

    /// Takes `route` for scores below `score` that no lower band takes.
    pub fn below(mut self, score: f64, route: impl Into<Cow<'static, str>>) -> Self {
        self.bands.push((score, route.into()));
        self.bands.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        self
    }

    /// Takes `route` for all higher scores, instead of the router's default.
    pub fn otherwise(mut self, route: impl Into<Cow<'static, str>>) -> Self {
        self.otherwise = Some(route.into());
        self
    }
}

impl<I> RoutingStrategy<I> for ByComplexity<I> {
    fn choose(&self, input: &I, _: &WorkflowContext, _: &Routes<'_>) -> Result<Choice> {
        let score = complexity((self.prompt)(input)).score;
        let band = self.bands.iter().find(|(below, _)| score < *below);
        let route = band.map(|(_, route)| route).or(self.otherwise.as_ref());
        let choice = route.map_or_else(Choice::default_route, |route| {
            Choice::route(route.clone()).with_reason(Reason::Score)
        });
        Ok(choice.with_score(score))
    }
}

impl<I> fmt::Debug for ByComplexity<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByComplexity")
            .field("bands", &self.bands)
            .field("otherwise", &self.otherwise)
            .finish_non_exhaustive()
    }
}

/// Takes the routes in turn.
#[derive(Debug, Default)]
pub struct RoundRobin {
    next: AtomicUsize,
}

impl RoundRobin {
    /// Begins with the first route.
    pub const fn new() -> Self {
        Self {
            next: AtomicUsize::new(0),
        }
    }
}

impl<I> RoutingStrategy<I> for RoundRobin {
    fn choose(&self, _: &I, _: &WorkflowContext, routes: &Routes<'_>) -> Result<Choice> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        // A router has at least one route.
        let index = turn.checked_rem(routes.count()).unwrap_or_default();
        Ok(Choice::at(index).with_reason(Reason::RoundRobin))
    }
}
