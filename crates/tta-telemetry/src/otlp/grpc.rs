//! OTLP over gRPC.

use std::error::Error as _;

use bytes::{Buf, BufMut, Bytes};
use hyper::http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{MetadataKey, MetadataMap, MetadataValue};
use tonic::transport::{Channel, Endpoint as Address};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use tta_core::Secret;

use super::{AGENT, CONNECT_TIMEOUT, MOST_ANSWER_BYTES, Service, innermost, shortened};
use crate::export::ExportError;
use crate::settings::{Compression, Endpoint, Otlp};

/// Calls one service. The connection is made when first needed, and again when it broke.
pub(super) struct GrpcTransport {
    client: Grpc<Channel>,
    path: PathAndQuery,
    metadata: MetadataMap,
}

impl GrpcTransport {
    /// To be called inside the runtime that will export.
    pub(super) fn new(
        settings: &Otlp,
        endpoint: &Endpoint,
        service: Service,
    ) -> Result<Self, String> {
        let address = Address::from_shared(endpoint.origin())
            .and_then(|address| address.user_agent(AGENT))
            .map_err(|why| format!("{endpoint} is no address: {why}"))?
            .connect_timeout(CONNECT_TIMEOUT);
        let channel = channel(settings, endpoint, &address)?;
        let client = Grpc::new(channel).max_decoding_message_size(MOST_ANSWER_BYTES);
        let client = match settings.compression {
            Compression::None => client,
            Compression::Gzip => client.send_compressed(CompressionEncoding::Gzip),
        };
        Ok(Self {
            client,
            path: PathAndQuery::from_static(service.grpc_path),
            metadata: metadata(&settings.headers)?,
        })
    }

    /// What a call was answered.
    pub(super) async fn call(&self, request: Bytes) -> Result<Option<Bytes>, ExportError> {
        let mut request = Request::new(request);
        request.metadata_mut().clone_from(&self.metadata);
        // A clone is a handle to the same connection.
        let mut client = self.client.clone();
        client
            .ready()
            .await
            .map_err(|error| ExportError::Unreachable {
                message: innermost(&error),
            })?;
        match client.unary(request, self.path.clone(), RawCodec).await {
            Ok(answer) => Ok(Some(answer.into_inner())),
            Err(status) => Err(failure(&status)),
        }
    }
}

#[cfg(feature = "tls")]
fn channel(settings: &Otlp, endpoint: &Endpoint, address: &Address) -> Result<Channel, String> {
    if !endpoint.is_https {
        return Ok(address.connect_lazy());
    }
    let connector = super::tls::connector(&settings.tls, super::tls::Version::Http2)?;
    Ok(address.connect_with_connector_lazy(connector))
}

#[cfg(not(feature = "tls"))]
#[expect(clippy::unnecessary_wraps, reason = "only TLS can fail")]
fn channel(_: &Otlp, _: &Endpoint, address: &Address) -> Result<Channel, String> {
    Ok(address.connect_lazy())
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

fn metadata(headers: &[(String, Secret)]) -> Result<MetadataMap, String> {
    let mut map = MetadataMap::new();
    for (name, value) in headers {
        let key = MetadataKey::from_bytes(name.to_ascii_lowercase().as_bytes())
            .map_err(|_| format!("{name:?} is no name of a header"))?;
        let mut value = MetadataValue::try_from(value.expose())
            .map_err(|_| format!("the value of header {name} has characters no header has"))?;
        value.set_sensitive(true);
        map.insert(key, value);
    }
    Ok(map)
}

/// Requests are encoded before, and answers decoded after, as for HTTP.
struct RawCodec;

impl Codec for RawCodec {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Self;
    type Decoder = Self;

    fn encoder(&mut self) -> Self {
        Self
    }

    fn decoder(&mut self) -> Self {
        Self
    }
}

impl Encoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn encode(&mut self, item: Bytes, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        buffer.put(item);
        Ok(())
    }
}

impl Decoder for RawCodec {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(buffer.copy_to_bytes(buffer.remaining())))
    }
}
