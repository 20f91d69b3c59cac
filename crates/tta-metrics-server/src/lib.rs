#![doc = include_str!("../README.md")]

mod accept;
mod access;
mod admission;
mod basic_auth;
mod body;
mod connection;
mod encoding;
mod error;
mod event;
mod exposition;
mod handshake;
mod listen;
mod observer;
mod render;
mod respond;
mod running;
mod server;
mod single_flight;
mod stats;
mod stream;
#[cfg(feature = "tls")]
mod tls;
mod transport;
mod watched;

pub use basic_auth::BasicAuth;
pub use error::MetricsServerError;
pub use event::ServerEvent;
pub use exposition::{Exposition, HealthReport, HealthStatus, Pieces};
pub use observer::{AnsweredRequest, Endpoint, Rejection, ServerObserver};
pub use running::{RunningServer, ShutdownReport, StatsReader};
pub use server::MetricsServer;
pub use stats::ServerStats;
#[cfg(feature = "tls")]
pub use tls::TlsFiles;
