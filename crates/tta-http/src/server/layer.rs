//! What the layer for servers is told.

use std::fmt;
use std::sync::Arc;

use http::request::Parts;
use tower_layer::Layer;
use tta_core::{OpenSpan, SpanKind, WorkflowContext, WorkflowContextBuilder};

use super::service::HttpServerService;
use crate::catalog::SERVER_SPAN;
use crate::propagation::Propagation;

/// Makes a [`WorkflowContext`] of every request, with a server span around it.
///
/// The context is in the request's extensions. Flows run in it are workflows whose parent is the
/// server span. The answer carries the trace in `x-trace-id` and the request's correlation id in
/// `x-correlation-id`.
///
/// # Examples
///
/// ```
/// use http::{Request, Response};
/// use http_body_util::Empty;
/// use tower_layer::Layer;
/// use tower_service::Service;
/// use tta_core::{WorkflowContext, step};
/// use tta_http::HttpServerLayer;
/// # use std::{convert::Infallible, future::Future, pin::Pin, task::{Context, Poll}};
/// # #[derive(Clone)] struct Handler;
/// # impl Service<Request<Empty<&'static [u8]>>> for Handler {
/// #     type Response = Response<Empty<&'static [u8]>>;
/// #     type Error = Infallible;
/// #     type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;
/// #     fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> { Poll::Ready(Ok(())) }
/// #     fn call(&mut self, request: Request<Empty<&'static [u8]>>) -> Self::Future {
/// #         Box::pin(async move {
/// #             let ctx = request.extensions().get::<WorkflowContext>().unwrap();
/// #             step("answer", async |n: u32| Ok(n)).execute(1, ctx).await.unwrap();
/// #             Ok(Response::new(Empty::new()))
/// #         })
/// #     }
/// # }
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let mut service = HttpServerLayer::new().layer(Handler);
/// let request = Request::get("/").header("x-correlation-id", "req-1").body(Empty::new()).unwrap();
/// let response = service.call(request).await.unwrap();
/// assert_eq!(response.headers()["x-correlation-id"], "req-1");
/// # });
/// ```
#[derive(Clone)]
#[must_use]
pub struct HttpServerLayer {
    pub(super) propagation: Propagation,
    pub(super) route: Option<Arc<FindRoute>>,
    make_builder: Option<Arc<MakeBuilder>>,
    is_public: bool,
    pub(super) answers_trace_id: bool,
}

type FindRoute = dyn Fn(&Parts) -> Option<String> + Send + Sync;
type MakeBuilder = dyn Fn() -> WorkflowContextBuilder + Send + Sync;

impl HttpServerLayer {
    /// Joins the traces that requests come from.
    pub fn new() -> Self {
        Self {
            propagation: Propagation::default(),
            route: None,
            make_builder: None,
            is_public: false,
            answers_trace_id: true,
        }
    }

    /// What is read of requests; by default what `OTEL_PROPAGATORS` says.
    pub fn with_propagation(mut self, propagation: Propagation) -> Self {
        self.propagation = propagation;
        self
    }

    /// Where the route of a request is found: the pattern it matched, one of few, such as
    /// `/users/{id}`. It becomes part of the span's name.
    pub fn with_route(
        mut self,
        find: impl Fn(&Parts) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.route = Some(Arc::new(find));
        self
    }

    /// Finds the route where axum puts it. Use it with `Router::layer`, so that axum has matched
    /// the route before.
    #[cfg(feature = "axum")]
    pub fn with_matched_path(self) -> Self {
        self.with_route(|parts| {
            let path = parts.extensions.get::<axum::extract::MatchedPath>()?;
            Some(path.as_str().to_owned())
        })
    }

    /// For a service that anybody can reach: its traces are its own, with a link to the span that a
    /// request names. So nobody outside decides what is sampled, or writes into a trace.
    pub fn for_public_endpoint(mut self) -> Self {
        self.is_public = true;
        self
    }

    /// Leaves `x-trace-id` out of answers.
    pub fn without_trace_id(mut self) -> Self {
        self.answers_trace_id = false;
        self
    }

    /// What contexts are made from, such as one with a recorder of its own.
    pub fn with_builder(
        mut self,
        make: impl Fn() -> WorkflowContextBuilder + Send + Sync + 'static,
    ) -> Self {
        self.make_builder = Some(Arc::new(make));
        self
    }

    /// The span around a request.
    pub(super) fn open(&self, parts: &Parts) -> OpenSpan {
        let mut extracted = self.propagation.extract(&parts.headers);
        let refused = extracted.refused().join(",");
        let link = if self.is_public {
            extracted.take_parent()
        } else {
            None
        };
        let builder = match &self.make_builder {
            Some(make) => make(),
            None => WorkflowContext::builder(),
        };
        let span = extracted
            .apply_to(builder)
            .open(&SERVER_SPAN, SpanKind::Server);
        if let Some(link) = link {
            span.add_link(link);
        }
        if !refused.is_empty() {
            span.set_attribute("propagation.refused", refused);
        }
        span
    }
}

impl Default for HttpServerLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for HttpServerLayer {
    type Service = HttpServerService<S>;

    fn layer(&self, inner: S) -> HttpServerService<S> {
        HttpServerService::new(inner, self.clone())
    }
}

impl fmt::Debug for HttpServerLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpServerLayer")
            .field("propagation", &self.propagation)
            .field("is_public", &self.is_public)
            .finish_non_exhaustive()
    }
}
