//! What the receiver answers, and in which order.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;

use super::raw::RawReply;
use super::received::Signal;

/// An answer to one request, over either protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reply {
    /// Success.
    Ok,
    /// An error, with its code for each protocol.
    Status(StatusReply),
    /// Success that says so many records were rejected.
    PartialSuccess {
        /// Spans, data points or log records.
        rejected: i64,
    },
    /// Success after this time. The records count as accepted only if the client still waits.
    Delay(Duration),
    /// An open connection and no answer.
    Hang,
    /// The connection is closed instead of an answer.
    CloseConnection,
    /// Success by its headers, and a body that is no OTLP response.
    Garbage(Bytes),
    /// An HTTP response as the test writes it, over either protocol.
    Raw(RawReply),
}

/// An error answer. Over HTTP it is a status code, over gRPC a status of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct StatusReply {
    /// For HTTP/protobuf: 400, 429, 503, …
    pub http: u16,
    /// For gRPC: 3 `INVALID_ARGUMENT`, 8 `RESOURCE_EXHAUSTED`, 14 `UNAVAILABLE`, …
    pub grpc: i32,
    /// `Retry-After` in whole seconds over HTTP, `RetryInfo` over gRPC.
    pub retry_after: Option<Duration>,
}

impl Reply {
    /// An error by its HTTP status and gRPC code.
    pub fn status(http: u16, grpc: i32) -> Self {
        Self::Status(StatusReply {
            http,
            grpc,
            retry_after: None,
        })
    }

    /// 503 and `UNAVAILABLE`: what a client may retry.
    pub fn unavailable() -> Self {
        Self::status(503, 14)
    }

    /// Asks the client to wait; changes nothing on a reply that is not a status.
    #[must_use]
    pub fn with_retry_after(self, wait: Duration) -> Self {
        match self {
            Self::Status(status) => Self::Status(StatusReply {
                retry_after: Some(wait),
                ..status
            }),
            other => other,
        }
    }
}

/// Replies to use once each, then the default.
#[derive(Debug)]
pub(super) struct Script {
    for_signal: VecDeque<(Signal, Reply)>,
    for_any: VecDeque<Reply>,
    default: Reply,
}

impl Script {
    pub(super) fn push(&mut self, reply: Reply) {
        self.for_any.push_back(reply);
    }

    pub(super) fn push_for(&mut self, signal: Signal, reply: Reply) {
        self.for_signal.push_back((signal, reply));
    }

    pub(super) fn set_default(&mut self, reply: Reply) {
        self.default = reply;
    }

    pub(super) fn next(&mut self, signal: Signal) -> Reply {
        let own = self
            .for_signal
            .iter()
            .position(|(wanted, _)| *wanted == signal);
        own.and_then(|index| self.for_signal.remove(index))
            .map(|(_, reply)| reply)
            .or_else(|| self.for_any.pop_front())
            .unwrap_or_else(|| self.default.clone())
    }
}

impl Default for Script {
    fn default() -> Self {
        Self {
            for_signal: VecDeque::new(),
            for_any: VecDeque::new(),
            default: Reply::Ok,
        }
    }
}
