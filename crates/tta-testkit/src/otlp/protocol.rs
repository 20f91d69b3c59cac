//! The wire forms of OTLP over gRPC and over HTTP/protobuf.
//!
//! gRPC is framed here by hand rather than by a server library, so that an answer can be wrong in
//! every way a script asks for.

use std::convert::Infallible;
use std::io::Read;

use bytes::{BufMut, Bytes, BytesMut};
use flate2::read::GzDecoder;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full};
use hyper::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{Response, StatusCode};
use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsPartialSuccess, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use tonic_types::{ErrorDetails, StatusExt};

use super::received::{Payload, Protocol, Signal};
use super::reply::StatusReply;

/// The body of every answer.
pub(super) type ReplyBody = UnsyncBoxBody<Bytes, Infallible>;

/// The message of a request, as bytes and decoded; `None` when the path, the framing or the bytes
/// are wrong.
pub(super) fn decode(protocol: Protocol, head: &Parts, body: &Bytes) -> Option<(Bytes, Payload)> {
    let signal = signal(protocol, head.uri.path())?;
    let message = match protocol {
        Protocol::Grpc => {
            let (prefix, rest) = body.split_at_checked(5)?;
            let (compressed, length) = prefix.split_first()?;
            let length = u32::from_be_bytes(length.try_into().ok()?);
            let whole = usize::try_from(length).ok() == Some(rest.len());
            whole.then(|| inflated(rest, *compressed == 1))??
        }
        Protocol::Http => {
            let gzip = head
                .headers
                .get(CONTENT_ENCODING)
                .is_some_and(|coding| coding == "gzip");
            inflated(body, gzip)?
        }
    };
    let message = Bytes::from(message);
    let payload = match signal {
        Signal::Traces => Payload::Traces(Message::decode(message.clone()).ok()?),
        Signal::Metrics => Payload::Metrics(Message::decode(message.clone()).ok()?),
        Signal::Logs => Payload::Logs(Message::decode(message.clone()).ok()?),
    };
    Some((message, payload))
}

/// Success, with a rejection in it when `rejected` is not zero.
pub(super) fn success(protocol: Protocol, signal: Signal, rejected: i64) -> Response<ReplyBody> {
    let message = response_message(signal, rejected);
    match protocol {
        Protocol::Grpc => {
            let mut frame = BytesMut::new();
            frame.put_u8(0);
            // A response message is a few bytes long.
            frame.put_u32(u32::try_from(message.len()).unwrap_or(u32::MAX));
            frame.put_slice(&message);
            grpc(frame.freeze())
        }
        Protocol::Http => http(StatusCode::OK, message.into()),
    }
}

/// An error, with what it says about trying again.
pub(super) fn status(protocol: Protocol, reply: StatusReply) -> Response<ReplyBody> {
    match protocol {
        Protocol::Grpc => {
            let code = tonic::Code::from_i32(reply.grpc);
            let text = "scripted by the test";
            let status = match reply.retry_after {
                Some(wait) => {
                    let details = ErrorDetails::with_retry_info(Some(wait));
                    tonic::Status::with_error_details(code, text, details)
                }
                None => tonic::Status::new(code, text),
            };
            status.into_http::<Full<Bytes>>().map(BodyExt::boxed_unsync)
        }
        Protocol::Http => {
            let code =
                StatusCode::from_u16(reply.http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = http(code, Bytes::new());
            if let Some(wait) = reply.retry_after {
                // Rounded up: a client must not come back too early.
                let seconds = wait.as_millis().div_ceil(1_000);
                let seconds = u64::try_from(seconds).unwrap_or(u64::MAX);
                response.headers_mut().insert(RETRY_AFTER, seconds.into());
            }
            response
        }
    }
}

/// The headers of success, around bytes that are none.
pub(super) fn garbage(protocol: Protocol, bytes: Bytes) -> Response<ReplyBody> {
    match protocol {
        Protocol::Grpc => grpc(bytes),
        Protocol::Http => http(StatusCode::OK, bytes),
    }
}

/// What a client that sends no OTLP is told.
pub(super) fn undecodable(protocol: Protocol) -> Response<ReplyBody> {
    status(
        protocol,
        StatusReply {
            http: 400,
            grpc: 3,
            retry_after: None,
        },
    )
}

fn signal(protocol: Protocol, path: &str) -> Option<Signal> {
    Some(match (protocol, path) {
        (Protocol::Http, "/v1/traces")
        | (Protocol::Grpc, "/opentelemetry.proto.collector.trace.v1.TraceService/Export") => {
            Signal::Traces
        }
        (Protocol::Http, "/v1/metrics")
        | (Protocol::Grpc, "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export") => {
            Signal::Metrics
        }
        (Protocol::Http, "/v1/logs")
        | (Protocol::Grpc, "/opentelemetry.proto.collector.logs.v1.LogsService/Export") => {
            Signal::Logs
        }
        _ => return None,
    })
}

fn inflated(bytes: &[u8], gzip: bool) -> Option<Vec<u8>> {
    let mut plain = Vec::new();
    if gzip {
        GzDecoder::new(bytes).read_to_end(&mut plain).ok()?;
    } else {
        plain.extend_from_slice(bytes);
    }
    Some(plain)
}

fn response_message(signal: Signal, rejected: i64) -> Vec<u8> {
    let partial = rejected != 0;
    let error_message = "rejected by the test".to_owned();
    match signal {
        Signal::Traces => {
            let part = ExportTracePartialSuccess {
                rejected_spans: rejected,
                error_message,
            };
            ExportTraceServiceResponse {
                partial_success: partial.then_some(part),
            }
            .encode_to_vec()
        }
        Signal::Metrics => {
            let part = ExportMetricsPartialSuccess {
                rejected_data_points: rejected,
                error_message,
            };
            let partial_success = partial.then_some(part);
            ExportMetricsServiceResponse { partial_success }.encode_to_vec()
        }
        Signal::Logs => {
            let part = ExportLogsPartialSuccess {
                rejected_log_records: rejected,
                error_message,
            };
            ExportLogsServiceResponse {
                partial_success: partial.then_some(part),
            }
            .encode_to_vec()
        }
    }
}

/// gRPC's success: the data, then the status in the trailers.
fn grpc(data: Bytes) -> Response<ReplyBody> {
    let trailers = HeaderMap::from_iter([(
        hyper::header::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]);
    let body = Full::new(data).with_trailers(async move { Some(Ok(trailers)) });
    let mut response = Response::new(body.boxed_unsync());
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    response
}

fn http(status: StatusCode, body: Bytes) -> Response<ReplyBody> {
    let mut response = Response::new(Full::new(body).boxed_unsync());
    *response.status_mut() = status;
    let protobuf = HeaderValue::from_static("application/x-protobuf");
    response.headers_mut().insert(CONTENT_TYPE, protobuf);
    response
}
