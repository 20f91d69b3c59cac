//! What must not leave the process, taken out where it would: on the threads that export and write.

mod glance;
mod keys;
mod known;
#[cfg(any(feature = "otlp", feature = "prometheus"))]
mod labels;
mod policy;
mod prefixes;
mod redactor;
mod rule;
mod scan;
#[cfg(feature = "otlp")]
mod spans;

#[cfg(feature = "prometheus")]
pub(crate) use labels::add_value;
#[cfg(feature = "otlp")]
pub(crate) use labels::redact_families;
pub use policy::{Redaction, RedactionPolicy};
#[cfg(any(feature = "logs", feature = "otlp"))]
pub(crate) use redactor::Verdict;
pub(crate) use redactor::{Place, Redactor};
pub(crate) use redactor::{mask, masked};
#[cfg(feature = "otlp")]
pub(crate) use spans::redact_span;
