//! OTLP over gRPC.

use std::error::Error as _;

use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_sdk::trace::SpanData;
use tonic::metadata::{MetadataKey, MetadataMap, MetadataValue};
use tonic::transport::{Channel, Endpoint as Address};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use super::{CONNECT_TIMEOUT, encode, exported, innermost, shortened};
use crate::settings::{Endpoint, Protocol};
use crate::traces::sink::{ExportError, Exported, Exporting, SpanSink};

/// Calls the trace service. The connection is made when first needed, and again when it broke.
pub(crate) struct GrpcSink {
    client: TraceServiceClient<Channel>,
    metadata: MetadataMap,
    resource: Resource,
}

impl GrpcSink {
    /// To be called inside the runtime that will export.
    pub(crate) fn new(
        endpoint: &Endpoint,
        headers: &[(String, String)],
        resource: &[(String, String)],
    ) -> Result<Self, String> {
        let address = Address::from_shared(endpoint.origin())
            .and_then(|address| address.user_agent(AGENT))
            .map_err(|why| format!("{endpoint} is no address: {why}"))?
            .connect_timeout(CONNECT_TIMEOUT);
        let client = TraceServiceClient::new(address.connect_lazy())
            .max_decoding_message_size(MOST_ANSWER_BYTES);
        Ok(Self {
            client,
            metadata: metadata(headers)?,
            resource: encode::resource(resource),
        })
    }

    async fn call(&self, batch: &[SpanData]) -> Result<Exported, ExportError> {
        let mut request = Request::new(encode::request(batch, &self.resource));
        request.metadata_mut().clone_from(&self.metadata);
        // A clone is a handle to the same connection.
        match self.client.clone().export(request).await {
            Ok(response) => Ok(exported(response.into_inner())),
            Err(status) => Err(failure(&status)),
        }
    }
}

impl SpanSink for GrpcSink {
    fn protocol(&self) -> &'static str {
        Protocol::Grpc.as_str()
    }

    fn export<'a>(&'a self, batch: &'a [SpanData]) -> Exporting<'a> {
        Box::pin(self.call(batch))
    }
}

fn failure(status: &Status) -> ExportError {
    // Only a status that was made here, for want of an answer, has a cause.
    if let Some(cause) = status.source() {
        return ExportError::Unreachable {
            message: innermost(cause),
        };
    }
    let message = format!(
        "gRPC status {:?}: {}",
        status.code(),
        shortened(status.message())
    );
    let after = status
        .get_details_retry_info()
        .and_then(|info| info.retry_delay);
    match status.code() {
        Code::Cancelled
        | Code::DeadlineExceeded
        | Code::Aborted
        | Code::OutOfRange
        | Code::Unavailable
        | Code::DataLoss => ExportError::TryLater { message, after },
        Code::ResourceExhausted if after.is_some() => ExportError::TryLater { message, after },
        _ => ExportError::Rejected { message },
    }
}

fn metadata(headers: &[(String, String)]) -> Result<MetadataMap, String> {
    let mut map = MetadataMap::new();
    for (name, value) in headers {
        let key = MetadataKey::from_bytes(name.to_ascii_lowercase().as_bytes())
            .map_err(|_| format!("{name:?} is no name of a header"))?;
        let mut value = MetadataValue::try_from(value.as_str())
            .map_err(|_| format!("the value of header {name} has characters no header has"))?;
        value.set_sensitive(true);
        map.insert(key, value);
    }
    Ok(map)
}

const AGENT: &str = concat!("tta-telemetry/", env!("CARGO_PKG_VERSION"));
const MOST_ANSWER_BYTES: usize = 64 << 10;
