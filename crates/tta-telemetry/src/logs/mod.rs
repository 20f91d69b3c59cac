//! Log lines: events of `tracing` as JSON or text, each with the ids of the step it belongs to.

mod emit;
mod escape;
mod fields;
mod filter;
mod layer;
mod place;
mod timestamp;
mod writer;

use crate::settings::LogFormat;
pub use emit::{DECLARED_FIELDS, emit, enabled_level};
#[cfg(feature = "otlp")]
pub(crate) use escape::Capped;
pub use filter::LogFilter;
pub use layer::{LogOptions, log_layer};
#[cfg(feature = "otlp")]
pub(crate) use timestamp::push as push_timestamp;
pub use writer::{LogStats, LogWriter};
