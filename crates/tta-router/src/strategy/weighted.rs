//! Each by its share.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering};

use tta_core::{Error, ErrorKind, Result, WorkflowContext};

use super::{RoutingStrategy, known, nothing_to_choose};
use crate::decision::Choice;
use crate::reason::RouteReason;
use crate::routes::Routes;

/// Gives each route a share of the calls: for trying out a model on a few of them, or for accounts
/// with different quotas.
///
/// The shares are kept from call to call, not by chance: calls are spread so evenly that after
/// any number of them each route is within a handful of its share.
///
/// # Examples
///
/// ```
/// use tta_router::Weighted;
///
/// let strategy = Weighted::new([("proven", 95.0), ("new", 5.0)])?;
/// # Ok::<(), tta_core::Error>(())
/// ```
///
/// # Source
///
/// The multiples of the golden ratio, which fill an interval evenly: D. E. Knuth, The Art of
/// Computer Programming, volume 3, 6.4.
#[derive(Debug)]
pub struct Weighted {
    weights: Vec<(Cow<'static, str>, f64)>,
    next: AtomicU64,
}

impl Weighted {
    /// Shares in proportion to these weights; a route with the weight 0, or without one, gets
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for a weight that is negative or no number, for a route that is
    /// named twice, and where no weight is above zero.
    pub fn new<N>(weights: impl IntoIterator<Item = (N, f64)>) -> Result<Self>
    where
        N: Into<Cow<'static, str>>,
    {
        let refused = |message| Err(Error::new(ErrorKind::Configuration, message));
        let mut kept: Vec<(Cow<'static, str>, f64)> = Vec::new();
        for (name, weight) in weights {
            let name = name.into();
            if !weight.is_finite() || weight < 0.0 {
                return refused(format!(
                    "route `{name}` has the weight {weight}; give it a number from 0 up"
                ));
            }
            if kept.iter().any(|(other, _)| *other == name) {
                return refused(format!("route `{name}` has two weights; leave one"));
            }
            kept.push((name, weight));
        }
        if !kept.iter().any(|(_, weight)| *weight > 0.0) {
            return refused("no route has a weight above zero; give one a share".to_owned());
        }
        Ok(Self {
            weights: kept,
            next: AtomicU64::new(0),
        })
    }

    /// The weight of a route.
    fn of(&self, name: &str) -> f64 {
        let found = self.weights.iter().find(|(other, _)| other == name);
        found.map_or(0.0, |(_, weight)| *weight)
    }
}

impl<I> RoutingStrategy<I> for Weighted {
    fn choose<'a>(
        &'a self,
        _: &I,
        ctx: &WorkflowContext,
        routes: Routes<'a>,
    ) -> Result<Choice<'a>> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let place = turn.wrapping_mul(GOLDEN) as f64 / TWO_TO_64;
        let shares = || routes.iter().map(|route| (route, self.of(route.name())));
        let all: f64 = shares().map(|(_, weight)| weight).sum();
        let mut left = place * all;
        let mut chosen = None;
        for (route, weight) in shares().filter(|(_, weight)| *weight > 0.0) {
            chosen = Some((route, weight));
            if left < weight {
                break;
            }
            left -= weight;
        }
        let (route, weight) = chosen.ok_or_else(nothing_to_choose)?;
        if ctx.is_sampled() {
            ctx.set_attribute("route.share", weight / all);
        }
        Ok(route.choose(RouteReason::Weighted))
    }

    fn validate(&self, routes: Routes<'_>) -> Result<()> {
        known(self.weights.iter().map(|(name, _)| &**name), routes)
    }
}

/// The golden ratio's part behind the point, of 2^64, as an odd number.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

const TWO_TO_64: f64 = 18_446_744_073_709_551_616.0;
