//! OTLP over gRPC and over HTTP.
//!
//! The messages are those of `opentelemetry-proto`; of spans, of which there are most, the bytes are
//! written without them. The stock exporter is not used, because it
//! keeps to itself what the backend answered, and the ledger and the retry policy need it.

mod bounded;
mod common;
mod encoder;
mod grpc;
mod http;
#[cfg(feature = "logs")]
mod logs;
mod metrics;
mod numbers;
mod pairs;
mod quiet;
mod records;
mod request;
mod resolver;
mod size;
mod spans;
#[cfg(feature = "tls")]
mod tls;
mod wire;
mod written;

pub use encoder::TraceEncoder;
#[cfg(feature = "logs")]
pub(crate) use logs::encode_lines;
pub(crate) use metrics::encode_points;
pub(crate) use resolver::Resolver;
#[cfg(feature = "logs")]
pub(crate) use size::line_bytes;
pub(crate) use size::{point_bytes, span_bytes};
pub(crate) use spans::encode_spans;
pub(crate) use written::{WrittenSpan, encode_written};

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use self::common::resource;
use self::grpc::GrpcTransport;
use self::http::HttpTransport;
use crate::export::{Delivery, ExportError, Exported, MakeSink, Sending, Sink};
use crate::settings::{Otlp, Protocol};

/// A service of OTLP: where it is called over gRPC. Over HTTP the endpoint says it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    pub(crate) grpc_path: &'static str,
}

/// The service that takes spans.
pub(crate) const TRACES: Service = Service {
    grpc_path: "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
};

/// The service that takes metrics.
pub(crate) const METRICS: Service = Service {
    grpc_path: "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export",
};

/// The service that takes log records.
#[cfg(feature = "logs")]
pub(crate) const LOGS: Service = Service {
    grpc_path: "/opentelemetry.proto.collector.logs.v1.LogsService/Export",
};

/// Whether a peer has asked for a client certificate although there is none to show.
type Asked = Arc<AtomicBool>;

/// How records of a kind become a request.
pub(crate) type Encode<R> = fn(&[R], &Resource) -> Vec<u8>;

/// How records of a kind are delivered to the endpoint that is set for them.
pub(crate) fn delivery<R: Send + Sync + 'static>(
    settings: &Otlp,
    service: Service,
    attributes: &[(String, String)],
    encode: Encode<R>,
) -> Result<Delivery<R>, String> {
    let endpoint = settings.endpoint.clone().ok_or("no endpoint is set")?;
    if endpoint.is_https && cfg!(not(feature = "tls")) {
        // Never in clear instead.
        return Err(format!(
            "{endpoint} asks for TLS, and the feature `tls` is off; switch it on"
        ));
    }
    let resource = resource(attributes);
    let (own, address) = (settings.clone(), endpoint.clone());
    let make_sink: MakeSink<R> = Box::new(move || {
        let asked = Asked::default();
        let transport = match own.protocol {
            Protocol::Grpc => Transport::Grpc(Box::new(GrpcTransport::new(
                &own, &address, service, &asked,
            )?)),
            Protocol::HttpProtobuf => {
                Transport::Http(Box::new(HttpTransport::new(&own, &address, &asked)?))
            }
        };
        Ok(Box::new(OtlpSink {
            transport,
            asked,
            resource: resource.clone(),
            encode,
        }))
    });
    Ok(Delivery {
        make_sink,
        protocol: settings.protocol.as_str(),
        probe: Some(endpoint),
        timeout: settings.timeout,
        watch: None,
    })
}

/// Sends records of one kind to one endpoint.
struct OtlpSink<R> {
    transport: Transport,
    asked: Asked,
    resource: Resource,
    encode: Encode<R>,
}

enum Transport {
    Grpc(Box<GrpcTransport>),
    Http(Box<HttpTransport>),
}

impl<R: Send + Sync> OtlpSink<R> {
    async fn post(&self, batch: &[R]) -> Result<Exported, ExportError> {
        let request = Bytes::from((self.encode)(batch, &self.resource));
        let answer = match &self.transport {
            Transport::Grpc(transport) => transport.call(request).await,
            Transport::Http(transport) => transport.post(request).await,
        };
        let answer = answer.map_err(|error| self.explained(error))?;
        // The status is the answer; a body that is none of OTLP's takes nothing back.
        Ok(answer.map(exported).unwrap_or_default())
    }

    /// A peer that wants to know who calls often just hangs up on who does not say.
    fn explained(&self, error: ExportError) -> ExportError {
        match error {
            ExportError::Unreachable { message } if self.asked.load(Ordering::Relaxed) => {
                ExportError::Unreachable {
                    message: format!(
                        "{message}; the peer asked for a client certificate, and none is set"
                    ),
                }
            }
            error => error,
        }
    }
}

impl<R: Send + Sync> Sink<R> for OtlpSink<R> {
    fn send<'a>(&'a self, batch: &'a [R]) -> Sending<'a> {
        Box::pin(quiet::quietly(self.post(batch)))
    }
}

/// What the backend said in the body of a success. The answers of the three services have one form.
fn exported(answer: Bytes) -> Exported {
    let response = ExportTraceServiceResponse::decode(answer).unwrap_or_default();
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
    #[cfg(feature = "tls")]
    if tls::is_in_clear(innermost) {
        return "the peer does not speak TLS; if it is to be trusted, write its address with http:"
            .to_owned();
    }
    shortened(&innermost.to_string())
}

const AGENT: &str = concat!("tta-telemetry/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What of a connection is read in answer to what was written.
const MOST_READ_BYTES: usize = 60 << 10;
/// What of a body is read.
const MOST_ANSWER_BYTES: usize = 32 << 10;
const MOST_MESSAGE_BYTES: usize = 512;
