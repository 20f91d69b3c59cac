//! Contexts across tasks, channels and streams.

use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use futures_core::Stream;
use tta_core::{SpanRecord, WorkflowContext, step, with_current};
use tta_http::Carry;
use tta_testkit::recording::RecordingRecorder;

/// Every span but the root has a parent among the others.
fn assert_no_orphans(spans: &[SpanRecord]) {
    let roots = spans
        .iter()
        .filter(|span| !span.parent_id.is_valid())
        .count();
    assert_eq!(roots, 1, "{spans:#?}");
    for span in spans.iter().filter(|span| span.parent_id.is_valid()) {
        let parent = spans.iter().find(|other| other.span_id == span.parent_id);
        assert!(parent.is_some(), "an orphan: {span:?}");
    }
}

/// Observes something without having been handed a context.
async fn observe_here(name: &'static str) {
    let ctx = with_current(WorkflowContext::clone).unwrap();
    ctx.observe(name, async { Ok::<_, std::io::Error>(()) })
        .await
        .unwrap();
}

struct Once(bool);

impl Stream for Once {
    type Item = ();

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<()>> {
        let first = std::mem::replace(&mut self.0, false);
        if first {
            let mut cx = Context::from_waker(std::task::Waker::noop());
            let polled = pin!(observe_here("streamed")).poll(&mut cx);
            assert!(polled.is_ready());
        }
        Poll::Ready(first.then_some(()))
    }
}

#[tokio::test]
async fn nothing_spawned_sent_or_streamed_is_orphaned() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    let root = step("root", async |(): (), ctx: &WorkflowContext| {
        tokio::spawn(observe_here("spawned").carried(ctx))
            .await
            .unwrap();

        let (jobs, mut queue) = tokio::sync::mpsc::channel(1);
        jobs.send("job".carried(ctx)).await.unwrap();
        let worker = tokio::spawn(async move {
            let (job, ctx) = queue.recv().await.unwrap().into_parts();
            ctx.observe("queued", async { Ok::<_, std::io::Error>(job) })
                .await
                .unwrap();
        });
        worker.await.unwrap();

        let stream = Once(true).carried(ctx);
        let streamed = tokio::spawn(async move {
            let mut stream = pin!(stream);
            std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await
        });
        streamed.await.unwrap();
        Ok(())
    });
    root.execute((), &ctx).await.unwrap();
    drop(ctx);
    let spans = recorder.spans();
    assert_no_orphans(&spans);
    let root = recorder.span("root.execute").span_id;
    for name in ["spawned.execute", "queued.execute", "streamed.execute"] {
        assert_eq!(recorder.span(name).parent_id, root, "{name}");
    }
}

#[tokio::test]
async fn a_panic_in_what_is_carried_leaves_the_thread_as_it_was() {
    let ctx = RecordingRecorder::new().context();
    let task = tokio::spawn(async { panic!("on purpose") }.carried(&ctx));
    assert!(task.await.unwrap_err().is_panic());
    assert!(with_current(|_| ()).is_none());
}
