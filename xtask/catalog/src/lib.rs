//! What all crates declare, together, and what an operator is given that is made of it.

pub mod dashboards;
pub mod known;
pub mod promql;
pub mod rules;
pub mod slo;

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
