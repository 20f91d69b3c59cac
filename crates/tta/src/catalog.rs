//! What each crate declares that it emits, as data.

pub use tta_core::CATALOG as CORE;
#[cfg(feature = "telemetry")]
pub use tta_telemetry::CATALOG as TELEMETRY;
