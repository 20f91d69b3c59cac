//! The method on flows.

use tta_core::{Flow, Observed, Primitive, Result};

use crate::cache::CachePrimitive;
use crate::config::CacheConfig;

/// Adds [`cached`](Self::cached) to flows.
pub trait CacheExt {
    /// What the flow consists of.
    type Primitive: Primitive;

    /// Answers from a cache where it can, and runs the flow where it cannot.
    ///
    /// # Examples
    ///
    /// ```
    /// use tta_cache::{CacheConfig, CacheExt, Scope};
    /// use tta_core::step;
    ///
    /// let model = step("model", async |question: String| Ok(question.len()));
    /// let flow = model.cached(CacheConfig::of_input(Scope::Global).llm())?;
    /// # Ok::<(), tta_core::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`](tta_core::ErrorKind::Configuration) for a configuration that
    /// contradicts itself; the message says how to mend it.
    fn cached(
        self,
        config: CacheConfig<
            <Self::Primitive as Primitive>::Input,
            <Self::Primitive as Primitive>::Output,
        >,
    ) -> Result<Flow<Observed<CachePrimitive<Self::Primitive>>>>
    where
        Self::Primitive: 'static,
        <Self::Primitive as Primitive>::Input: Sync,
        <Self::Primitive as Primitive>::Output: Clone + Sync;
}

impl<P: Primitive> CacheExt for Flow<P> {
    type Primitive = P;

    fn cached(
        self,
        config: CacheConfig<P::Input, P::Output>,
    ) -> Result<Flow<Observed<CachePrimitive<P>>>>
    where
        P: 'static,
        P::Input: Sync,
        P::Output: Clone + Sync,
    {
        CachePrimitive::new(self, config)
    }
}
