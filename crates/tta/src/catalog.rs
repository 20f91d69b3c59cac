//! What each crate declares that it emits, as data.

#[cfg(feature = "breaker")]
pub use tta_breaker::CATALOG as BREAKER;
#[cfg(feature = "cache")]
pub use tta_cache::CATALOG as CACHE;
pub use tta_core::CATALOG as CORE;
#[cfg(feature = "http")]
pub use tta_http::CATALOG as HTTP;
#[cfg(feature = "limit")]
pub use tta_limit::CATALOG as LIMIT;
#[cfg(feature = "retry")]
pub use tta_retry::CATALOG as RETRY;
#[cfg(feature = "router")]
pub use tta_router::CATALOG as ROUTER;
#[cfg(feature = "telemetry")]
pub use tta_telemetry::CATALOG as TELEMETRY;
#[cfg(feature = "timeout")]
pub use tta_timeout::CATALOG as TIMEOUT;
