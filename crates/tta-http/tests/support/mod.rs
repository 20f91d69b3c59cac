//! A server and a client without a network between them.

#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "shared between test programs; a test that cannot go on has failed"
)]

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::Empty;
use tower_layer::Layer;
use tower_service::Service;
use tta_http::{HttpClientConfig, HttpClientLayer, HttpServerLayer, Propagation};
use tta_testkit::recording::RecordingRecorder;

/// A body with nothing in it.
pub(crate) type NoBody = Empty<&'static [u8]>;

/// A service made of a function.
#[derive(Clone)]
pub(crate) struct Handle<F>(pub(crate) F);

impl<F, B, R, E, Fut> Service<Request<B>> for Handle<F>
where
    F: FnMut(Request<B>) -> Fut,
    Fut: Future<Output = Result<Response<R>, E>> + Send + 'static,
{
    type Response = Response<R>;
    type Error = E;
    type Future = Pin<Box<dyn Future<Output = Result<Response<R>, E>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), E>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        Box::pin((self.0)(request))
    }
}

/// A server layer that records to a recorder of its own.
pub(crate) fn server(recorder: &Arc<RecordingRecorder>) -> HttpServerLayer {
    let recorder = Arc::clone(recorder);
    HttpServerLayer::new()
        .with_propagation(Propagation::new())
        .with_builder(move || recorder.builder())
}

/// A client layer.
pub(crate) fn client() -> HttpClientLayer {
    HttpClientLayer::new(HttpClientConfig::new().with_propagation(Propagation::new()))
}

/// Headers as they were written, names in any case.
pub(crate) fn headers(pairs: &[(&str, String)]) -> HeaderMap {
    let pairs = pairs.iter().map(|(name, value)| {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    });
    pairs.collect()
}

/// Sends a request with these headers through a server that calls another service `calls` times;
/// answers the headers with which the other was called.
pub(crate) async fn called_with(
    layer: &HttpServerLayer,
    headers: HeaderMap,
    calls: usize,
) -> Vec<HeaderMap> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let other = Arc::clone(&seen);
    let handler = Handle(move |_: Request<NoBody>| {
        let other = Arc::clone(&other);
        async move {
            for _ in 0..calls {
                let other = Arc::clone(&other);
                let mut client = client().layer(Handle(move |request: Request<NoBody>| {
                    other.lock().unwrap().push(request.headers().clone());
                    async { Ok::<_, Infallible>(Response::new(NoBody::new())) }
                }));
                let request = Request::get("http://other/").body(NoBody::new()).unwrap();
                client.call(request).await.unwrap();
            }
            Ok::<_, Infallible>(Response::new(NoBody::new()))
        }
    });
    let mut request = Request::get("/").body(NoBody::new()).unwrap();
    *request.headers_mut() = headers;
    layer.layer(handler).call(request).await.unwrap();
    let seen = seen.lock().unwrap();
    seen.clone()
}
