//! The cache is a primitive like any other.

use std::sync::atomic::{AtomicU64, Ordering};

use tta_cache::{CacheConfig, CachePrimitive, Scope};
use tta_testkit::conformance::check_named_primitive;

#[test]
fn a_cache_that_misses_conforms() {
    check_named_primitive(|inner| {
        // A hit would not run the inner step, which is what the suite looks at.
        let calls = AtomicU64::new(0);
        let config = CacheConfig::new(Scope::Global, move |_: &u64, _, key| {
            key.text(&calls.fetch_add(1, Ordering::Relaxed).to_string());
        });
        CachePrimitive::new(inner, config).unwrap()
    });
}
