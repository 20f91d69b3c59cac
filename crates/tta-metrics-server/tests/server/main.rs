//! The server over real sockets, seen as its clients see it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what a test's helper cannot do fails the test"
)]

mod access;
#[cfg(feature = "tls")]
mod certificates;
mod connections;
mod deadlines;
mod descriptors;
mod encoding;
mod endpoints;
mod exposition;
mod faults;
mod growing;
mod hostile;
mod lifecycle;
mod observed;
mod probes;
mod rendering;
mod scraper;
#[cfg(feature = "tls")]
mod tls;
#[cfg(feature = "tls")]
mod tls_client;
