//! Jobs that resume the trace of who queued them.

use std::collections::HashMap;

use tta_core::{Error, ErrorKind, SpanKind, step};
use tta_http::{Messages, Propagation};
use tta_testkit::recording::{RecordingRecorder, error_type};

type Headers = HashMap<String, String>;

fn jobs(recorder: &std::sync::Arc<RecordingRecorder>) -> Messages {
    let recorder = std::sync::Arc::clone(recorder);
    Messages::new("redis", "jobs")
        .with_propagation(Propagation::new())
        .with_builder(move || recorder.builder())
}

#[tokio::test]
async fn a_job_is_a_child_of_what_sent_it() {
    let recorder = RecordingRecorder::new();
    let jobs = jobs(&recorder);
    let ctx = recorder.builder().correlation_id("req-1").build();
    let mut headers = Headers::new();
    jobs.send(&ctx, &mut headers, async { Ok(()) })
        .await
        .unwrap();
    let work = step("work", async |n: u32| Ok(n));
    let seen = jobs
        .process(&headers, async |ctx| {
            work.execute(1, &ctx).await?;
            Ok(ctx.correlation_id().to_owned())
        })
        .await;
    assert_eq!(seen.unwrap(), "req-1");
    let (send, process) = (recorder.span("send jobs"), recorder.span("process jobs"));
    assert_eq!(
        (send.kind, process.kind),
        (SpanKind::Producer, SpanKind::Consumer)
    );
    assert_eq!(process.parent_id, send.span_id);
    assert!(process.parent_is_remote);
    let workflow = recorder.span("workflow.execute");
    assert_eq!(workflow.parent_id, process.span_id);
    let traces = recorder.traces();
    assert!(
        traces
            .iter()
            .all(|trace| trace.trace_id == traces[0].trace_id)
    );
}

#[tokio::test]
async fn a_batch_is_linked_to_each_of_its_messages() {
    let recorder = RecordingRecorder::new();
    let jobs = jobs(&recorder);
    let mut messages = vec![Headers::new(), Headers::new(), Headers::new()];
    for headers in &mut messages[..2] {
        jobs.sender(&recorder.context(), headers).end();
    }
    jobs.process_batch(&messages, async |_| Ok(()))
        .await
        .unwrap();
    let batch = recorder.traces().pop().unwrap();
    let senders: Vec<_> = recorder
        .spans_named("send jobs")
        .iter()
        .map(|it| it.span_id)
        .collect();
    let links: Vec<_> = batch.links.iter().map(|(_, to)| to.span_id).collect();
    assert_eq!(links, senders);
    assert!(
        batch
            .links
            .iter()
            .all(|(_, to)| to.trace_id != batch.trace_id && to.is_remote)
    );
    let span = recorder.span("process jobs").span_id;
    let count = recorder.attribute(span, "messaging.batch.message_count");
    assert_eq!(count, Some(3_i64.into()));
}

#[tokio::test]
async fn a_job_that_fails_says_so() {
    let recorder = RecordingRecorder::new();
    let failed = jobs(&recorder)
        .process(&Headers::new(), async |_| {
            Err::<(), _>(Error::new(ErrorKind::Unavailable, "down"))
        })
        .await;
    assert_eq!(failed.unwrap_err().kind(), ErrorKind::Unavailable);
    let span = recorder.span("process jobs");
    assert_eq!(error_type(&span), Some(ErrorKind::Unavailable.as_str()));
    assert!(!span.parent_id.is_valid());
}
