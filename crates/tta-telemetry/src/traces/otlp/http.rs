//! OTLP as protobuf over HTTP/1.1.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT};
use hyper::{Method, Request, StatusCode, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_sdk::trace::SpanData;
use prost::Message;

use super::{CONNECT_TIMEOUT, encode, exported, innermost};
use crate::settings::{Endpoint, Protocol};
use crate::traces::sink::{ExportError, Exported, Exporting, SpanSink};

/// Posts each batch to one URL. Redirects are not followed.
pub(crate) struct HttpSink {
    client: Client<HttpConnector, Full<Bytes>>,
    url: Uri,
    headers: HeaderMap,
    resource: Resource,
}

impl HttpSink {
    pub(crate) fn new(
        endpoint: &Endpoint,
        headers: &[(String, String)],
        resource: &[(String, String)],
    ) -> Result<Self, String> {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
        connector.set_nodelay(true);
        let url = endpoint.traces_url();
        Ok(Self {
            client: Client::builder(TokioExecutor::new()).build(connector),
            url: url
                .parse()
                .map_err(|why| format!("{url} is no URL: {why}"))?,
            headers: header_map(headers)?,
            resource: encode::resource(resource),
        })
    }

    async fn post(&self, batch: &[SpanData]) -> Result<Exported, ExportError> {
        let body = encode::request(batch, &self.resource).encode_to_vec();
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.url.clone();
        request.headers_mut().clone_from(&self.headers);
        let answer =
            self.client
                .request(request)
                .await
                .map_err(|error| ExportError::Unreachable {
                    message: innermost(&error),
                })?;
        let status = answer.status();
        let after = retry_after(answer.headers());
        let body = Limited::new(answer.into_body(), MOST_ANSWER_BYTES)
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes);
        if status.is_success() {
            // The status is the answer; a body that is none of OTLP's takes nothing back.
            let response = body
                .ok()
                .and_then(|body| ExportTraceServiceResponse::decode(body).ok());
            return Ok(response.map_or_else(Exported::default, exported));
        }
        let message = format!("HTTP status {status}");
        match status {
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::BAD_GATEWAY
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::GATEWAY_TIMEOUT => Err(ExportError::TryLater { message, after }),
            _ => Err(ExportError::Rejected { message }),
        }
    }
}

impl SpanSink for HttpSink {
    fn protocol(&self) -> &'static str {
        Protocol::HttpProtobuf.as_str()
    }

    fn export<'a>(&'a self, batch: &'a [SpanData]) -> Exporting<'a> {
        Box::pin(self.post(batch))
    }
}

/// The user's headers and ours, which win.
fn header_map(headers: &[(String, String)]) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let parsed = HeaderName::try_from(name.as_str());
        let name = parsed.map_err(|_| format!("{name:?} is no name of a header"))?;
        let mut value = HeaderValue::try_from(value.as_str())
            .map_err(|_| format!("the value of header {name} has characters no header has"))?;
        value.set_sensitive(true);
        map.insert(name, value);
    }
    map.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-protobuf"),
    );
    map.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    Ok(map)
}

/// `Retry-After` in seconds; one that names a date is left to our own patience.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse();
    seconds.ok().map(Duration::from_secs)
}

const AGENT: &str = concat!("tta-telemetry/", env!("CARGO_PKG_VERSION"));
const MOST_ANSWER_BYTES: usize = 64 << 10;
