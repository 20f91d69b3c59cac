//! Telling work that nobody waits for it any longer.

mod signal;
mod sync;

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use self::signal::{Listening, Signal};

use super::WorkflowContext;

/// Cancels the work that was given the context it was made with; see
/// [`WorkflowContext::cancellable`].
///
/// Clones cancel the same work. Dropping one cancels nothing.
#[derive(Clone)]
#[must_use = "work that nobody can cancel needs no signal"]
pub struct Canceller {
    signal: Arc<Signal>,
}

/// A future that is ready as soon as its context is cancelled; see [`WorkflowContext::cancelled`].
#[must_use = "a future does nothing until it is awaited"]
pub struct Cancelled {
    listening: Option<Listening>,
}

impl WorkflowContext {
    /// The same context, and what cancels the work that is given it: the work finds out through
    /// [`is_cancelled`](Self::is_cancelled) and [`cancelled`](Self::cancelled), and decides itself
    /// how to end.
    ///
    /// Clones and children of the context hear of it too, wherever they have gone. Whoever cancels
    /// this context cancels the one that is made of it, never the other way round.
    ///
    /// Code that finds its context through [`with_current`](crate::with_current) rather than being
    /// handed it hears only of the signals that the workflow as a whole was given.
    ///
    /// # Examples
    ///
    /// A step that puts away what it has when it is told that its time is over. A timeout with a
    /// grace period is who tells it; here it is the caller.
    ///
    /// ```
    /// use tta_core::{Error, ErrorKind, Result, WorkflowContext, step};
    ///
    /// let write = step("write", async |pages: Vec<String>, ctx: &WorkflowContext| {
    ///     let mut written = 0;
    ///     for page in pages {
    ///         if ctx.is_cancelled() {
    ///             discard(written).await?;
    ///             return Err(Error::new(ErrorKind::Cancelled, "half written, and put away again"));
    ///         }
    ///         store(page).await?;
    ///         written += 1;
    ///     }
    ///     Ok(written)
    /// });
    ///
    /// # async fn store(_: String) -> Result<()> { Ok(()) }
    /// # async fn discard(_: usize) -> Result<()> { Ok(()) }
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let (ctx, canceller) = WorkflowContext::new().cancellable();
    /// assert_eq!(write.execute(vec!["one".to_owned()], &ctx).await?, 1);
    ///
    /// canceller.cancel();
    /// let error = write.execute(vec!["two".to_owned()], &ctx).await.unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::Cancelled);
    /// # Ok::<(), Error>(()) })?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn cancellable(&self) -> (Self, Canceller) {
        let signal = Arc::new(Signal::inside(self.cancellation.signal.clone()));
        let mut ctx = self.clone();
        ctx.cancellation.signal = Some(Arc::clone(&signal));
        (ctx, Canceller { signal })
    }

    /// Whether this work has been told that nobody waits for it any longer. It has to see for itself
    /// how it ends; who cannot wait drops it.
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        self.cancellation
            .signal
            .as_ref()
            .is_some_and(|signal| signal.is_cancelled())
    }

    /// Waits until this context is cancelled: for ever if it never is, and not at all if it has
    /// been. The future holds no reference to the context, and any number may wait.
    ///
    /// # Examples
    ///
    /// ```
    /// use tta_core::WorkflowContext;
    ///
    /// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
    /// let (ctx, canceller) = WorkflowContext::new().cancellable();
    /// let cleaner = tokio::spawn({
    ///     let cancelled = ctx.child().cancelled();
    ///     async move {
    ///         cancelled.await;
    ///         "cleaned up"
    ///     }
    /// });
    /// canceller.cancel();
    /// assert_eq!(cleaner.await?, "cleaned up");
    /// # Ok::<(), tta_core::Error>(()) })?;
    /// # Ok::<(), tta_core::Error>(())
    /// ```
    ///
    /// # Cancellation
    ///
    /// Dropping the future takes it off the list of those that are woken.
    pub fn cancelled(&self) -> Cancelled {
        let listening = self.cancellation.signal.clone().map(Listening::new);
        Cancelled { listening }
    }
}

impl Canceller {
    /// Tells all work in the context, once; later calls do nothing.
    pub fn cancel(&self) {
        self.signal.cancel();
    }

    /// Whether the work has been told, by this or by a signal further out.
    pub fn is_cancelled(&self) -> bool {
        self.signal.is_cancelled()
    }
}

impl fmt::Debug for Canceller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Canceller")
            .field("cancelled", &self.is_cancelled())
            .finish_non_exhaustive()
    }
}

impl Future for Cancelled {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.listening {
            Some(listening) => listening.poll(cx),
            None => Poll::Pending,
        }
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cancelled").finish_non_exhaustive()
    }
}

/// The innermost signal of a context, which most contexts have not.
#[derive(Clone, Default)]
pub(super) struct Cancellation {
    signal: Option<Arc<Signal>>,
}
