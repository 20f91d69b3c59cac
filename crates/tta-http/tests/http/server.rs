//! Servers: the context of a request, its span, and what the answer carries.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Empty};
use tower_layer::Layer;
use tower_service::Service;
use tta_core::{SpanKind, SpanStatus, WorkflowContext, step};
use tta_http::{HttpServerBody, HttpServerLayer};
use tta_testkit::recording::{RecordingRecorder, error_type};

use crate::support::{Handle, NoBody, server};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

async fn answer<B: Body + Send + 'static>(
    layer: &HttpServerLayer,
    request: Request<NoBody>,
    response: impl Fn(&WorkflowContext) -> Response<B> + Clone + Send + 'static,
) -> Response<HttpServerBody<B>> {
    let mut service = layer.layer(Handle(move |request: Request<NoBody>| {
        let response = response.clone();
        async move {
            let ctx = request.extensions().get::<WorkflowContext>().unwrap();
            step("work", async |n: u32| Ok(n))
                .execute(1, ctx)
                .await
                .unwrap();
            ctx.set_attribute("user.tier", "gold");
            Ok::<_, Infallible>(response(ctx))
        }
    }));
    service.call(request).await.unwrap()
}

fn get(uri: &str) -> Request<NoBody> {
    Request::get(uri)
        .header("host", "api.test:8080")
        .body(Empty::new())
        .unwrap()
}

fn with_status(status: StatusCode) -> impl Fn(&WorkflowContext) -> Response<NoBody> + Clone {
    move |_| {
        Response::builder()
            .status(status)
            .body(Empty::new())
            .unwrap()
    }
}

/// A body of some frames, then its end, an error, or nothing.
struct Frames(Vec<Result<Frame<&'static [u8]>, &'static str>>);

impl Body for Frames {
    type Data = &'static [u8];
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Poll::Ready((!self.0.is_empty()).then(|| self.0.remove(0)))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "a frame as a body gives it")]
fn data(bytes: &'static [u8]) -> Result<Frame<&'static [u8]>, &'static str> {
    Ok(Frame::data(bytes))
}

#[tokio::test]
async fn a_request_has_a_server_span_between_its_caller_and_its_workflow() {
    let recorder = RecordingRecorder::new();
    let layer = server(&recorder).with_route(|_| Some("/users/{id}".to_owned()));
    let mut request = get("/users/7?token=secret");
    request
        .headers_mut()
        .insert("traceparent", PARENT.parse().unwrap());
    let response = answer(&layer, request, with_status(StatusCode::OK)).await;
    drop(response);
    let span = recorder.span("GET /users/{id}");
    assert_eq!(span.kind, SpanKind::Server);
    assert_eq!(span.status, SpanStatus::Ok);
    assert_eq!(span.parent_id.to_string(), "b7ad6b7169203331");
    assert!(span.parent_is_remote);
    assert_eq!(recorder.span("workflow.execute").parent_id, span.span_id);
    let attribute = |key: &str| recorder.attribute(span.span_id, key).unwrap().to_string();
    for (key, value) in [
        ("http.request.method", "GET"),
        ("http.route", "/users/{id}"),
        ("url.path", "/users/7"),
        ("url.scheme", "http"),
        ("server.address", "api.test"),
        ("server.port", "8080"),
        ("network.protocol.version", "1.1"),
        ("http.response.status_code", "200"),
        ("user.tier", "gold"),
    ] {
        assert_eq!(attribute(key), value, "{key}");
    }
    assert_eq!(recorder.traces().len(), 1, "a request is handed over whole");
}

#[tokio::test]
async fn an_answer_carries_the_trace_and_the_correlation() {
    let recorder = RecordingRecorder::new();
    let mut request = get("/");
    request
        .headers_mut()
        .insert("x-correlation-id", "req-1".parse().unwrap());
    let response = answer(&server(&recorder), request, with_status(StatusCode::OK)).await;
    let trace = recorder.traces()[0].trace_id.to_string();
    assert_eq!(response.headers()["x-trace-id"], trace.as_str());
    assert_eq!(response.headers()["x-correlation-id"], "req-1");
    let layer = server(&recorder).without_trace_id();
    let response = answer(&layer, get("/"), with_status(StatusCode::OK)).await;
    assert!(!response.headers().contains_key("x-trace-id"));
}

#[tokio::test]
async fn a_server_error_is_an_error_and_a_clients_mistake_is_not() {
    for (status, wanted, error) in [
        (StatusCode::NOT_FOUND, Some(SpanStatus::Unset), None),
        (StatusCode::SERVICE_UNAVAILABLE, None, Some("503")),
    ] {
        let recorder = RecordingRecorder::new();
        drop(answer(&server(&recorder), get("/"), with_status(status)).await);
        let span = recorder.span("GET");
        assert!(
            wanted.is_none_or(|wanted| span.status == wanted),
            "{span:?}"
        );
        assert_eq!(error_type(&span), error);
    }
}

#[tokio::test]
async fn a_method_that_nobody_knows_makes_no_name() {
    let recorder = RecordingRecorder::new();
    let mut request = get("/");
    *request.method_mut() = "FROBNICATE".parse().unwrap();
    drop(answer(&server(&recorder), request, with_status(StatusCode::OK)).await);
    let span = recorder.span("HTTP").span_id;
    assert_eq!(
        recorder.attribute(span, "http.request.method"),
        Some("_OTHER".into())
    );
}

#[tokio::test]
async fn the_span_lasts_until_the_body_ends() {
    let recorder = RecordingRecorder::new();
    let frames = |_: &WorkflowContext| Response::new(Frames(vec![data(b"a"), data(b"b")]));
    let response = answer(&server(&recorder), get("/"), frames).await;
    assert!(recorder.spans_named("GET").is_empty());
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    body.frame().await.unwrap().unwrap();
    assert!(recorder.spans_named("GET").is_empty());
    assert!(body.frame().await.is_none());
    assert_eq!(recorder.span("GET").status, SpanStatus::Ok);
}

#[tokio::test]
async fn a_body_that_is_dropped_or_fails_says_so() {
    let half = |_: &WorkflowContext| Response::new(Frames(vec![data(b"a"), data(b"b")]));
    let recorder = RecordingRecorder::new();
    let mut body = answer(&server(&recorder), get("/"), half).await.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert_eq!(error_type(&recorder.span("GET")), Some("cancelled"));

    let fails = |_: &WorkflowContext| Response::new(Frames(vec![data(b"a"), Err("broken")]));
    let recorder = RecordingRecorder::new();
    let mut body = answer(&server(&recorder), get("/"), fails)
        .await
        .into_body();
    body.frame().await.unwrap().unwrap();
    body.frame().await.unwrap().unwrap_err();
    assert_eq!(error_type(&recorder.span("GET")), Some("_OTHER"));
}

#[tokio::test]
async fn a_body_with_all_the_bytes_it_promised_is_whole() {
    let recorder = RecordingRecorder::new();
    let promised = |_: &WorkflowContext| {
        let response = Response::builder().header("content-length", "2");
        response.body(Frames(vec![data(b"ab")])).unwrap()
    };
    let mut body = answer(&server(&recorder), get("/"), promised)
        .await
        .into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    assert_eq!(recorder.span("GET").status, SpanStatus::Ok);
}

#[tokio::test]
async fn a_failed_status_of_grpc_is_an_error_under_an_answer_of_200() {
    let recorder = RecordingRecorder::new();
    let failed = |_: &WorkflowContext| {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "13".parse().unwrap());
        Response::new(Frames(vec![data(b"a"), Ok(Frame::trailers(trailers))]))
    };
    let response = answer(&server(&recorder), get("/"), failed).await;
    response.into_body().collect().await.unwrap();
    assert_eq!(error_type(&recorder.span("GET")), Some("INTERNAL"));
}

#[tokio::test]
async fn a_handler_that_is_dropped_says_cancelled_and_one_that_panics_says_so() {
    let recorder = RecordingRecorder::new();
    let mut hangs = server(&recorder).layer(Handle(|_: Request<NoBody>| {
        std::future::pending::<Result<Response<NoBody>, Infallible>>()
    }));
    drop(hangs.call(get("/")));
    assert_eq!(error_type(&recorder.span("GET")), Some("cancelled"));

    let recorder = RecordingRecorder::new();
    let mut panics = server(&recorder).layer(Handle(|_: Request<NoBody>| async {
        std::panic::panic_any("on purpose");
        #[expect(unreachable_code, reason = "it gives the type")]
        Ok::<Response<NoBody>, Infallible>(Response::new(Empty::new()))
    }));
    let request = panics.call(get("/"));
    assert!(tokio::spawn(request).await.unwrap_err().is_panic());
    assert_eq!(error_type(&recorder.span("GET")), Some("panic"));
}

#[tokio::test]
async fn a_public_endpoint_has_traces_of_its_own_with_a_link() {
    let recorder = RecordingRecorder::new();
    let layer = server(&recorder).for_public_endpoint();
    let mut request = get("/");
    let unsampled = PARENT.replace("-01", "-00");
    request
        .headers_mut()
        .insert("traceparent", unsampled.parse().unwrap());
    drop(answer(&layer, request, with_status(StatusCode::OK)).await);
    let trace = recorder.traces().remove(0);
    assert_ne!(
        trace.trace_id.to_string(),
        "0af7651916cd43dd8448eb211c80319c"
    );
    let [(span, link)] = trace.links.as_slice() else {
        panic!("{trace:?}")
    };
    assert_eq!(*span, recorder.span("GET").span_id);
    assert_eq!(link.span_id.to_string(), "b7ad6b7169203331");
}

#[tokio::test]
async fn headers_that_were_refused_are_named() {
    let recorder = RecordingRecorder::new();
    let mut request = get("/");
    request
        .headers_mut()
        .insert("traceparent", "00-1-2-3".parse().unwrap());
    drop(answer(&server(&recorder), request, with_status(StatusCode::OK)).await);
    let span = recorder.span("GET").span_id;
    let refused = recorder.attribute(span, "propagation.refused");
    assert_eq!(refused, Some("traceparent".into()));
}

#[tokio::test]
async fn baggage_from_outside_is_in_no_span_and_no_log() {
    let recorder = RecordingRecorder::new();
    let mut request = get("/");
    request
        .headers_mut()
        .insert("baggage", "secret=canary".parse().unwrap());
    let read = |ctx: &WorkflowContext| {
        assert_eq!(ctx.baggage("secret").as_deref(), Some("canary"));
        Response::new(NoBody::new())
    };
    drop(answer(&server(&recorder), request, read).await);
    let told = format!("{:?}{:?}", recorder.traces(), recorder.logs());
    assert!(!told.contains("canary"));
}

#[tokio::test]
async fn results_are_the_same_where_nothing_records() {
    let layer =
        HttpServerLayer::new().with_builder(|| WorkflowContext::builder().recorder(Arc::new(())));
    let response = answer(&layer, get("/"), with_status(StatusCode::IM_A_TEAPOT)).await;
    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);
}
