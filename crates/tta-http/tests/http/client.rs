//! Clients: what goes out, and the span of it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use http::{HeaderMap, Request, Response, StatusCode};
use tower_layer::Layer;
use tower_service::Service;
use tta_core::{SpanKind, SpanStatus, WorkflowContext};
use tta_http::{HttpClientConfig, HttpClientLayer, Propagation};
use tta_testkit::recording::{RecordingRecorder, error_type};

use crate::support::{Handle, NoBody, client};

/// Makes a request inside a step and answers what was sent.
async fn send(
    recorder: &Arc<RecordingRecorder>,
    layer: HttpClientLayer,
    uri: &'static str,
    status: StatusCode,
) -> HeaderMap {
    let sent = Arc::new(Mutex::new(HeaderMap::new()));
    let there = Arc::clone(&sent);
    let ctx = recorder.builder().baggage("tenant", "acme").build();
    let call = async {
        let mut client = layer.layer(Handle(move |request: Request<NoBody>| {
            *there.lock().unwrap() = request.headers().clone();
            async move {
                let mut response = Response::new(NoBody::new());
                *response.status_mut() = status;
                Ok::<_, Infallible>(response)
            }
        }));
        let request = Request::get(uri).body(NoBody::new()).unwrap();
        client.call(request).await
    };
    ctx.observe("call", call).await.unwrap();
    let sent = sent.lock().unwrap();
    sent.clone()
}

#[tokio::test]
async fn the_other_service_is_told_of_the_client_span() {
    let recorder = RecordingRecorder::new();
    let uri = "https://user:secret@models.test:8443/v1/chat?key=secret";
    let sent = send(&recorder, client(), uri, StatusCode::OK).await;
    let span = recorder.span("GET");
    assert_eq!(span.kind, SpanKind::Client);
    assert_eq!(span.status, SpanStatus::Ok);
    assert_eq!(span.parent_id, recorder.span("call.execute").span_id);
    let trace = recorder.traces()[0].trace_id;
    let wanted = format!("00-{trace}-{}-03", span.span_id);
    assert_eq!(sent["traceparent"].to_str().unwrap(), wanted);
    assert_eq!(sent["baggage"], "tenant=acme");
    assert!(sent.contains_key("x-correlation-id"));
    let attribute = |key: &str| recorder.attribute(span.span_id, key).unwrap().to_string();
    assert_eq!(attribute("url.full"), "https://models.test:8443/v1/chat");
    assert_eq!(attribute("server.address"), "models.test");
    assert_eq!(attribute("server.port"), "8443");
    assert_eq!(attribute("http.response.status_code"), "200");
}

#[tokio::test]
async fn an_answer_that_says_failed_is_an_error_of_the_client() {
    let recorder = RecordingRecorder::new();
    send(&recorder, client(), "http://other/", StatusCode::NOT_FOUND).await;
    assert_eq!(error_type(&recorder.span("GET")), Some("404"));
}

#[tokio::test]
async fn who_is_no_target_is_told_nothing_and_has_a_span() {
    let recorder = RecordingRecorder::new();
    let config = HttpClientConfig::new()
        .with_propagation(Propagation::new())
        .with_targets(|uri| uri.host() == Some("ours"));
    let layer = HttpClientLayer::new(config);
    let sent = send(&recorder, layer, "http://theirs/", StatusCode::OK).await;
    assert!(sent.is_empty(), "{sent:?}");
    recorder.span("GET");
}

#[tokio::test]
async fn a_context_given_to_the_request_goes_before_the_one_around_it() {
    let recorder = RecordingRecorder::new();
    let given = recorder.builder().correlation_id("given").build();
    let mut client = client().layer(Handle(|request: Request<NoBody>| {
        let id = request.headers()["x-correlation-id"].clone();
        async move { Ok::<_, Infallible>(Response::builder().header("seen", id).body(()).unwrap()) }
    }));
    let mut request = Request::get("http://other/").body(NoBody::new()).unwrap();
    request.extensions_mut().insert::<WorkflowContext>(given);
    let response = client.call(request).await.unwrap();
    assert_eq!(response.headers()["seen"], "given");
}

#[tokio::test]
async fn a_request_that_is_dropped_says_cancelled() {
    let recorder = RecordingRecorder::new();
    let mut client = client().layer(Handle(|_: Request<NoBody>| {
        std::future::pending::<Result<Response<()>, Infallible>>()
    }));
    let mut request = Request::get("http://other/").body(NoBody::new()).unwrap();
    request.extensions_mut().insert(recorder.context());
    drop(client.call(request));
    assert_eq!(error_type(&recorder.span("GET")), Some("cancelled"));
}
