//! The server over real sockets, seen as its clients see it.

mod connections;
mod deadlines;
mod descriptors;
mod encoding;
mod endpoints;
mod exposition;
mod lifecycle;
mod rendering;
mod scraper;
