//! The scripted receiver, judged by the exporter of the OpenTelemetry project.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "the helpers of a test fail by panicking, as it does"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use tta_testkit::otlp::opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceResponse;
use tta_testkit::otlp::opentelemetry_proto::tonic::common::v1::any_value::Value;
use tta_testkit::otlp::{OtlpReceiver, Protocol as Came, Reply, Signal};

#[tokio::test(flavor = "multi_thread")]
async fn spans_sent_over_grpc_are_decoded_with_resource_and_scope() {
    let receiver = OtlpReceiver::start().unwrap();
    send(&grpc(&receiver, PATIENT), 3).await.unwrap();
    assert_spans(&receiver, Came::Grpc);
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_sent_over_http_are_decoded_with_resource_and_scope() {
    let receiver = OtlpReceiver::start().unwrap();
    send(&http(&receiver, PATIENT), 3).await.unwrap();
    assert_spans(&receiver, Came::Http);
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_are_used_in_order_and_then_the_default_applies() {
    for protocol in BOTH {
        let receiver = OtlpReceiver::start().unwrap();
        receiver.push(Reply::status(400, 3));
        receiver.push(Reply::Ok);
        receiver.set_default(Reply::status(401, 16));
        let exporter = exporter(protocol, &receiver, PATIENT);
        let mut outcomes = Vec::new();
        for _ in 0..3 {
            outcomes.push(send(&exporter, 1).await.is_ok());
        }
        assert_eq!(outcomes, [false, true, false], "{protocol:?}");
        assert_eq!(receiver.request_count(), 3);
        assert_eq!(receiver.span_count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_for_another_signal_waits_for_it() {
    let receiver = OtlpReceiver::start().unwrap();
    receiver.push_for(Signal::Logs, Reply::status(400, 3));
    send(&http(&receiver, PATIENT), 1).await.unwrap();
    let refused = post(&receiver, "/v1/logs", &[]);
    assert!(refused.starts_with("HTTP/1.1 400 "), "{refused}");
}

#[test]
fn a_status_over_http_says_when_to_come_back() {
    let receiver = OtlpReceiver::start().unwrap();
    receiver.push(Reply::status(429, 8).with_retry_after(Duration::from_millis(1_500)));
    let refused = post(&receiver, "/v1/metrics", &[]).to_lowercase();
    assert!(refused.starts_with("http/1.1 429 "), "{refused}");
    assert!(refused.contains("\r\nretry-after: 2\r\n"), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_over_grpc_says_when_to_come_back() {
    let receiver = OtlpReceiver::start().unwrap();
    let wait = Duration::from_millis(700);
    receiver.push(Reply::unavailable().with_retry_after(wait));
    let channel = tonic::transport::Channel::from_shared(receiver.grpc_endpoint()).unwrap();
    let mut client = tonic::client::Grpc::new(channel.connect().await.unwrap());
    client.ready().await.unwrap();
    let path = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let answer = client
        .unary(tonic::Request::new(()), path.parse().unwrap(), codec)
        .await;
    let status = answer.unwrap_err();
    assert_eq!(status.code(), tonic::Code::Unavailable);
    let told = tonic_types::StatusExt::get_details_retry_info(&status).unwrap();
    assert_eq!(told.retry_delay, Some(wait));
}

#[test]
fn a_partial_success_says_how_many_were_rejected() {
    let receiver = OtlpReceiver::start().unwrap();
    receiver.push(Reply::PartialSuccess { rejected: 7 });
    let answer = post(&receiver, "/v1/traces", &[]);
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    let body = answer.split_once("\r\n\r\n").unwrap().1.as_bytes();
    let response = <ExportTraceServiceResponse as prost::Message>::decode(body).unwrap();
    assert_eq!(response.partial_success.unwrap().rejected_spans, 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delayed_answer_comes_after_its_time() {
    for protocol in BOTH {
        let receiver = OtlpReceiver::start().unwrap();
        receiver.push(Reply::Delay(Duration::from_millis(300)));
        let start = Instant::now();
        send(&exporter(protocol, &receiver, PATIENT), 1)
            .await
            .unwrap();
        assert!(
            start.elapsed() >= Duration::from_millis(300),
            "{protocol:?}"
        );
        assert_eq!(receiver.span_count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_was_not_answered_is_kept_and_not_accepted() {
    for reply in [
        Reply::Hang,
        Reply::Delay(Duration::from_mins(1)),
        Reply::CloseConnection,
    ] {
        for protocol in BOTH {
            let receiver = OtlpReceiver::start().unwrap();
            receiver.set_default(reply.clone());
            let sent = send(&exporter(protocol, &receiver, HASTY), 1).await;
            assert!(sent.is_err(), "{protocol:?} {reply:?}");
            let requests = receiver.wait_for_requests(1, PATIENT).unwrap();
            assert!(!requests[0].accepted, "{protocol:?} {reply:?}");
            assert_eq!(receiver.span_count(), 0);
        }
    }
}

#[test]
fn a_closed_connection_gives_the_client_no_byte() {
    let receiver = OtlpReceiver::start().unwrap();
    receiver.push(Reply::CloseConnection);
    assert_eq!(post(&receiver, "/v1/traces", &[]), "");
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_reaches_the_client_as_it_is() {
    let receiver = OtlpReceiver::start().unwrap();
    receiver.set_default(Reply::Garbage(Bytes::from_static(b"\xff\xffno protobuf")));
    let answer = post(&receiver, "/v1/traces", &[]);
    assert!(answer.ends_with("no protobuf"), "{answer}");
    assert!(send(&grpc(&receiver, HASTY), 1).await.is_err());
    assert_eq!(receiver.span_count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_receiver_refuses_and_a_restarted_one_keeps_what_it_had() {
    for protocol in BOTH {
        let receiver = OtlpReceiver::start().unwrap();
        send(&exporter(protocol, &receiver, PATIENT), 1)
            .await
            .unwrap();
        receiver.stop();
        for endpoint in [receiver.grpc_endpoint(), receiver.http_endpoint()] {
            let refused = TcpStream::connect(address(&endpoint)).unwrap_err();
            assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
        }
        receiver.restart_on_same_port().unwrap();
        send(&exporter(protocol, &receiver, PATIENT), 2)
            .await
            .unwrap();
        assert_eq!(
            receiver.wait_for_spans(3, PATIENT).unwrap().len(),
            3,
            "{protocol:?}"
        );
    }
}

#[test]
fn what_is_no_otlp_is_refused_and_counted() {
    let receiver = OtlpReceiver::start().unwrap();
    for (path, body) in [
        ("/v1/traces", b"\xff\xff\xff".as_slice()),
        ("/elsewhere", b""),
    ] {
        let refused = post(&receiver, path, body);
        assert!(refused.starts_with("HTTP/1.1 400 "), "{path}: {refused}");
    }
    assert_eq!(receiver.undecodable_count(), 2);
    assert_eq!(receiver.request_count(), 0);
}

#[test]
fn waiting_for_what_never_comes_says_how_much_there_was() {
    let receiver = OtlpReceiver::start().unwrap();
    let error = receiver
        .wait_for_spans(2, Duration::from_millis(20))
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert_eq!(error.to_string(), "0 of 2 spans after 20ms");
}

fn assert_spans(receiver: &OtlpReceiver, came: Came) {
    let spans = receiver.wait_for_spans(3, PATIENT).unwrap();
    let names: Vec<&str> = spans.iter().map(|span| span.span.name.as_str()).collect();
    assert_eq!(names, ["step-0", "step-1", "step-2"]);
    assert_eq!(spans[1].scope.name, "testkit");
    assert_eq!(spans[1].attribute("answer"), Some(&Value::IntValue(42)));
    assert_eq!(spans[1].trace_id(), "0000000000000000000000000000002a");
    assert_eq!(spans[1].span_id(), "0000000000000002");
    assert_eq!(spans[0].parent_span_id(), None);
    assert_eq!(
        spans[1].parent_span_id().as_deref(),
        Some("0000000000000001")
    );
    let service = spans[1].resource_attribute("service.name");
    assert_eq!(service, Some(&Value::StringValue("a-service".into())));
    let requests = receiver.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!((requests[0].protocol, requests[0].accepted), (came, true));
    assert!(
        requests[0]
            .header("content-type")
            .is_some_and(|kind| kind.contains("application/"))
    );
}

fn exporter(protocol: Came, receiver: &OtlpReceiver, timeout: Duration) -> SpanExporter {
    match protocol {
        Came::Grpc => grpc(receiver, timeout),
        _ => http(receiver, timeout),
    }
}

fn grpc(receiver: &OtlpReceiver, timeout: Duration) -> SpanExporter {
    let builder = SpanExporter::builder().with_tonic();
    with_service(
        builder
            .with_endpoint(receiver.grpc_endpoint())
            .with_timeout(timeout)
            .build(),
    )
}

fn http(receiver: &OtlpReceiver, timeout: Duration) -> SpanExporter {
    let endpoint = format!("{}/v1/traces", receiver.http_endpoint());
    let builder = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary);
    with_service(
        builder
            .with_endpoint(endpoint)
            .with_timeout(timeout)
            .build(),
    )
}

fn with_service<E: std::fmt::Debug>(built: Result<SpanExporter, E>) -> SpanExporter {
    let mut exporter = built.unwrap();
    exporter.set_resource(
        &Resource::builder_empty()
            .with_service_name("a-service")
            .build(),
    );
    exporter
}

async fn send(exporter: &SpanExporter, count: u64) -> OTelSdkResult {
    exporter.export((0..count).map(span).collect()).await
}

fn span(index: u64) -> SpanData {
    let ids = (TraceId::from(42), SpanId::from(index + 1));
    let context = SpanContext::new(
        ids.0,
        ids.1,
        TraceFlags::SAMPLED,
        false,
        TraceState::default(),
    );
    SpanData {
        span_context: context,
        parent_span_id: SpanId::from(index),
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: format!("step-{index}").into(),
        start_time: SystemTime::now(),
        end_time: SystemTime::now(),
        attributes: vec![KeyValue::new("answer", 42)],
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Ok,
        instrumentation_scope: InstrumentationScope::builder("testkit").build(),
    }
}

/// A plain socket, so that what is compared is the bytes.
fn post(receiver: &OtlpReceiver, path: &str, body: &[u8]) -> String {
    let mut stream = TcpStream::connect(address(&receiver.http_endpoint())).unwrap();
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n");
    let head = format!("{head}content-length: {length}\r\n\r\n");
    stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

fn address(endpoint: &str) -> &str {
    endpoint.strip_prefix("http://").unwrap()
}

const BOTH: [Came; 2] = [Came::Grpc, Came::Http];
const PATIENT: Duration = Duration::from_secs(20);
const HASTY: Duration = Duration::from_millis(400);
