//! Records on their way out: queued, converted, exported, accounted for. The same for every signal.

mod accounts;
mod exporter;
mod health;
mod outcome;
mod queue;
mod retry;
mod show;
mod signal;
mod thread;
mod worker;

pub(crate) use accounts::Accounts;
pub(crate) use exporter::{AnyExporter, Exporter, Start};
pub(crate) use health::Backends;
pub use outcome::{ExportError, Exported};
pub(crate) use queue::Pushed;
pub(crate) use show::{Show, shown};
pub(crate) use signal::{Outgoing, Sending, Signal, Sink, Waiting};
pub(crate) use thread::{ExportThread, Job};
pub(crate) use worker::{Delivery, MakeSink};
