//! What others see of a context: other processes, and code that was not handed it.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::Poll;

use super::{Parent, WorkflowContext, entered};
use crate::identity::SpanId;
use crate::observe::scoped;

impl WorkflowContext {
    /// What another process has to know to join the trace as a child of the innermost span; none
    /// where there is no trace to join, because nothing records and nobody around does.
    ///
    /// Where nothing records here, a trace from outside is passed through unchanged. Called outside
    /// any span it names one that is never recorded, so call it inside a step.
    ///
    /// # Source
    ///
    /// [W3C Trace Context](https://www.w3.org/TR/trace-context-2/#mutating-the-traceparent-field).
    pub fn outgoing_parent(&self) -> Option<Parent> {
        let outer = self.outer_parent();
        if self.recorder().is_none() {
            return outer.cloned();
        }
        let span_id = Some(self.span_id())
            .filter(|span| span.is_valid())
            .unwrap_or_else(SpanId::random);
        Some(Parent {
            trace_id: self.trace_id(),
            span_id,
            sampled: self.is_sampled() && !self.is_held(),
            is_remote: false,
            is_random: self.is_trace_id_random(),
            trace_state: self.trace_state(),
        })
    }

    /// Whether the trace's identifier is known to be random in its lower 56 bits, so that services
    /// may sample by it: our own are, and others where whoever made them says so.
    pub fn is_trace_id_random(&self) -> bool {
        self.outer_parent().is_none_or(|outer| outer.is_random)
    }

    /// What vendors along the way have noted about the trace.
    pub fn trace_state(&self) -> Option<Arc<str>> {
        self.outer_parent()?.trace_state.clone()
    }

    /// Calls `work` with this context as the [current](super::with_current) one of the thread, as
    /// it is while a step is being polled: loggers, `tracing` and OpenTelemetry know where they are.
    /// The innermost span is the one in which this handle was made, wherever it is used.
    ///
    /// # Panics
    ///
    /// If `work` does.
    pub fn enter<R>(&self, work: impl FnOnce() -> R) -> R {
        let span = self.base;
        // `entered` wants work that does not panic; the panic goes on from here.
        let work = || catch_unwind(AssertUnwindSafe(work));
        let done = entered(self, span, || {
            if self.wants_scope() && span.is_valid() {
                scoped(self, span, || Poll::Ready(work()))
            } else {
                Poll::Ready(work())
            }
        });
        match done {
            Poll::Ready(Ok(done)) => done,
            Poll::Ready(Err(panic)) => resume_unwind(panic),
            Poll::Pending => unreachable!("nothing was waited for"),
        }
    }
}
