//! What all crates declare, together.

use tta::{Catalog, catalog};

/// What each crate declares that it emits.
pub const CATALOGS: [Catalog; 2] = [catalog::CORE, catalog::TELEMETRY];
