//! OTLP as protobuf over HTTP/1.1.

use std::io::Write;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use flate2::Compression as Level;
use flate2::write::GzEncoder;
use http_body_util::{BodyExt, Collected, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{
    CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, USER_AGENT,
};
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, Error};

use tta_core::Secret;

use super::bounded::Bounded;
use super::quiet::QuietExecutor;
use super::{AGENT, Asked, CONNECT_TIMEOUT, MOST_ANSWER_BYTES, Resolver, innermost};
use crate::export::ExportError;
use crate::settings::{Compression, Endpoint, Otlp};

/// Posts each request to one URL. Redirects are not followed.
pub(super) struct HttpTransport {
    client: HttpClient,
    url: Uri,
    headers: HeaderMap,
    compression: Compression,
}

enum HttpClient {
    Plain(Client<TcpConnector, Full<Bytes>>),
    #[cfg(feature = "tls")]
    Tls(Client<super::tls::TlsConnector, Full<Bytes>>),
}

impl HttpTransport {
    pub(super) fn new(settings: &Otlp, endpoint: &Endpoint, asked: &Asked) -> Result<Self, String> {
        let url = endpoint.url();
        Ok(Self {
            client: HttpClient::new(settings, endpoint, asked)?,
            url: url
                .parse()
                .map_err(|why| format!("{endpoint} is no URL: {why}"))?,
            headers: header_map(&settings.headers, settings.compression)?,
            compression: settings.compression,
        })
    }

    /// What a request was answered; nothing where the answer could not be read to its end.
    pub(super) async fn post(&self, body: Bytes) -> Result<Option<Bytes>, ExportError> {
        let body = match self.compression {
            Compression::None => body,
            Compression::Gzip => compressed(&body),
        };
        let mut request = Request::new(Full::new(body));
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
        let after = retry_after(answer.headers(), SystemTime::now());
        let body = Limited::new(answer.into_body(), MOST_ANSWER_BYTES)
            .collect()
            .await
            .map(Collected::to_bytes);
        if status.is_success() {
            return Ok(body.ok());
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

impl HttpClient {
    #[cfg_attr(
        not(feature = "tls"),
        expect(clippy::unnecessary_wraps, reason = "only TLS can fail")
    )]
    fn new(settings: &Otlp, endpoint: &Endpoint, asked: &Asked) -> Result<Self, String> {
        let mut builder = Client::builder(QuietExecutor);
        builder.http1_max_buf_size(MOST_ANSWER_BYTES);
        #[cfg(feature = "tls")]
        if endpoint.is_https {
            let connector =
                super::tls::connector(&settings.tls, super::tls::Version::Http1, asked)?;
            return Ok(Self::Tls(builder.build(connector)));
        }
        #[cfg(not(feature = "tls"))]
        let _ = (settings, endpoint, asked);
        Ok(Self::Plain(builder.build(tcp_connector())))
    }

    async fn request(&self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Error> {
        match self {
            Self::Plain(client) => client.request(request).await,
            #[cfg(feature = "tls")]
            Self::Tls(client) => client.request(request).await,
        }
    }
}

/// Connects without TLS.
pub(super) type TcpConnector = Bounded<HttpConnector<Resolver>>;

pub(super) fn tcp_connector() -> TcpConnector {
    let mut connector = HttpConnector::new_with_resolver(Resolver);
    connector.set_connect_timeout(Some(CONNECT_TIMEOUT));
    connector.set_nodelay(true);
    // The address has the scheme of what is inside.
    connector.enforce_http(false);
    Bounded(connector)
}

fn compressed(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::with_capacity(body.len() / 4), Level::fast());
    // Writing to memory does not fail.
    let written = encoder.write_all(body).and_then(|()| encoder.finish());
    written.unwrap_or_default().into()
}

/// The user's headers and ours, which win.
fn header_map(headers: &[(String, Secret)], compression: Compression) -> Result<HeaderMap, String> {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        let parsed = HeaderName::try_from(name.as_str());
        let name = parsed.map_err(|_| format!("{name:?} is no name of a header"))?;
        let mut value = HeaderValue::try_from(value.expose())
            .map_err(|_| format!("the value of header {name} has characters no header has"))?;
        value.set_sensitive(true);
        map.insert(name, value);
    }
    map.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/x-protobuf"),
    );
    map.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    if compression == Compression::Gzip {
        map.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok(map)
}

/// `Retry-After`, in seconds or as a date.
fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let when = httpdate::parse_http_date(text).ok()?;
    // A date that has passed asks for no wait.
    Some(when.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_read_in_seconds_and_as_a_date() {
        let now = httpdate::parse_http_date("Fri, 31 Dec 1999 23:59:29 GMT").unwrap();
        let read = |text| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
            retry_after(&headers, now)
        };
        assert_eq!(read("120"), Some(Duration::from_mins(2)));
        let date = "Fri, 31 Dec 1999 23:59:59 GMT";
        assert_eq!(read(date), Some(Duration::from_secs(30)));
        let past = "Fri, 31 Dec 1999 23:00:00 GMT";
        assert_eq!(read(past), Some(Duration::ZERO));
        assert_eq!(read("soon"), None);
    }
}
