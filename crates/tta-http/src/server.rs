//! The layer for servers.

mod body;
mod describe;
mod layer;
mod service;

pub use body::HttpServerBody;
pub use layer::HttpServerLayer;
pub use service::{HttpServerFuture, HttpServerService};
