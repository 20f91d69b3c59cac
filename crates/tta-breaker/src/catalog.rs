//! What this crate emits.

use tta_core::Catalog;

/// What `tta-breaker` emits.
pub const CATALOG: Catalog = Catalog {
    crate_name: "tta-breaker",
    metrics: &[],
    spans: &[],
    logs: &[],
};
