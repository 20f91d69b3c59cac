//! The server over real sockets, seen as its clients see it.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what a test's helper cannot do fails the test"
)]

mod connections;
mod deadlines;
mod descriptors;
mod encoding;
mod endpoints;
mod exposition;
mod hostile;
mod lifecycle;
mod rendering;
mod scraper;
