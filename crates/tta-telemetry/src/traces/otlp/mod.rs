//! OTLP over gRPC and over HTTP.
//!
//! The messages are those of `opentelemetry-proto`. The stock exporter is not used, because it
//! keeps to itself what the backend answered, and the ledger and the retry policy need it.

mod encode;
mod grpc;
mod http;

pub(crate) use grpc::GrpcSink;
pub(crate) use http::HttpSink;

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;

use super::sink::Exported;

/// What the backend said in the body of a success.
fn exported(response: ExportTraceServiceResponse) -> Exported {
    let Some(partial) = response.partial_success else {
        return Exported::default();
    };
    Exported {
        rejected: u64::try_from(partial.rejected_spans).unwrap_or(0),
        message: shortened(&partial.error_message),
    }
}

/// A message of somebody else, short enough to be shown.
fn shortened(message: &str) -> String {
    let end = message.floor_char_boundary(MOST_MESSAGE_BYTES);
    message.get(..end).unwrap_or_default().to_owned()
}

/// The innermost cause says most: the outer ones repeat that something could not be sent.
fn innermost(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    shortened(&innermost.to_string())
}

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const MOST_MESSAGE_BYTES: usize = 512;
