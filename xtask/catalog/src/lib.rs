//! What all crates declare, together.

use tta::{Catalog, catalog};

/// What each crate declares that it emits.
pub const CATALOGS: [Catalog; 9] = [
    catalog::CORE,
    catalog::CACHE,
    catalog::ROUTER,
    catalog::TIMEOUT,
    catalog::RETRY,
    catalog::BREAKER,
    catalog::LIMIT,
    catalog::HTTP,
    catalog::TELEMETRY,
];
