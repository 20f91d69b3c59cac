//! The method on flows.

use tta_core::{Flow, Observed, Primitive, Result};

use crate::bulkhead::Bulkhead;
use crate::bulkhead_primitive::BulkheadPrimitive;
use crate::config::{BulkheadConfig, RateLimitConfig};
use crate::rate_limit::RateLimit;
use crate::rate_limit_primitive::RateLimitPrimitive;

/// Adds [`limit`](Self::limit) to flows.
pub trait LimitExt {
    /// What the flow consists of.
    type Primitive: Primitive;

    /// Limits how many executions are under way at once ([`BulkheadConfig`]) or begin in a time
    /// ([`RateLimitConfig`]); or draws on a [`Bulkhead`] or [`RateLimit`] that other flows share.
    ///
    /// # Examples
    ///
    /// ```
    /// use tta_core::step;
    /// use tta_limit::{BulkheadConfig, LimitExt, RateLimitConfig};
    ///
    /// let model = step("model", async |question: String| Ok(question.len()));
    /// let flow = model
    ///     .limit(RateLimitConfig::per_minute(500))?
    ///     .limit(BulkheadConfig::new(8).with_queue(16))?;
    /// # Ok::<(), tta_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](tta_core::ErrorKind::Configuration) for a limit that would let
    /// nothing through.
    fn limit<L: Limit>(self, limit: L) -> Result<Flow<Observed<L::Primitive<Self::Primitive>>>>;
}

/// What [`LimitExt::limit`] takes: a configuration, or a limit that is shared.
pub trait Limit {
    /// The primitive that applies it.
    type Primitive<P: Primitive>: Primitive<Input = P::Input, Output = P::Output>;

    /// Puts the limit around a flow.
    ///
    /// # Errors
    ///
    /// As for [`LimitExt::limit`].
    fn around<P: Primitive>(self, inner: Flow<P>) -> Result<Flow<Observed<Self::Primitive<P>>>>;
}

impl<P: Primitive> LimitExt for Flow<P> {
    type Primitive = P;

    fn limit<L: Limit>(self, limit: L) -> Result<Flow<Observed<L::Primitive<P>>>> {
        limit.around(self)
    }
}

impl Limit for BulkheadConfig {
    type Primitive<P: Primitive> = BulkheadPrimitive<P>;

    fn around<P: Primitive>(self, inner: Flow<P>) -> Result<Flow<Observed<BulkheadPrimitive<P>>>> {
        BulkheadPrimitive::new(inner, self)
    }
}

impl Limit for Bulkhead {
    type Primitive<P: Primitive> = BulkheadPrimitive<P>;

    fn around<P: Primitive>(self, inner: Flow<P>) -> Result<Flow<Observed<BulkheadPrimitive<P>>>> {
        BulkheadPrimitive::new(inner, self)
    }
}

impl Limit for RateLimitConfig {
    type Primitive<P: Primitive> = RateLimitPrimitive<P>;

    fn around<P: Primitive>(self, inner: Flow<P>) -> Result<Flow<Observed<RateLimitPrimitive<P>>>> {
        RateLimitPrimitive::new(inner, self)
    }
}

impl Limit for RateLimit {
    type Primitive<P: Primitive> = RateLimitPrimitive<P>;

    fn around<P: Primitive>(self, inner: Flow<P>) -> Result<Flow<Observed<RateLimitPrimitive<P>>>> {
        RateLimitPrimitive::new(inner, self)
    }
}
