//! What must hold for any input at all.
//!
//! Each target takes bytes that somebody else chose, gives them to the part that has to bear them,
//! and panics where what comes out breaks a rule. `cargo xtask fuzz` lets cargo-fuzz choose the
//! bytes; the tests of this crate run the inputs in `corpus/` through the same functions.

#![allow(
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "to panic is how a target says that a rule is broken"
)]

mod baggage;
mod exposition;
mod headers;
mod log_line;
mod settings;
mod traceparent;
mod tracestate;

pub use baggage::baggage;
pub use exposition::exposition;
pub use log_line::log_line;
pub use settings::settings;
pub use traceparent::traceparent;
pub use tracestate::tracestate;

/// A target: it panics where a rule is broken.
pub type Target = fn(&[u8]);

/// Every target by the name of its corpus.
pub const TARGETS: [(&str, Target); 6] = [
    ("baggage", baggage),
    ("exposition", exposition),
    ("log_line", log_line),
    ("settings", settings),
    ("traceparent", traceparent),
    ("tracestate", tracestate),
];
