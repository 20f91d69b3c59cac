//! The seam through which measurements of single executions leave the core.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use crate::context::{NanoClock, Parent, SpanHandle, WorkflowContext};
use crate::identity::{SpanId, TraceId};
use crate::panics::catch;
use crate::record::{Level, LogRecord, TraceNotes};

/// Receives finished spans and log lines, and decides which traces are kept.
///
/// All methods have a body that does nothing, so `()` is a recorder: the no-op one. A recorder is
/// called on the application's threads and must not block; one that panics is caught, and counted
/// by [`recorder_panics`]. Aggregated measurements do not pass here: they are read from the
/// [`Registry`](crate::Registry).
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use tta_core::{Parent, Recorder, TraceId, TraceNotes, WorkflowContext, step};
///
/// #[derive(Default)]
/// struct CountSpans(AtomicUsize);
///
/// impl Recorder for CountSpans {
///     fn sample(&self, _: TraceId, _: Option<&Parent>) -> bool {
///         true
///     }
///     fn record(&self, trace: TraceNotes) {
///         self.0.fetch_add(trace.span_count(), Ordering::Relaxed);
///     }
/// }
///
/// # futures_lite(async {
/// let recorder = Arc::new(CountSpans::default());
/// let ctx = WorkflowContext::builder().recorder(recorder.clone()).build();
/// step("double", async |n: u32| Ok(n * 2)).execute(21, &ctx).await?;
/// assert_eq!(recorder.0.load(Ordering::Relaxed), 2); // the workflow and its step
/// # Ok::<(), tta_core::Error>(())
/// # }).unwrap();
/// # fn futures_lite<T>(future: impl Future<Output = T>) -> T {
/// #     let mut future = std::pin::pin!(future);
/// #     let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
/// #     loop {
/// #         if let std::task::Poll::Ready(value) = future.as_mut().poll(&mut cx) { return value; }
/// #     }
/// # }
/// ```
pub trait Recorder: Send + Sync + 'static {
    /// The span around the caller that another library opened, to be the parent of a new trace.
    fn ambient_parent(&self) -> Option<Parent> {
        None
    }

    /// Whether this new trace is sampled: its spans recorded and kept. Asked once for each trace.
    fn sample(&self, trace_id: TraceId, parent: Option<&Parent>) -> bool {
        let _ = (trace_id, parent);
        false
    }

    /// Another decision about a trace, once it is known with which workflow it begins; asked once at
    /// most, before the workflow's first step. `None` leaves it as it is.
    fn sample_workflow(
        &self,
        workflow: &str,
        trace_id: TraceId,
        parent: Option<&Parent>,
    ) -> Option<bool> {
        let _ = (workflow, trace_id, parent);
        None
    }

    /// Whether the spans of traces that are not sampled are recorded all the same, for the recorder
    /// to keep or not when it sees how they end; asked for each trace that is not sampled. Such
    /// traces cost the same as sampled ones until they are handed over.
    fn holds_unsampled(&self) -> bool {
        false
    }

    /// The clock that executions are measured by, instead of the context's own: a quicker one. Asked
    /// once for each context that was not given a clock of its own.
    fn span_clock(&self) -> Option<NanoClock> {
        None
    }

    /// Takes finished spans of one trace.
    fn record(&self, trace: TraceNotes) {
        drop(trace);
    }

    /// The least level of log lines that are wanted, if any are; asked once for each workflow.
    fn log_level(&self) -> Option<Level> {
        None
    }

    /// Takes a log line of a wanted level.
    fn log(&self, record: &LogRecord<'_>) {
        let _ = record;
    }

    /// Whether [`scope`](Self::scope) is to be called; asked once for each workflow.
    fn wants_scope(&self) -> bool {
        false
    }

    /// Calls `poll` once with the span made visible to other libraries on this thread.
    ///
    /// Of a trace that is not recorded it is asked for the outermost span of the workflow that is
    /// being polled on the thread, and for none inside it: they would all say the same.
    fn scope(&self, span: &ActiveSpan<'_>, poll: &mut dyn FnMut()) {
        let _ = span;
        poll();
    }
}

impl Recorder for () {}

/// The span that is being polled.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct ActiveSpan<'a> {
    /// The workflow.
    pub context: &'a WorkflowContext,
    /// The span.
    pub span_id: SpanId,
}

impl ActiveSpan<'_> {
    /// What another library may add to the span by, also when it is no longer being polled.
    #[inline]
    pub fn handle(&self) -> SpanHandle {
        SpanHandle::new(self.context, self.span_id)
    }
}

/// Makes `recorder` the one that contexts made from now on record to, and returns the previous one.
///
/// Contexts that exist keep theirs to their end, so that a trace is never torn between two.
pub fn install_recorder(recorder: Arc<dyn Recorder>) -> Option<Arc<dyn Recorder>> {
    exchange(Some(recorder))
}

/// Leaves contexts made from now on without a recorder, and returns the previous one.
pub fn uninstall_recorder() -> Option<Arc<dyn Recorder>> {
    exchange(None)
}

fn exchange(recorder: Option<Arc<dyn Recorder>>) -> Option<Arc<dyn Recorder>> {
    let mut installed = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
    IS_INSTALLED.store(recorder.is_some(), Ordering::Release);
    std::mem::replace(&mut *installed, recorder)
}

/// The recorder for a new context.
pub(crate) fn installed() -> Option<Arc<dyn Recorder>> {
    // Even a lock that many may hold at once is written by each, and so is wanted by all processors.
    if !IS_INSTALLED.load(Ordering::Acquire) {
        return None;
    }
    INSTALLED
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

/// Logs outside any workflow, to the [installed](install_recorder) recorder; inside one it is
/// [`WorkflowContext::log`].
pub fn log_globally(record: &LogRecord<'_>) {
    if let Some(recorder) = installed() {
        guarded(|| {
            if recorder
                .log_level()
                .is_some_and(|least| record.level >= least)
            {
                recorder.log(record);
            }
        });
    }
}

/// Calls a recorder's code; trouble in telemetry is never trouble of the workflow.
pub(crate) fn guarded<R: Default>(call: impl FnOnce() -> R) -> R {
    catch(call).unwrap_or_else(|_| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        R::default()
    })
}

/// How often a recorder has panicked.
pub fn recorder_panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

static IS_INSTALLED: AtomicBool = AtomicBool::new(false);
static INSTALLED: RwLock<Option<Arc<dyn Recorder>>> = RwLock::new(None);
static PANICS: AtomicU64 = AtomicU64::new(0);
