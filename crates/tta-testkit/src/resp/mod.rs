//! A server that speaks Redis's protocol and says whatever it is told to.
//!
//! ```no_run
//! use tta_testkit::resp::{Reply, RespServer};
//!
//! let server = RespServer::start(|command| match command.name() {
//!     "GETRANGE" => Reply::bytes("*2147483647\r\n"),
//!     _ => Reply::ok(),
//! })?;
//! // … point a client at `server.url()` …
//! # Ok::<(), std::io::Error>(())
//! ```

mod command;
mod reply;
mod server;

pub use command::Command;
pub use reply::Reply;
pub use server::RespServer;
