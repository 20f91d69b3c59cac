//! The context of a request, as an argument of an axum handler.

use std::convert::Infallible;

use axum::extract::FromRequestParts;
use http::request::Parts;
use tta_core::WorkflowContext;

/// The context of a request, as an argument of an axum handler; a new one where the request did not
/// pass through [`HttpServerLayer`](crate::HttpServerLayer).
///
/// # Examples
///
/// ```
/// use axum::{Router, routing::get};
/// use tta_core::step;
/// use tta_http::{HttpServerLayer, RequestContext};
///
/// async fn answer(RequestContext(ctx): RequestContext) -> String {
///     let flow = step("greet", async |name: String| Ok(format!("hello {name}")));
///     flow.execute("ada".to_owned(), &ctx).await.unwrap_or_default()
/// }
///
/// let app: Router = Router::new()
///     .route("/", get(answer))
///     .layer(HttpServerLayer::new().with_matched_path());
/// ```
#[derive(Debug, Clone)]
pub struct RequestContext(pub WorkflowContext);

impl<S: Sync> FromRequestParts<S> for RequestContext {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let ctx = parts.extensions.get::<WorkflowContext>();
        Ok(Self(ctx.cloned().unwrap_or_default()))
    }
}
