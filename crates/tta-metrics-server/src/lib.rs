#![doc = include_str!("../README.md")]

mod accept;
mod admission;
mod connection;
mod encoding;
mod error;
mod event;
mod exposition;
mod listen;
mod render;
mod respond;
mod running;
mod server;
mod single_flight;
mod stats;
mod transport;

pub use error::MetricsServerError;
pub use event::ServerEvent;
pub use exposition::{Exposition, HealthReport, HealthStatus};
pub use running::{RunningServer, ShutdownReport};
pub use server::MetricsServer;
pub use stats::ServerStats;
