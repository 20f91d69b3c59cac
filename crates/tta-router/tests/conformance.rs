//! The router is a primitive like any other.

use tta_router::{CostModel, RouterPrimitive};
use tta_testkit::conformance::check_named_primitive;

#[test]
fn a_router_conforms() {
    check_named_primitive(|inner| {
        RouterPrimitive::builder()
            .route("only", inner, CostModel::unknown())
            .default_route("only")
            .build()
            .unwrap()
    });
}
