//! opentelemetry-python as the other service: we call it and it calls us, in one trace.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use reqwest_middleware::ClientBuilder;
use serde_json::Value;
use tta_http::{
    HttpClientConfig, HttpClientMiddleware, HttpServerLayer, Propagation, RequestContext,
};
use tta_testkit::judges::python_with;
use tta_testkit::recording::RecordingRecorder;
use tta_testkit::require;
use tta_testkit::servers::StartError;

/// The other service, ended with the test.
struct Peer {
    child: Child,
    port: u16,
}

impl Peer {
    fn start() -> Result<Self, StartError> {
        let python = python_with("opentelemetry.sdk.trace", "opentelemetry-sdk (Python)")?;
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/peer.py");
        let mut child = Command::new(python)
            .arg(script)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line)?;
        let port = line.trim().parse().unwrap();
        Ok(Self { child, port })
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn python_is_called_and_calls_back_in_one_trace_with_baggage_both_ways() {
    let peer = require!(Peer::start());
    let recorder = RecordingRecorder::new();
    let answer = async |RequestContext(ctx): RequestContext| {
        let told = ctx.baggage("from").unwrap_or_default();
        format!("{told}|{}", ctx.baggage("tenant").unwrap_or_default())
    };
    let layer = HttpServerLayer::new()
        .with_propagation(Propagation::new())
        .with_matched_path()
        .with_builder({
            let recorder = Arc::clone(&recorder);
            move || recorder.builder()
        });
    let app = Router::new().route("/back/{id}", get(answer)).layer(layer);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let back = format!("http://{}/back/7", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, app).await });

    let config = HttpClientConfig::new().with_propagation(Propagation::new());
    let client = ClientBuilder::new(reqwest::Client::new())
        .with(HttpClientMiddleware::new(config))
        .build();
    let extracted = Propagation::new().extract(&std::collections::BTreeMap::from([
        ("traceparent".to_owned(), PARENT.to_owned()),
        ("tracestate".to_owned(), "vendor=1,other@x=2".to_owned()),
    ]));
    let ctx = extracted
        .apply_to(recorder.builder())
        .baggage("tenant", "acmé & 1+1")
        .build();
    let url = format!("http://127.0.0.1:{}/", peer.port);
    let call = async {
        let answer = client.get(url).header("x-call", back).send().await?;
        Ok::<_, tta_core::BoxError>(answer.bytes().await?)
    };
    let body = ctx.observe("call", async {
        call.await.map_err(tta_core::Error::from_boxed)
    });
    let seen: Value = serde_json::from_slice(&Box::pin(body).await.unwrap()).unwrap();
    serving.abort();
    let _ = serving.await;

    let client = recorder.span("GET");
    let server = recorder.span("GET /back/{id}");
    assert_eq!(seen["trace"], "0af7651916cd43dd8448eb211c80319c", "{seen}");
    assert_eq!(seen["parent"], client.span_id.to_string());
    assert_eq!(seen["sampled"], true);
    assert_eq!(seen["state"], "vendor=1,other@x=2");
    assert_eq!(seen["baggage"]["tenant"], "acmé & 1+1");
    // Python writes spaces as in forms; by the specification of baggage a plus sign is one.
    assert_eq!(seen["answer"], "python,+ü|acmé+&+1+1");
    assert_eq!(server.parent_id.to_string(), seen["span"]);
    let traces = recorder.traces();
    assert!(
        traces
            .iter()
            .all(|trace| trace.trace_id.to_string() == seen["trace"])
    );
    assert_eq!(client.parent_id, recorder.span("call.execute").span_id);
}

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
