//! Easy here, hard there.

use std::borrow::Cow;
use std::fmt;

use tta_core::{Attribute, Error, ErrorKind, Result, WorkflowContext};

use super::{RoutingStrategy, known};
use crate::complexity::complexity;
use crate::decision::Choice;
use crate::reason::RouteReason;
use crate::routes::Routes;

/// Takes the cheap route for what looks easy and the premium one for the rest.
///
/// # Examples
///
/// ```
/// use tta_router::ByComplexity;
///
/// let strategy = ByComplexity::new("cheap", "premium", |question: &String| question.as_str())
///     .with_threshold(0.3);
/// ```
pub struct ByComplexity<F> {
    cheap: Cow<'static, str>,
    premium: Cow<'static, str>,
    prompt: F,
    threshold: f64,
}

impl<F> ByComplexity<F> {
    /// Scores the prompt that `prompt` finds in the input.
    pub fn new<I>(
        cheap: impl Into<Cow<'static, str>>,
        premium: impl Into<Cow<'static, str>>,
        prompt: F,
    ) -> Self
    where
        F: Fn(&I) -> &str + Send + Sync,
    {
        Self {
            cheap: cheap.into(),
            premium: premium.into(),
            prompt,
            threshold: THRESHOLD,
        }
    }

    /// From which score on the premium route is taken; 0.25 by default.
    #[must_use]
    pub fn with_threshold(mut self, threshold: f64) -> Self {
        self.threshold = threshold;
        self
    }
}

impl<I, F> RoutingStrategy<I> for ByComplexity<F>
where
    F: Fn(&I) -> &str + Send + Sync,
{
    fn choose<'a>(&'a self, input: &I, ctx: &WorkflowContext, _: Routes<'a>) -> Result<Choice<'a>> {
        let signs = complexity((self.prompt)(input));
        let score = signs.score();
        let route = if score < self.threshold {
            &self.cheap
        } else {
            &self.premium
        };
        if ctx.is_sampled() {
            ctx.set_attributes([
                Attribute::new("route.threshold", self.threshold),
                Attribute::new("route.length", signs.length),
                Attribute::new("route.structure", signs.structure),
                Attribute::new("route.code", signs.code),
                Attribute::new("route.digits", signs.digits),
                Attribute::new("route.reasoning", signs.reasoning),
            ]);
        }
        Ok(Choice::new(&**route, RouteReason::Complexity).with_score(score))
    }

    fn validate(&self, routes: Routes<'_>) -> Result<()> {
        if self.threshold.is_nan() {
            let message = "a threshold that is no number is on neither side of any score; \
                           give `ByComplexity` one between 0 and 1";
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        known([&*self.cheap, &*self.premium], routes)
    }
}

impl<F> fmt::Debug for ByComplexity<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByComplexity")
            .field("cheap", &self.cheap)
            .field("premium", &self.premium)
            .field("threshold", &self.threshold)
            .finish_non_exhaustive()
    }
}

const THRESHOLD: f64 = 0.25;
