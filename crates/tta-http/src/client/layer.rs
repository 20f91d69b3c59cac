//! The layer for clients.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;
use tta_core::{OpenSpan, WorkflowContext};

use super::{HttpClientConfig, answered, failed};

/// Gives every request of a tower client a span, and sends the context with it.
///
/// The context is the [`WorkflowContext`] in the request's extensions, or else that of the step
/// that makes the request.
///
/// # Examples
///
/// ```
/// use tower_layer::Layer;
/// use tta_http::{HttpClientConfig, HttpClientLayer};
///
/// # let connection = ();
/// let client = HttpClientLayer::new(HttpClientConfig::new()).layer(connection);
/// # drop(client);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct HttpClientLayer {
    config: HttpClientConfig,
}

impl HttpClientLayer {
    /// A layer that does as it is told.
    pub fn new(config: HttpClientConfig) -> Self {
        Self { config }
    }
}

impl<S> Layer<S> for HttpClientLayer {
    type Service = HttpClientService<S>;

    fn layer(&self, inner: S) -> HttpClientService<S> {
        HttpClientService {
            inner,
            config: self.config.clone(),
        }
    }
}

/// A client whose requests have a span and carry the context; made by [`HttpClientLayer`].
#[derive(Clone, Debug)]
pub struct HttpClientService<S> {
    inner: S,
    config: HttpClientConfig,
}

impl<S, B, R> Service<Request<B>> for HttpClientService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = HttpClientFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let given = parts.extensions.get::<WorkflowContext>();
        let span = self
            .config
            .open(given, &parts.method, &parts.uri, &mut parts.headers);
        let request = Request::from_parts(parts, body);
        let inner = span.enter(|| self.inner.call(request));
        HttpClientFuture {
            inner,
            span: Some(span),
        }
    }
}

pin_project! {
    /// A request that is under way.
    ///
    /// # Cancellation
    ///
    /// Dropping it drops the request; the span says `cancelled`.
    #[derive(Debug)]
    pub struct HttpClientFuture<F> {
        #[pin]
        inner: F,
        span: Option<OpenSpan>,
    }
}

impl<F, R, E> Future for HttpClientFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(span) = this.span.as_ref() else {
            // Polled again after its end, which no executor does.
            return Poll::Pending;
        };
        let result = ready!(span.enter(|| this.inner.poll(cx)));
        if let Some(span) = this.span.take() {
            match &result {
                Ok(response) => answered(span, response.status()),
                Err(_) => failed(span, "_OTHER"),
            }
        }
        Poll::Ready(result)
    }
}
