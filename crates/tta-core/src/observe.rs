//! Observing one execution: from its first poll to its end, however it ends.

mod execution;
mod seam;

pub(crate) use seam::Seam;

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use self::execution::Execution;
use crate::catalog::SpanSpec;
use crate::context::{WorkflowContext, entered, shown_as};
use crate::error::{Error, Result};
use crate::identity::SpanId;
use crate::instruments::Outcome;
use crate::panics::{Contained, error_about};
use crate::primitive::Primitive;
use crate::recorder::{ActiveSpan, guarded};

/// What is observed.
#[derive(Clone, Copy)]
pub(crate) enum Subject<'a> {
    /// A step or a workflow: measured, traced and logged.
    Seam(&'a Seam),
    /// The same around what is observed itself, and so begins and ends at the same moments.
    Shell(&'a Seam),
    /// A part of a step: traced only.
    Part(&'static SpanSpec),
    /// A numbered part of a step: traced only.
    NumberedPart(&'static SpanSpec, u32),
}

impl<'a> Subject<'a> {
    /// What is observed where a primitive is run in a workflow.
    pub(crate) fn around<P: Primitive>(seam: &'a Seam) -> Self {
        if P::IS_OBSERVED {
            Self::Shell(seam)
        } else {
            Self::Seam(seam)
        }
    }

    #[inline]
    fn seam(self) -> Option<&'a Seam> {
        match self {
            Self::Seam(seam) | Self::Shell(seam) => Some(seam),
            Self::Part(_) | Self::NumberedPart(..) => None,
        }
    }

    /// Called where a boundary of what it holds follows at once, or came just before.
    #[inline]
    fn share_boundary(self, ctx: &WorkflowContext) {
        if let Self::Shell(_) = self {
            ctx.share_boundary();
        }
    }
}

/// Runs the future that `start` makes, as one observed execution.
///
/// # Cancellation
///
/// Dropping the returned future drops the inner one first and then records the cancellation.
pub(crate) fn observe<T, E, F>(
    subject: Subject<'_>,
    ctx: &WorkflowContext,
    start: impl FnOnce() -> F + Send,
) -> impl Future<Output = Result<T>> + Send
where
    F: Future<Output = Result<T, E>> + Send,
    E: Into<Error>,
{
    let mut start = Some(start);
    // A block and no `async fn`, and everything made where it stays: what has just been written in
    // words is slow to read again as a whole.
    async move {
        let future = pin!(None);
        let mut running = Running {
            future: Contained::new(future),
            start: &mut start,
            execution: Execution::new(&subject, ctx),
        };
        running.execution.begin();
        subject.share_boundary(ctx);
        (&mut running).await
    }
}

/// Runs a part of a step of which nothing is recorded: only a panic is seen to, as it is where
/// something is.
pub(crate) async fn caught<T, F>(start: impl FnOnce() -> F + Send) -> Result<T>
where
    F: Future<Output = Result<T>> + Send,
{
    let slot = pin!(None);
    let mut contained = Contained::new(slot);
    let mut start = Some(start);
    let result = poll_fn(|cx| {
        let mut polled = Poll::Pending;
        contained.poll(&mut start, cx, &mut polled);
        polled
    })
    .await;
    contained.release().and(result)
}

/// Runs `work` as an observed part of a step that does not wait for anything.
pub(crate) fn observe_now<R>(
    spec: &'static SpanSpec,
    ctx: &WorkflowContext,
    work: impl FnOnce() -> R,
) -> R {
    if !ctx.is_sampled() {
        return work();
    }
    let subject = Subject::Part(spec);
    let mut execution = Execution::new(&subject, ctx);
    execution.begin();
    // `entered` wants work that does not panic; the panic goes on to the enclosing step below.
    let result = entered(ctx, execution.span_id, || {
        catch_unwind(AssertUnwindSafe(work))
    });
    match result {
        Ok(value) => {
            execution.finish(Outcome::Success, None);
            value
        }
        Err(panic) => {
            execution.finish(Outcome::Error, Some(&mut error_about(&*panic)));
            std::panic::resume_unwind(panic)
        }
    }
}

/// An execution and what it runs.
struct Running<'a, 'f, F, S> {
    /// Dropped before the execution: children end before parents.
    future: Contained<'f, F>,
    start: &'f mut Option<S>,
    execution: Execution<'a>,
}

impl<F, S, T, E> Future for &mut Running<'_, '_, F, S>
where
    F: Future<Output = Result<T, E>>,
    S: FnOnce() -> F,
    E: Into<Error>,
{
    type Output = Result<T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let Running {
            future,
            start,
            execution,
        } = &mut **self.get_mut();
        let mut polled = Poll::Pending;
        let _ = execution.poll(|| {
            future.poll(start, cx, &mut polled);
            Poll::Ready(())
        });
        // All that is to be done, before the answer is moved.
        if let Poll::Ready(result) = &mut polled {
            if let Err(panic) = future.release() {
                *result = Err(panic);
            }
            execution.end(result);
        }
        polled
    }
}

impl<F, S> Drop for Running<'_, '_, F, S> {
    #[inline]
    fn drop(&mut self) {
        if self.execution.ended {
            return;
        }
        if let Err(mut panic) = self.future.release() {
            self.execution.finish(Outcome::Error, Some(&mut panic));
        }
    }
}

/// Polls inside the recorder's scope; a recorder that fails to poll does not stop the step.
///
/// A call, so that a step which nobody is shown keeps its answer in registers.
#[inline(never)]
pub(crate) fn scoped<T>(
    ctx: &WorkflowContext,
    span_id: SpanId,
    poll: impl FnOnce() -> Poll<T>,
) -> Poll<T> {
    let mut poll = Some(poll);
    // The answer is written where it stays.
    let mut polled = Poll::Pending;
    show(ctx, span_id, &mut || {
        if let Some(poll) = poll.take() {
            polled = poll();
        }
    });
    if let Some(poll) = poll {
        polled = poll();
    }
    polled
}

/// Calls `poll` with the recorder showing the span, if it does what it is there for.
#[inline(never)]
fn show(ctx: &WorkflowContext, span_id: SpanId, poll: &mut dyn FnMut()) {
    let Some(recorder) = ctx.recorder() else {
        return;
    };
    let active = ActiveSpan {
        context: ctx,
        span_id,
    };
    shown_as(ctx, ctx.is_sampled(), || {
        guarded(|| recorder.scope(&active, poll));
    });
}
