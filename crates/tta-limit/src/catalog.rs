//! What this crate emits.

use tta_core::Catalog;

/// What `tta-limit` emits.
pub const CATALOG: Catalog = Catalog {
    crate_name: "tta-limit",
    metrics: &[],
    spans: &[],
    logs: &[],
};
