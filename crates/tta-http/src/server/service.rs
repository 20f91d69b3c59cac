//! A server inside its layer.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use http::{HeaderName, HeaderValue, Method, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;
use tta_core::{OpenSpan, SpanStatus};

use super::body::HttpServerBody;
use super::describe::{describe_request, describe_response};
use super::layer::HttpServerLayer;
use crate::propagation::CORRELATION_ID;

/// A server whose requests have a context and a span; made by [`HttpServerLayer`].
#[derive(Clone, Debug)]
pub struct HttpServerService<S> {
    inner: S,
    layer: HttpServerLayer,
}

impl<S> HttpServerService<S> {
    pub(super) fn new(inner: S, layer: HttpServerLayer) -> Self {
        Self { inner, layer }
    }
}

impl<S, B, R> Service<Request<B>> for HttpServerService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: Body,
{
    type Response = Response<HttpServerBody<R>>;
    type Error = S::Error;
    type Future = HttpServerFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut parts, body) = request.into_parts();
        let mut span = self.layer.open(&parts);
        let route = self.layer.route.as_ref().and_then(|find| find(&parts));
        describe_request(&mut span, &parts, route);
        parts.extensions.insert(span.context().clone());
        let is_head = parts.method == Method::HEAD;
        let request = Request::from_parts(parts, body);
        let inner = span.enter(|| self.inner.call(request));
        HttpServerFuture {
            inner,
            span: Some(span),
            is_head,
            answers_trace_id: self.layer.answers_trace_id,
        }
    }
}

pin_project! {
    /// A request that is being answered.
    ///
    /// # Cancellation
    ///
    /// Dropping it drops the handler; the span says `cancelled`.
    #[derive(Debug)]
    pub struct HttpServerFuture<F> {
        // Dropped before the span: children end before parents.
        #[pin]
        inner: F,
        span: Option<OpenSpan>,
        is_head: bool,
        answers_trace_id: bool,
    }
}

impl<F, R, E> Future for HttpServerFuture<F>
where
    F: Future<Output = Result<Response<R>, E>>,
    R: Body,
{
    type Output = Result<Response<HttpServerBody<R>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let Some(span) = this.span.as_ref() else {
            // Polled again after its end: what the inner future makes of that is its own business.
            return Poll::Pending;
        };
        let answered = ready!(span.enter(|| this.inner.poll(cx)));
        let Some(mut span) = this.span.take() else {
            return Poll::Pending;
        };
        match answered {
            Ok(mut response) => {
                describe_response(&mut span, &response);
                let headers = response.headers_mut();
                let ctx = span.context();
                if *this.answers_trace_id
                    && let Ok(id) = HeaderValue::try_from(ctx.trace_id().to_string())
                {
                    headers.insert(HeaderName::from_static(TRACE_ID), id);
                }
                if let Ok(id) = HeaderValue::try_from(ctx.correlation_id()) {
                    headers.insert(HeaderName::from_static(CORRELATION_ID), id);
                }
                let (parts, body) = response.into_parts();
                let body = HttpServerBody::new(body, span, &parts, *this.is_head);
                Poll::Ready(Ok(Response::from_parts(parts, body)))
            }
            Err(error) => {
                span.set_status(SpanStatus::Error {
                    error_type: "_OTHER",
                    description: "the service failed without an answer".into(),
                });
                span.end();
                Poll::Ready(Err(error))
            }
        }
    }
}

const TRACE_ID: &str = "x-trace-id";
