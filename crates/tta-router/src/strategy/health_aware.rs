//! Not where calls fail.

use std::time::Duration;

use tta_core::{Error, ErrorKind, Result, WorkflowContext};

use super::RoutingStrategy;
use crate::decision::Choice;
use crate::reason::RouteReason;
use crate::routes::{Health, LeftOut, Routes};

/// Leaves failing routes out of what another strategy chooses from.
///
/// A route that has failed several times in a row is left out for a cooldown. Then one caller is let
/// through; if it is answered the route is back, if it fails the cooldown begins again. A route whose
/// error says how long to wait (`retry_after`) is left out that long, after one error already.
///
/// The inner strategy chooses among what is left. One that insists on a route that is left out, as a
/// rule does, is overruled: the first healthy route in the order in which they were added is taken,
/// for the reason `unhealthy`. When every route is left out, the inner strategy is followed, since
/// trying beats refusing.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_router::{ByRule, HealthAware};
///
/// let rule = ByRule::otherwise("cheap").when("premium", |question: &String, _| question.len() > 400);
/// let strategy = HealthAware::new(rule).with_failures(3).with_cooldown(Duration::from_secs(60));
/// ```
#[derive(Debug)]
pub struct HealthAware<S> {
    inner: S,
    failures: u32,
    cooldown: Duration,
}

impl<S> HealthAware<S> {
    /// Five failures in a row and a cooldown of 5 s.
    pub const fn new(inner: S) -> Self {
        Self::standard(inner)
    }

    /// Five failures in a row and a cooldown of 5 s: for services of one's own, where a restart
    /// takes seconds and a few errors in a row happen by chance.
    pub const fn standard(inner: S) -> Self {
        Self {
            inner,
            failures: 5,
            cooldown: Duration::from_secs(5),
        }
    }

    /// Three failures in a row and a cooldown of 30 s: for providers of models, where a failed call
    /// has kept its user waiting for seconds, another provider is at hand, and an outage takes
    /// minutes.
    pub const fn llm(inner: S) -> Self {
        Self {
            inner,
            failures: 3,
            cooldown: Duration::from_secs(30),
        }
    }

    /// How many calls in a row must fail until a route is left out; zero is refused when the router
    /// is built.
    #[must_use]
    pub const fn with_failures(mut self, failures: u32) -> Self {
        self.failures = failures;
        self
    }

    /// How long a failing route is left out until one caller tries it; zero is refused when the
    /// router is built.
    #[must_use]
    pub const fn with_cooldown(mut self, cooldown: Duration) -> Self {
        self.cooldown = cooldown;
        self
    }
}

impl<I, S: RoutingStrategy<I>> RoutingStrategy<I> for HealthAware<S> {
    fn choose<'a>(
        &'a self,
        input: &I,
        ctx: &WorkflowContext,
        routes: Routes<'a>,
    ) -> Result<Choice<'a>> {
        let rule = LeftOut {
            failures: self.failures,
            cooldown: self.cooldown,
        };
        let left = routes.leaving_out(rule);
        if left.count() == 0 {
            return self.inner.choose(input, ctx, routes);
        }
        let choice = self.inner.choose(input, ctx, left)?;
        // A name that no route has is the router's to deal with.
        let Some(wanted) = routes.named(&choice.route) else {
            return Ok(choice);
        };
        match rule.health(&wanted) {
            Health::Well => Ok(choice),
            Health::Recovering => Ok(choice.as_probe()),
            Health::Resting => {
                let well = left.iter().find(|it| rule.health(it) == Health::Well);
                let Some(other) = well.or_else(|| left.at(0)) else {
                    return Ok(choice);
                };
                if ctx.is_sampled() {
                    ctx.set_attribute("route.avoided", wanted.name().to_owned());
                    ctx.set_attribute("route.failures", wanted.consecutive_failures());
                }
                let instead = other.choose(RouteReason::Unhealthy);
                Ok(match rule.health(&other) {
                    Health::Recovering => instead.as_probe(),
                    Health::Well | Health::Resting => instead,
                })
            }
        }
    }

    fn validate(&self, routes: Routes<'_>) -> Result<()> {
        if self.failures == 0 || self.cooldown.is_zero() {
            let message = "a route that is left out after no failure, or for no time, makes no sense; \
                           give `HealthAware` a number of failures and a cooldown above zero";
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        self.inner.validate(routes)
    }
}
