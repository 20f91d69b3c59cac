//! OTLP over gRPC.

use std::error::Error as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Buf, BufMut, Bytes};
use hyper::http::uri::PathAndQuery;
use tonic::client::Grpc;
use tonic::codec::{Codec, CompressionEncoding, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::metadata::{MetadataKey, MetadataMap, MetadataValue};
use tonic::transport::{Channel, Endpoint as Address};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use tta_core::Secret;

use super::http::tcp_connector;
use super::quiet::QuietExecutor;
use super::{AGENT, Asked, CONNECT_TIMEOUT, MOST_ANSWER_BYTES, Service, innermost, shortened};
use crate::export::ExportError;
use crate::settings::{Compression, Endpoint, Otlp};

/// Calls one service. The connection is made when first needed, again when it broke, and anew when
/// a call on it was given up: a peer that vanished without a word would else be called in vain until
/// the system gives the connection up, which takes a quarter of an hour.
pub(super) struct GrpcTransport {
    client: Mutex<Grpc<Channel>>,
    connect: Connect,
    compression: Compression,
    path: PathAndQuery,
    metadata: MetadataMap,
}

/// Makes a channel, which connects when it is used.
type Connect = Box<dyn Fn() -> Channel + Send + Sync>;

impl GrpcTransport {
    /// To be called inside the runtime that will export.
    pub(super) fn new(
        settings: &Otlp,
        endpoint: &Endpoint,
        service: Service,
        asked: &Asked,
    ) -> Result<Self, String> {
        let address = Address::from_shared(endpoint.origin())
            .and_then(|address| address.user_agent(AGENT))
            .map_err(|why| format!("{endpoint} is no address: {why}"))?
            .connect_timeout(CONNECT_TIMEOUT)
            .executor(QuietExecutor)
            // What a peer may send before it must wait for us to read.
            .initial_stream_window_size(MOST_ANSWER_WINDOW)
            .initial_connection_window_size(MOST_ANSWER_WINDOW);
        let connect = connect(settings, endpoint, address, asked)?;
        Ok(Self {
            client: Mutex::new(client(connect(), settings.compression)),
            connect,
            compression: settings.compression,
            path: PathAndQuery::from_static(service.grpc_path),
            metadata: metadata(&settings.headers)?,
        })
    }

    /// What a call was answered.
    pub(super) async fn call(&self, request: Bytes) -> Result<Option<Bytes>, ExportError> {
        let mut request = Request::new(request);
        request.metadata_mut().clone_from(&self.metadata);
        // A clone is a handle to the same connection.
        let mut client = self.client().clone();
        let given_up = GivenUp(self);
        client
            .ready()
            .await
            .map_err(|error| ExportError::Unreachable {
                message: innermost(&error),
            })?;
        let answer = client.unary(request, self.path.clone(), RawCodec).await;
        std::mem::forget(given_up);
        match answer {
            Ok(answer) => Ok(Some(answer.into_inner())),
            Err(status) => Err(failure(&status)),
        }
    }

    fn client(&self) -> MutexGuard<'_, Grpc<Channel>> {
        // One call at a time, and none panics half way.
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Dropped with a call that has no answer: the next one is made on a new connection.
struct GivenUp<'a>(&'a GrpcTransport);

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        *self.0.client() = client((self.0.connect)(), self.0.compression);
    }
}

fn client(channel: Channel, compression: Compression) -> Grpc<Channel> {
    let client = Grpc::new(channel).max_decoding_message_size(MOST_ANSWER_BYTES);
    match compression {
        Compression::None => client,
        Compression::Gzip => client.send_compressed(CompressionEncoding::Gzip),
    }
}

#[cfg(feature = "tls")]
fn connect(
    settings: &Otlp,
    endpoint: &Endpoint,
    address: Address,
    asked: &Asked,
) -> Result<Connect, String> {
    if !endpoint.is_https {
        return Ok(connect_in_clear(address));
    }
    let connector = super::tls::connector(&settings.tls, super::tls::Version::Http2, asked)?;
    Ok(Box::new(move || {
        address.connect_with_connector_lazy(connector.clone())
    }))
}

#[cfg(not(feature = "tls"))]
#[expect(clippy::unnecessary_wraps, reason = "only TLS can fail")]
fn connect(_: &Otlp, _: &Endpoint, address: Address, _: &Asked) -> Result<Connect, String> {
    Ok(connect_in_clear(address))
}

fn connect_in_clear(address: Address) -> Connect {
    Box::new(move || address.connect_with_connector_lazy(tcp_connector()))
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

/// The least that HTTP/2 allows to every peer.
const MOST_ANSWER_WINDOW: u32 = 65_535;
