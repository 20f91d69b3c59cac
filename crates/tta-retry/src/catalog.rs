//! What this crate emits.

use tta_core::Catalog;

/// What `tta-retry` emits.
pub const CATALOG: Catalog = Catalog {
    crate_name: "tta-retry",
    metrics: &[],
    spans: &[],
    logs: &[],
};
