//! What each crate declares that it emits, as data.

#[cfg(feature = "cache")]
pub use tta_cache::CATALOG as CACHE;
pub use tta_core::CATALOG as CORE;
#[cfg(feature = "router")]
pub use tta_router::CATALOG as ROUTER;
#[cfg(feature = "telemetry")]
pub use tta_telemetry::CATALOG as TELEMETRY;
#[cfg(feature = "timeout")]
pub use tta_timeout::CATALOG as TIMEOUT;
