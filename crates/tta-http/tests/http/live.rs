//! The layer around servers that listen: tonic, and hyper without anything around it.

use std::convert::Infallible;
use std::sync::Arc;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_client::TraceServiceClient;
use opentelemetry_proto::tonic::collector::trace::v1::trace_service_server::{
    TraceService, TraceServiceServer,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use tokio::net::TcpListener;
use tower_layer::Layer as _;
use tta_core::{SpanKind, WorkflowContext, step};
use tta_testkit::recording::{RecordingRecorder, error_type};

use crate::support::{Handle, server};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

/// The caller's span, the server's and the workflow's are one chain, and the answer names the trace.
fn assert_one_chain(recorder: &RecordingRecorder, server_span: &str) {
    let span = recorder.span(server_span);
    assert_eq!(span.kind, SpanKind::Server);
    assert!(span.parent_is_remote);
    assert_eq!(span.parent_id.to_string(), "b7ad6b7169203331");
    let workflow = recorder.span("workflow.execute");
    assert_eq!(workflow.parent_id, span.span_id);
    let work = recorder.span("work.execute");
    assert_eq!(work.parent_id, workflow.span_id);
}

async fn work(ctx: &WorkflowContext) {
    let work = step("work", async |n: u32| Ok(n));
    (work.execute(1, ctx)).await.unwrap();
}

async fn listen() -> (TcpListener, std::net::SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// A service of tonic that does some work, or refuses it.
struct Collector {
    refuses: bool,
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: tonic::Request<ExportTraceServiceRequest>,
    ) -> Result<tonic::Response<ExportTraceServiceResponse>, tonic::Status> {
        let ctx = request.extensions().get::<WorkflowContext>().cloned();
        work(&ctx.ok_or_else(|| tonic::Status::internal("no layer put a context there"))?).await;
        if self.refuses {
            return Err(tonic::Status::unavailable("come back later"));
        }
        Ok(tonic::Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tokio::test]
async fn a_server_of_tonic_joins_the_trace_and_tells_how_a_call_ended() {
    for refuses in [false, true] {
        let recorder = RecordingRecorder::new();
        let (listener, address) = listen().await;
        let layer = server(&recorder).with_route(|parts| Some(parts.uri.path().to_owned()));
        let incoming = tonic::transport::server::TcpIncoming::from(listener);
        let serving = tonic::transport::Server::builder()
            .layer(layer)
            .add_service(TraceServiceServer::new(Collector { refuses }))
            .serve_with_incoming(incoming);
        let serving = tokio::spawn(serving);
        let mut client = TraceServiceClient::connect(format!("http://{address}"))
            .await
            .unwrap();
        let mut request = tonic::Request::new(ExportTraceServiceRequest::default());
        let metadata = request.metadata_mut();
        metadata.insert("traceparent", PARENT.parse().unwrap());
        metadata.insert("x-correlation-id", "call-1".parse().unwrap());
        let answered = client.export(request).await;
        let metadata = match &answered {
            Ok(response) => response.metadata().clone(),
            Err(status) => status.metadata().clone(),
        };
        assert_eq!(answered.is_err(), refuses, "{answered:?}");
        assert_eq!(metadata.get("x-trace-id").unwrap(), TRACE);
        assert_eq!(metadata.get("x-correlation-id").unwrap(), "call-1");
        drop(client);

        let name = "POST /opentelemetry.proto.collector.trace.v1.TraceService/Export";
        await_span(&recorder, name).await;
        assert_one_chain(&recorder, name);
        let span = recorder.span(name);
        let failure = refuses.then_some("UNAVAILABLE");
        assert_eq!(error_type(&span), failure, "{span:?}");
        serving.abort();
    }
}

#[tokio::test]
async fn a_server_of_hyper_alone_joins_the_trace_to_the_last_byte_of_the_answer() {
    let recorder = RecordingRecorder::new();
    let (listener, address) = listen().await;
    let service = server(&recorder)
        .with_route(|_| Some("/answer".to_owned()))
        .layer(Handle(async |request: http::Request<Incoming>| {
            let ctx = request.extensions().get::<WorkflowContext>().unwrap();
            work(ctx).await;
            let answer = Full::new(Bytes::from_static(b"forty-two"));
            Ok::<_, Infallible>(http::Response::new(answer))
        }));
    let service = TowerToHyperService::new(service);
    let serving = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service.clone());
            tokio::spawn(connection);
        }
    });
    let asked = tokio::task::spawn_blocking(move || {
        let headers = [("traceparent", PARENT), ("x-correlation-id", "call-1")];
        tta_testkit::http::request(address, "GET", "/answer", &headers, &[]).unwrap()
    });
    let answer = asked.await.unwrap();
    assert_eq!(
        (answer.status(), answer.text().as_str()),
        (200, "forty-two")
    );
    assert_eq!(answer.header("x-trace-id"), Some(TRACE));
    assert_eq!(answer.header("x-correlation-id"), Some("call-1"));
    await_span(&recorder, "GET /answer").await;
    assert_one_chain(&recorder, "GET /answer");
    serving.abort();
}

/// A server is done with a request a moment after its client is.
async fn await_span(recorder: &Arc<RecordingRecorder>, name: &str) {
    let is_there = async {
        while recorder.spans_named(name).is_empty() {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    let patience = std::time::Duration::from_secs(30);
    let waited = tokio::time::timeout(patience, is_there).await;
    waited.unwrap_or_else(|_| panic!("no span {name} among {:#?}", recorder.spans()));
}
