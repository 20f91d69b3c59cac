//! What all crates declare, together.

use tta::Catalog;

/// What each crate declares that it emits.
pub fn catalogs() -> Vec<Catalog> {
    vec![
        tta::CATALOG,
        tta::cache::CATALOG,
        tta::router::CATALOG,
        tta::timeout::CATALOG,
        tta::telemetry::CATALOG,
    ]
}
