//! The middleware for reqwest.

use async_trait::async_trait;
use http::{Extensions, Uri};
use reqwest::{Request, Response};
use reqwest_middleware::{Error, Middleware, Next, Result};
use tta_core::WorkflowContext;

use crate::carried::Carry;
use crate::client::{HttpClientConfig, answered, failed};

/// Gives every request of a `reqwest` client a span, and sends the context with it.
///
/// The context is the [`WorkflowContext`] given to the request with `with_extension`, or else that
/// of the step that makes the request. A retry that happens outside of it has a span for each try;
/// put it innermost, so that this is so.
///
/// # Examples
///
/// ```
/// use reqwest_middleware::ClientBuilder;
/// use tta_http::{HttpClientConfig, HttpClientMiddleware};
///
/// let client = ClientBuilder::new(reqwest::Client::new())
///     .with(HttpClientMiddleware::new(HttpClientConfig::new()))
///     .build();
/// # drop(client);
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct HttpClientMiddleware {
    config: HttpClientConfig,
}

impl HttpClientMiddleware {
    /// A middleware that does as it is told.
    pub fn new(config: HttpClientConfig) -> Self {
        Self { config }
    }
}

#[async_trait]
impl Middleware for HttpClientMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        // A URL that is no URI of HTTP reaches nobody; the client says so.
        let uri = request.url().as_str().parse::<Uri>().unwrap_or_default();
        let method = request.method().clone();
        let given = extensions.get::<WorkflowContext>().cloned();
        let span = self
            .config
            .open(given.as_ref(), &method, &uri, request.headers_mut());
        // Made inside the span, so that it is the span which is remembered.
        let running = span.enter(|| next.run(request, extensions).carried(span.context()));
        let result = running.await;
        match &result {
            Ok(response) => answered(span, response.status()),
            Err(error) => failed(span, kind_of(error)),
        }
        result
    }
}

fn kind_of(error: &Error) -> &'static str {
    match error {
        Error::Reqwest(error) if error.is_timeout() => "timeout",
        Error::Reqwest(error) if error.is_connect() => "connect",
        _ => "_OTHER",
    }
}
