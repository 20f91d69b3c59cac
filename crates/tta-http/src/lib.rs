#![doc = include_str!("../README.md")]

mod baggage;
mod carried;
mod carrier;
mod catalog;
#[cfg(any(feature = "tower", feature = "reqwest"))]
mod client;
#[cfg(feature = "axum")]
mod extractor;
mod messages;
#[cfg(feature = "reqwest")]
mod middleware;
mod propagation;
#[cfg(any(feature = "tower", feature = "reqwest"))]
mod semantics;
#[cfg(feature = "tower")]
mod server;
mod traceparent;
mod tracestate;

pub use carried::{Carried, Carry};
pub use carrier::Carrier;
pub use catalog::CATALOG;
#[cfg(any(feature = "tower", feature = "reqwest"))]
pub use client::HttpClientConfig;
#[cfg(feature = "tower")]
pub use client::{HttpClientFuture, HttpClientLayer, HttpClientService};
#[cfg(feature = "axum")]
pub use extractor::RequestContext;
pub use messages::Messages;
#[cfg(feature = "reqwest")]
pub use middleware::HttpClientMiddleware;
pub use propagation::{Extracted, Propagation};
#[cfg(feature = "tower")]
pub use server::{HttpServerBody, HttpServerFuture, HttpServerLayer, HttpServerService};
