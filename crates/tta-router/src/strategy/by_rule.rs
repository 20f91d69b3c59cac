//! The first rule that matches.

use std::borrow::Cow;
use std::fmt;

use tta_core::{Result, WorkflowContext};

use super::{RoutingStrategy, known};
use crate::decision::Choice;
use crate::reason::RouteReason;
use crate::routes::Routes;

/// Takes the route of the first rule that matches, or the last one's.
///
/// # Examples
///
/// ```
/// use tta_router::ByRule;
///
/// let strategy = ByRule::otherwise("cheap")
///     .when("premium", |question: &String, _| question.len() > 400)
///     .when("code", |question: &String, _| question.contains("fn "));
/// ```
pub struct ByRule<I> {
    rules: Vec<(Cow<'static, str>, Box<Predicate<I>>)>,
    otherwise: Cow<'static, str>,
}

type Predicate<I> = dyn Fn(&I, &WorkflowContext) -> bool + Send + Sync;

impl<I> ByRule<I> {
    /// The route where no rule matches.
    pub fn otherwise(route: impl Into<Cow<'static, str>>) -> Self {
        Self {
            rules: Vec::new(),
            otherwise: route.into(),
        }
    }

    /// Takes `route` where `matches` says yes and no earlier rule does.
    #[must_use]
    pub fn when(
        mut self,
        route: impl Into<Cow<'static, str>>,
        matches: impl Fn(&I, &WorkflowContext) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.rules.push((route.into(), Box::new(matches)));
        self
    }
}

impl<I> RoutingStrategy<I> for ByRule<I> {
    fn choose<'a>(&'a self, input: &I, ctx: &WorkflowContext, _: Routes<'a>) -> Result<Choice<'a>> {
        let matching = self
            .rules
            .iter()
            .position(|(_, matches)| matches(input, ctx));
        if let (true, Some(rule)) = (ctx.is_sampled(), matching) {
            ctx.set_attribute("route.rule", rule);
        }
        Ok(match matching.and_then(|rule| self.rules.get(rule)) {
            Some((route, _)) => Choice::new(&**route, RouteReason::Rule),
            None => Choice::new(&*self.otherwise, RouteReason::Default),
        })
    }

    fn validate(&self, routes: Routes<'_>) -> Result<()> {
        let named = self.rules.iter().map(|(route, _)| &**route);
        known(named.chain([&*self.otherwise]), routes)
    }
}

impl<I> fmt::Debug for ByRule<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let routes: Vec<_> = self.rules.iter().map(|(route, _)| route).collect();
        f.debug_struct("ByRule")
            .field("when", &routes)
            .field("otherwise", &self.otherwise)
            .finish()
    }
}
