//! From a request to its answer.

use std::time::Instant;

use bytes::Bytes;
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HOST, HeaderMap,
    HeaderName, HeaderValue, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use hyper::{Method, Request, Response, StatusCode, Version};

use crate::access::Denied;
use crate::body::Body;
use crate::connection::Shared;
use crate::encoding;
use crate::observer::{AnsweredRequest, Endpoint};
use crate::render::{Page, RenderError, Renderer};
use crate::stats::{Counter, Counters};

pub(crate) type Answer = Response<Body>;

/// Answers one request, counts how it ended and tells the observer. Nothing of the request ever
/// comes back in an answer.
pub(crate) async fn respond(
    request: &Request<Incoming>,
    is_identified: bool,
    shared: &Shared,
) -> Answer {
    let begun = Instant::now();
    let mut outcome = Outcome::new(&shared.counters);
    let endpoint = endpoint(request.uri().path());
    let mut format = None;
    let (mut answer, counter) = match check(request, endpoint, is_identified, shared) {
        Ok(()) => match render(request, endpoint, &shared.renderer).await {
            Ok(page) => {
                format = page.format;
                (serve(page), &shared.counters.requests_served)
            }
            Err(error) => apologize(error, &shared.counters),
        },
        Err(refusal) => turn_away(refusal, &shared.counters),
    };
    outcome.counter = counter;
    drop(outcome);
    let is_head = *request.method() == Method::HEAD;
    let length = answer.body().length().filter(|_| !is_head);
    let answered = AnsweredRequest {
        endpoint,
        status: answer.status().as_u16(),
        content_type: format,
        bytes: length.unwrap_or_default(),
        duration: begun.elapsed(),
    };
    match answer.body_mut() {
        // How long it is, is known at its end.
        Body::Growing(growing) => growing.tell(&shared.counters, answered, begun),
        Body::Whole(_) => shared.counters.observer.answered(&answered),
    }
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

#[derive(Clone, Copy)]
enum Refusal {
    NoHost,
    Denied(Denied),
    NotFound,
    MethodNotAllowed,
    HasBody,
}

fn endpoint(path: &str) -> Endpoint {
    match path {
        "/metrics" => Endpoint::Metrics,
        "/health" => Endpoint::Health,
        "/health/live" => Endpoint::Live,
        "/health/ready" => Endpoint::Ready,
        _ => Endpoint::Other,
    }
}

fn check(
    request: &Request<Incoming>,
    endpoint: Endpoint,
    is_identified: bool,
    shared: &Shared,
) -> Result<(), Refusal> {
    // RFC 9112, section 3.2: a proxy in front may read a request with two hosts differently.
    let hosts = request.headers().get_all(HOST).iter().count();
    if hosts > 1 || (hosts == 0 && request.version() == Version::HTTP_11) {
        return Err(Refusal::NoHost);
    }
    shared
        .access
        .check(endpoint, request.headers(), is_identified, &shared.listener)
        .map_err(Refusal::Denied)?;
    if endpoint == Endpoint::Other {
        return Err(Refusal::NotFound);
    }
    if *request.method() != Method::GET && *request.method() != Method::HEAD {
        return Err(Refusal::MethodNotAllowed);
    }
    if has_body(request) {
        return Err(Refusal::HasBody);
    }
    Ok(())
}

async fn render(
    request: &Request<Incoming>,
    endpoint: Endpoint,
    renderer: &Renderer,
) -> Result<Page<Body>, RenderError> {
    let gzip = encoding::prefers_gzip(request.headers());
    match endpoint {
        Endpoint::Metrics => renderer.metrics(accept(request).as_deref(), gzip).await,
        Endpoint::Health => renderer.health(gzip).await,
        Endpoint::Ready => renderer.readiness().await,
        // What is not there has been refused before.
        Endpoint::Live | Endpoint::Other => Ok(Renderer::liveness()),
    }
}

fn apologize(error: RenderError, counters: &Counters) -> (Answer, &Counter) {
    match error {
        RenderError::Panicked => (
            refuse(
                StatusCode::INTERNAL_SERVER_ERROR,
                "this could not be rendered; the application's log says why\n",
            ),
            &counters.requests_failed,
        ),
        RenderError::TimedOut => (
            refuse_with(
                StatusCode::SERVICE_UNAVAILABLE,
                "rendering this takes too long; try again later\n",
                (RETRY_AFTER, "5"),
            ),
            &counters.requests_render_timed_out,
        ),
    }
}

fn turn_away(refusal: Refusal, counters: &Counters) -> (Answer, &Counter) {
    match refusal {
        Refusal::NoHost => (
            refuse(
                StatusCode::BAD_REQUEST,
                "a request must have one Host header\n",
            ),
            &counters.requests_malformed,
        ),
        Refusal::Denied(Denied::Unknown) => (
            refuse_with(
                StatusCode::UNAUTHORIZED,
                "say who you are, by basic authentication\n",
                (WWW_AUTHENTICATE, CHALLENGE),
            ),
            &counters.requests_unauthorized,
        ),
        Refusal::Denied(Denied::NoCertificate) => (
            refuse(
                StatusCode::FORBIDDEN,
                "this is for clients that show a certificate\n",
            ),
            &counters.requests_forbidden,
        ),
        Refusal::NotFound => (
            refuse(
                StatusCode::NOT_FOUND,
                "there is nothing here; see /metrics and /health\n",
            ),
            &counters.requests_not_found,
        ),
        Refusal::MethodNotAllowed => (
            refuse_with(
                StatusCode::METHOD_NOT_ALLOWED,
                "only GET and HEAD are allowed\n",
                (ALLOW, "GET, HEAD"),
            ),
            &counters.requests_method_not_allowed,
        ),
        Refusal::HasBody => (
            refuse(
                StatusCode::PAYLOAD_TOO_LARGE,
                "a request here has no body\n",
            ),
            &counters.requests_body_refused,
        ),
    }
}

/// All `Accept` headers as one, as RFC 9110, section 5.3, lets them be read.
fn accept(request: &Request<Incoming>) -> Option<String> {
    let values = request.headers().get_all(ACCEPT).iter();
    let texts: Vec<&str> = values.filter_map(|value| value.to_str().ok()).collect();
    (!texts.is_empty()).then(|| texts.join(", "))
}

fn serve(page: Page<Body>) -> Answer {
    let mut answer = Response::new(page.body);
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
    let mut answer = Response::new(Body::whole(Bytes::from_static(reason.as_bytes())));
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

/// Names are told in UTF-8, RFC 7617 says.
const CHALLENGE: &str = r#"Basic realm="metrics", charset="UTF-8""#;
