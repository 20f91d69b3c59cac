//! From a request to its answer.

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap,
    HeaderName, HeaderValue, RETRY_AFTER, VARY,
};
use hyper::{Method, Request, Response, StatusCode, Version};

use crate::encoding;
use crate::render::{Page, RenderError, Renderer};
use crate::stats::{Counter, Counters};

pub(crate) type Answer = Response<Full<Bytes>>;

/// Answers one request and counts how it ended. The path and the rest of the request never come
/// back in an answer.
pub(crate) async fn respond(
    request: &Request<Incoming>,
    renderer: &Renderer,
    counters: &Counters,
) -> Answer {
    let mut outcome = Outcome::new(counters);
    let (answer, counter) = match route(request) {
        Ok(endpoint) => {
            let gzip = encoding::prefers_gzip(request.headers());
            let page = match endpoint {
                Endpoint::Metrics => renderer.metrics(accept(request).as_deref(), gzip).await,
                Endpoint::Health => renderer.health(gzip).await,
            };
            match page {
                Ok(page) => (serve(page), &counters.requests_served),
                Err(RenderError::Panicked) => (
                    refuse(
                        StatusCode::INTERNAL_SERVER_ERROR,
                        "this could not be rendered; the application's log says why\n",
                    ),
                    &counters.requests_failed,
                ),
                Err(RenderError::TimedOut) => (
                    refuse_with(
                        StatusCode::SERVICE_UNAVAILABLE,
                        "rendering this takes too long; try again later\n",
                        (RETRY_AFTER, "5"),
                    ),
                    &counters.requests_render_timed_out,
                ),
            }
        }
        Err(Refusal::NotFound) => (
            refuse(
                StatusCode::NOT_FOUND,
                "there is nothing here; see /metrics and /health\n",
            ),
            &counters.requests_not_found,
        ),
        Err(Refusal::MethodNotAllowed) => (
            refuse_with(
                StatusCode::METHOD_NOT_ALLOWED,
                "only GET and HEAD are allowed\n",
                (ALLOW, "GET, HEAD"),
            ),
            &counters.requests_method_not_allowed,
        ),
        Err(Refusal::HasBody) => (
            refuse(
                StatusCode::PAYLOAD_TOO_LARGE,
                "a request here has no body\n",
            ),
            &counters.requests_body_refused,
        ),
        Err(Refusal::NoHost) => (
            refuse(
                StatusCode::BAD_REQUEST,
                "a request must have one Host header\n",
            ),
            &counters.requests_malformed,
        ),
    };
    outcome.counter = counter;
    answer
}

pub(crate) fn has_body(request: &Request<Incoming>) -> bool {
    !request.body().is_end_stream()
}

/// Makes this answer the connection's last.
pub(crate) fn close_after(answer: &mut Answer) {
    answer
        .headers_mut()
        .insert(CONNECTION, HeaderValue::from_static("close"));
}

enum Endpoint {
    Metrics,
    Health,
}

enum Refusal {
    NotFound,
    MethodNotAllowed,
    HasBody,
    NoHost,
}

fn route(request: &Request<Incoming>) -> Result<Endpoint, Refusal> {
    // RFC 9112, section 3.2: a proxy in front may read a request with two hosts differently.
    let hosts = request.headers().get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return Err(Refusal::NoHost);
    }
    let endpoint = match request.uri().path() {
        "/metrics" => Endpoint::Metrics,
        "/health" => Endpoint::Health,
        _ => return Err(Refusal::NotFound),
    };
    if *request.method() != Method::GET && *request.method() != Method::HEAD {
        return Err(Refusal::MethodNotAllowed);
    }
    if has_body(request) {
        return Err(Refusal::HasBody);
    }
    Ok(endpoint)
}

/// All `Accept` headers as one, as RFC 9110, section 5.3, lets them be read.
fn accept(request: &Request<Incoming>) -> Option<String> {
    let values = request.headers().get_all(ACCEPT).iter();
    let texts: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

fn serve(page: Page) -> Answer {
    let mut answer = Response::new(Full::new(page.body));
    *answer.status_mut() = page.status;
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, page.content_type);
    headers.insert(VARY, HeaderValue::from_static("accept, accept-encoding"));
    if page.gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    forbid_caching(headers);
    answer
}

fn refuse(status: StatusCode, reason: &'static str) -> Answer {
    let mut answer = Response::new(Full::new(Bytes::from_static(reason.as_bytes())));
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf-8"),
    );
    forbid_caching(headers);
    answer
}

fn refuse_with(
    status: StatusCode,
    reason: &'static str,
    (name, value): (HeaderName, &'static str),
) -> Answer {
    let mut answer = refuse(status, reason);
    answer
        .headers_mut()
        .insert(name, HeaderValue::from_static(value));
    answer
}

fn forbid_caching(headers: &mut HeaderMap) {
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
}

/// Counts a request when it ends, however it ends: dropped before its answer it is abandoned.
struct Outcome<'a> {
    counters: &'a Counters,
    counter: &'a Counter,
}

impl<'a> Outcome<'a> {
    fn new(counters: &'a Counters) -> Self {
        counters.request_began();
        Self {
            counters,
            counter: &counters.requests_abandoned,
        }
    }
}

impl Drop for Outcome<'_> {
    fn drop(&mut self) {
        self.counters.request_ended(self.counter);
    }
}
