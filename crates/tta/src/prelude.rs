//! What most programs need, to be imported whole: `use tta::prelude::*`.

#[cfg(feature = "breaker")]
pub use tta_breaker::CircuitBreakerExt;
#[cfg(feature = "cache")]
pub use tta_cache::CacheExt;
pub use tta_core::{
    Error, ErrorKind, Flow, IntoFlow, Primitive, Result, WorkflowContext, conditional, fallback,
    if_else, saga, step, step_with, switch,
};
#[cfg(feature = "limit")]
pub use tta_limit::LimitExt;
#[cfg(feature = "retry")]
pub use tta_retry::{RetryConfig, RetryExt};
#[cfg(feature = "router")]
pub use tta_router::{CascadeExt, CostModel, RouterPrimitive};
#[cfg(feature = "timeout")]
pub use tta_timeout::{BlockingExt, TimeoutExt, TimeoutStreamExt};
