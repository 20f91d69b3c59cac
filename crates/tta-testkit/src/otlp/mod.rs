//! A scripted OTLP server inside the test process, over gRPC and HTTP/protobuf.
//!
//! ```
//! use tta_testkit::otlp::{OtlpReceiver, Reply};
//!
//! let receiver = OtlpReceiver::start()?;
//! receiver.push(Reply::status(400, 3)); // the first request is refused, the next ones accepted
//! assert!(receiver.grpc_endpoint().starts_with("http://127.0.0.1:"));
//! # Ok::<(), std::io::Error>(())
//! ```

mod connection;
mod log;
mod protocol;
mod raw;
mod received;
mod receiver;
mod reply;

/// The crate of the decoded types, so that a test uses the same version.
pub use opentelemetry_proto;
pub use raw::RawReply;
pub use received::{
    Payload, Protocol, ReceivedLog, ReceivedMetric, ReceivedRequest, ReceivedSpan, Signal,
};
pub use receiver::OtlpReceiver;
pub use reply::{Reply, StatusReply};
