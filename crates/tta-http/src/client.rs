//! Requests to other services.

#[cfg(feature = "tower")]
mod layer;

#[cfg(feature = "tower")]
pub use layer::{HttpClientFuture, HttpClientLayer, HttpClientService};

use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode, Uri};
use tta_core::{OpenSpan, SpanKind, SpanStatus, WorkflowContext, with_current};

use crate::catalog::CLIENT_SPAN;
use crate::propagation::Propagation;
use crate::semantics::{error_of_status, known_method};

/// What clients are told: what goes out with requests, and to whom.
///
/// # Examples
///
/// ```
/// use tta_http::HttpClientConfig;
///
/// // The model's provider has no business with our identifiers.
/// let ours = |uri: &http::Uri| uri.host().is_some_and(|host| host.ends_with(".internal"));
/// let config = HttpClientConfig::new().with_targets(ours);
/// ```
#[derive(Clone)]
#[must_use]
pub struct HttpClientConfig {
    propagation: Propagation,
    targets: Option<Arc<IsTarget>>,
}

type IsTarget = dyn Fn(&Uri) -> bool + Send + Sync;

impl HttpClientConfig {
    /// Context goes out with every request.
    pub fn new() -> Self {
        Self {
            propagation: Propagation::default(),
            targets: None,
        }
    }

    /// What goes out; by default what `OTEL_PROPAGATORS` says.
    pub fn with_propagation(mut self, propagation: Propagation) -> Self {
        self.propagation = propagation;
        self
    }

    /// Sends context only with requests to addresses of which `is_target` says so. The others have
    /// their span all the same.
    pub fn with_targets(
        mut self,
        is_target: impl Fn(&Uri) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.targets = Some(Arc::new(is_target));
        self
    }

    /// Opens the span of a request and writes the context into its headers. The context is the one
    /// given, the one of the step that is being polled, or a new one.
    pub(crate) fn open(
        &self,
        given: Option<&WorkflowContext>,
        method: &Method,
        uri: &Uri,
        headers: &mut HeaderMap,
    ) -> OpenSpan {
        let around = given
            .cloned()
            .or_else(|| with_current(WorkflowContext::clone));
        let mut span = match around {
            Some(ctx) => ctx.open_span(&CLIENT_SPAN, SpanKind::Client),
            None => WorkflowContext::builder().open(&CLIENT_SPAN, SpanKind::Client),
        };
        let known = known_method(method);
        span.set_name(known.unwrap_or("HTTP"));
        if span.context().is_sampled() {
            span.set_attribute("http.request.method", known.unwrap_or("_OTHER"));
            if known.is_none() {
                let original = method.as_str().to_owned();
                span.set_attribute("http.request.method_original", original);
            }
            describe_target(&span, uri);
        }
        if self.targets.as_ref().is_none_or(|is_target| is_target(uri)) {
            span.enter(|| self.propagation.inject(span.context(), headers));
        }
        span
    }
}

impl Default for HttpClientConfig {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HttpClientConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClientConfig")
            .field("propagation", &self.propagation)
            .finish_non_exhaustive()
    }
}

/// Ends the span of a request that was answered.
pub(crate) fn answered(mut span: OpenSpan, status: StatusCode) {
    span.set_attribute("http.response.status_code", u32::from(status.as_u16()));
    if status.is_client_error() || status.is_server_error() {
        span.set_status(error_of_status(status));
    } else {
        span.set_status(SpanStatus::Ok);
    }
    span.end();
}

/// Ends the span of a request without an answer. What went wrong may name addresses with secrets
/// in them, so that it is not repeated.
pub(crate) fn failed(mut span: OpenSpan, error_type: &'static str) {
    span.set_status(SpanStatus::Error {
        error_type,
        description: "there was no answer".into(),
    });
    span.end();
}

/// Query and credentials are left out: they hold what people typed, and secrets.
fn describe_target(span: &OpenSpan, uri: &Uri) {
    let Some(host) = uri.host() else { return };
    span.set_attribute("server.address", host.to_owned());
    let scheme = uri.scheme_str().unwrap_or("http");
    let port = uri.port_u16();
    let known = match scheme {
        "https" => 443,
        _ => 80,
    };
    span.set_attribute("server.port", u32::from(port.unwrap_or(known)));
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    let path = uri.path();
    span.set_attribute("url.full", format!("{scheme}://{host}{port}{path}"));
}
