//! The one thread on which everything is exported.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Mutex, PoisonError};
use std::task::Poll;
use std::thread::{JoinHandle, ThreadId};

use opentelemetry::Context;
use tokio::runtime::Builder;

/// The one thread on which everything is exported, with a runtime of its own.
#[derive(Debug)]
pub(crate) struct ExportThread {
    id: ThreadId,
    handle: Mutex<Option<JoinHandle<()>>>,
}

/// What runs on it, to its end. Made on the thread, since it need not be `Send`.
pub(crate) type Job = Box<dyn FnOnce() -> Pin<Box<dyn Future<Output = ()>>> + Send>;

impl ExportThread {
    /// Starts the thread, which ends with the last of the jobs.
    pub(crate) fn spawn(jobs: Vec<Job>) -> io::Result<Self> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name(THREAD_NAME)
            .build()?;
        let thread = std::thread::Builder::new()
            .name(THREAD_NAME.to_owned())
            .spawn(move || {
                // Nothing that the exporter itself does is traced, or it would feed itself.
                let _suppressed = Context::enter_telemetry_suppressed_scope();
                // A job contains its own panics; what is left is not worth a message of the hook.
                let _ = catch_unwind(AssertUnwindSafe(|| {
                    runtime.block_on(all(jobs.into_iter().map(|job| job()).collect()));
                }));
                // A callback that hangs is left behind.
                runtime.shutdown_background();
            })?;
        Ok(Self {
            id: thread.thread().id(),
            handle: Mutex::new(Some(thread)),
        })
    }

    /// Whether the caller runs on it.
    pub(crate) fn is_current(&self) -> bool {
        std::thread::current().id() == self.id
    }

    /// Waits for its end, which must be known to be near.
    pub(crate) fn join(&self) {
        let thread = self
            .handle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // It has caught every panic.
            let _ended = thread.join();
        }
    }
}

/// Polls all jobs, each until it is done.
async fn all(mut jobs: Vec<Pin<Box<dyn Future<Output = ()>>>>) {
    std::future::poll_fn(|cx| {
        jobs.retain_mut(|job| job.as_mut().poll(cx).is_pending());
        if jobs.is_empty() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
}

const THREAD_NAME: &str = "tta-telemetry";

/// For the callbacks of the users' gauges, which are read one after the other.
const BLOCKING_THREADS: usize = 2;
