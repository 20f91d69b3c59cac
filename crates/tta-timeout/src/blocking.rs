//! Running what blocks where it is in nobody's way.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::task::{AbortHandle, JoinError};
use tta_core::{
    Canceller, Error, ErrorKind, Flow, IntoFlow, Observed, Primitive, Result, WorkflowContext,
};

/// Runs an operation on a thread of tokio's blocking pool.
///
/// An operation that computes for long, or that calls something that blocks, holds its worker
/// thread, and every task of that worker waits; no timeout can cut it off either, since a future is
/// only dropped between two polls. Over here it is in nobody's way, and a timeout around it answers
/// on time.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_core::{WorkflowContext, step};
/// use tta_timeout::{BlockingExt, TimeoutExt};
///
/// let embed = step("embed", async |texts: Vec<String>, ctx: &WorkflowContext| {
///     let mut vectors = Vec::new();
///     for text in texts {
///         if ctx.is_cancelled() {
///             break; // nobody waits for the rest
///         }
///         vectors.push(text.len()); // what takes its time
///     }
///     Ok(vectors)
/// });
/// let flow = embed.on_blocking_thread().timeout(Duration::from_secs(2))?;
/// # Ok::<(), tta_core::Error>(())
/// ```
///
/// # Cancellation
///
/// Dropping the future tells the operation through its context's
/// [signal](WorkflowContext::is_cancelled), and drops it at its next await point. A thread cannot be
/// stopped from outside: what neither asks nor awaits keeps its thread until it ends, and its answer
/// is dropped. One that has not begun never does.
///
/// # Errors
///
/// [`ErrorKind::Configuration`] when run outside a tokio runtime.
#[derive(Debug)]
pub struct BlockingPrimitive<P> {
    inner: Arc<P>,
}

impl<P> BlockingPrimitive<P>
where
    P: Primitive + 'static,
    P::Input: 'static,
    P::Output: 'static,
{
    /// Runs `inner` on a thread of its own.
    pub fn new<F>(inner: F) -> Flow<Observed<Self>>
    where
        F: IntoFlow<Primitive = P, Input = P::Input, Output = P::Output>,
    {
        Flow::new(Self {
            inner: Arc::new(inner.into_flow().into_primitive()),
        })
    }
}

impl<P> Primitive for BlockingPrimitive<P>
where
    P: Primitive + 'static,
    P::Input: 'static,
    P::Output: 'static,
{
    type Input = P::Input;
    type Output = P::Output;

    fn depth(&self) -> usize {
        self.inner.depth() + 1
    }

    fn is_idempotent(&self) -> bool {
        self.inner.is_idempotent()
    }

    async fn execute(&self, input: P::Input, ctx: &WorkflowContext) -> Result<P::Output> {
        let runtime = Handle::try_current().map_err(|_| {
            Error::new(
                ErrorKind::Configuration,
                "a blocking step needs a tokio runtime; run the flow inside one",
            )
        })?;
        let (ctx, canceller) = ctx.cancellable();
        let (waits, mut waited_for) = oneshot::channel::<()>();
        let inner = Arc::clone(&self.inner);
        let work = runtime.clone().spawn_blocking(move || {
            runtime.block_on(async {
                tokio::select! {
                    biased;
                    result = inner.execute(input, &ctx) => result,
                    _ = &mut waited_for => Err(given_up()),
                }
            })
        });
        let _caller = Caller {
            task: work.abort_handle(),
            canceller,
            _waits: waits,
        };
        work.await.unwrap_or_else(|error| Err(of_join(&error)))
    }
}

/// Who waits for the work. Dropped, it takes back what has not begun and tells what has.
struct Caller {
    task: AbortHandle,
    canceller: Canceller,
    /// The other end learns that this one was dropped.
    _waits: oneshot::Sender<()>,
}

impl Drop for Caller {
    fn drop(&mut self) {
        if !self.task.is_finished() {
            self.task.abort();
            self.canceller.cancel();
        }
    }
}

fn given_up() -> Error {
    Error::new(
        ErrorKind::Cancelled,
        "nobody waits for the answer any longer",
    )
}

fn of_join(error: &JoinError) -> Error {
    if error.is_panic() {
        Error::new(ErrorKind::Panic, "step panicked on its thread")
    } else {
        Error::new(
            ErrorKind::Cancelled,
            "the runtime shut down before the step ended",
        )
    }
}
