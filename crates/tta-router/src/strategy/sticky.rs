//! The same for the same key.

use std::fmt;
use std::hash::{Hash, Hasher};

use tta_core::{Result, WorkflowContext};

use super::{RoundRobin, RoutingStrategy, nothing_to_choose};
use crate::decision::Choice;
use crate::reason::RouteReason;
use crate::routes::Routes;

/// Takes the same route for the same key: for conversations whose prompt a provider caches, or for
/// users who are to see one model.
///
/// Each key ranks all routes by a hash and takes the first. A route that is added takes over its share
/// of the keys, a route that is removed (or left out by [`HealthAware`](crate::HealthAware)) gives its
/// keys to the others, and no other key moves. Processes of the same program agree.
///
/// # Examples
///
/// ```
/// use tta_core::WorkflowContext;
/// use tta_router::{ByRule, Sticky};
///
/// let strategy = Sticky::by(|_: &String, ctx: &WorkflowContext| ctx.metadata("conversation"))
///     .otherwise(ByRule::<String>::otherwise("cheap"));
/// ```
///
/// # Source
///
/// Rendezvous hashing: D. G. Thaler and C. V. Ravishankar, Using name-based mappings to increase hit
/// rates, IEEE/ACM Transactions on Networking 6 (1), 1998.
pub struct Sticky<F, S = RoundRobin> {
    key: F,
    otherwise: S,
}

impl<F> Sticky<F> {
    /// Keys are what `key` finds in the input or its context; inputs without one take each route in
    /// turn.
    pub fn by<I, K>(key: F) -> Self
    where
        F: Fn(&I, &WorkflowContext) -> Option<K> + Send + Sync,
        K: Hash,
    {
        Self {
            key,
            otherwise: RoundRobin::new(),
        }
    }
}

impl<F, S> Sticky<F, S> {
    /// How a route is chosen for inputs without a key.
    #[must_use]
    pub fn otherwise<T>(self, strategy: T) -> Sticky<F, T> {
        Sticky {
            key: self.key,
            otherwise: strategy,
        }
    }
}

impl<I, K, F, S> RoutingStrategy<I> for Sticky<F, S>
where
    F: Fn(&I, &WorkflowContext) -> Option<K> + Send + Sync,
    K: Hash,
    S: RoutingStrategy<I>,
{
    fn choose<'a>(
        &'a self,
        input: &I,
        ctx: &WorkflowContext,
        routes: Routes<'a>,
    ) -> Result<Choice<'a>> {
        let Some(key) = (self.key)(input, ctx) else {
            return self.otherwise.choose(input, ctx, routes);
        };
        let key = hash_of(&key);
        let rank = |name: &str| mix(key ^ mix(hash_of(name)));
        let route = routes.iter().max_by_key(|route| rank(route.name()));
        if ctx.is_sampled() {
            ctx.set_attribute("route.key_hash", format!("{key:016x}"));
        }
        let route = route.ok_or_else(nothing_to_choose)?;
        Ok(route.choose(RouteReason::Sticky))
    }

    fn validate(&self, routes: Routes<'_>) -> Result<()> {
        self.otherwise.validate(routes)
    }
}

impl<F, S: fmt::Debug> fmt::Debug for Sticky<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sticky")
            .field("otherwise", &self.otherwise)
            .finish_non_exhaustive()
    }
}

/// FNV-1a. The hash of the standard library may change with its version, and every process that
/// routes for the same users has to agree.
struct Fnv(u64);

impl Hasher for Fnv {
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn finish(&self) -> u64 {
        mix(self.0)
    }
}

fn hash_of<T: Hash + ?Sized>(value: &T) -> u64 {
    let mut hasher = Fnv(0xcbf2_9ce4_8422_2325);
    value.hash(&mut hasher);
    hasher.finish()
}

/// The last step of `SplitMix64`: every bit of the outcome depends on every bit that goes in.
fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}
