//! Log lines: events of `tracing` as JSON or text, each with the ids of the step it belongs to.

mod buffer;
mod callsites;
mod emit;
mod escape;
mod fields;
mod filter;
mod handle;
mod layer;
mod line;
mod place;
mod text;
mod timestamp;
mod writer;

use crate::settings::LogFormat;
pub use emit::{DECLARED_FIELDS, emit, enabled_level};
#[cfg(feature = "otlp")]
pub(crate) use escape::Capped;
pub use filter::LogFilter;
pub use handle::LogHandle;
pub(crate) use handle::{Lines, Present};
pub(crate) use layer::layer_of;
pub use layer::{LogOptions, log_layer, log_layer_with_handle};
#[cfg(feature = "otlp")]
pub(crate) use line::redact;
#[cfg(feature = "otlp")]
pub(crate) use timestamp::push as push_timestamp;
pub use writer::{LogStats, LogWriter};
