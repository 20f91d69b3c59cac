//! Values that take a context along to another task.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use pin_project_lite::pin_project;
use tta_core::WorkflowContext;

pin_project! {
    /// A value with the context that it was handed over in; see [`Carry`].
    #[derive(Debug)]
    #[must_use]
    pub struct Carried<T> {
        #[pin]
        value: T,
        ctx: WorkflowContext,
    }
}

/// Takes a context along to another task, through a channel or into a stream.
///
/// A clone of a context remembers its step already; this makes it the current one of the thread too
/// while the future or stream is polled, so that loggers, `tracing`, OpenTelemetry and clients that
/// are not handed a context stay inside the step.
///
/// # Examples
///
/// ```
/// use tta_core::{WorkflowContext, with_current};
/// use tta_http::Carry;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let ctx = WorkflowContext::builder().correlation_id("req-1").build();
/// let work = async { with_current(|ctx| ctx.correlation_id().to_owned()) };
/// let seen = tokio::spawn(work.carried(&ctx)).await.unwrap();
/// assert_eq!(seen.as_deref(), Some("req-1"));
///
/// let (jobs, mut queue) = tokio::sync::mpsc::channel(1);
/// jobs.send("resize".carried(&ctx)).await.unwrap();
/// let (job, ctx) = queue.recv().await.unwrap().into_parts();
/// assert_eq!((job, ctx.correlation_id()), ("resize", "req-1"));
/// # });
/// ```
pub trait Carry: Sized {
    /// The value with the context, and with the step in which the caller is.
    fn carried(self, ctx: &WorkflowContext) -> Carried<Self> {
        Carried {
            value: self,
            ctx: ctx.clone(),
        }
    }
}

impl<T> Carry for T {}

impl<T> Carried<T> {
    /// The context.
    pub fn context(&self) -> &WorkflowContext {
        &self.ctx
    }

    /// The value.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The value and the context, to go on with.
    pub fn into_parts(self) -> (T, WorkflowContext) {
        (self.value, self.ctx)
    }
}

impl<F: Future> Future for Carried<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        this.ctx.enter(|| this.value.poll(cx))
    }
}

impl<S: Stream> Stream for Carried<S> {
    type Item = S::Item;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = self.project();
        this.ctx.enter(|| this.value.poll_next(cx))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.value.size_hint()
    }
}
