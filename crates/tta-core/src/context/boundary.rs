//! One reading of the clock for the end of one execution and the beginning of the next.
//!
//! Where nothing but bookkeeping of ours lies between two boundaries, they are one point in time and
//! the clock is read once for both. Whoever knows that says so by
//! [`share_boundary`](WorkflowContext::share_boundary) between the two, in the same poll.
//!
//! A primitive that needs the time when it begins and when it ends asks for the boundaries of the
//! step that it is, or of the one that it stands around, rather than the clock.

use std::cell::Cell;

use super::current::workflow;
use super::{Moment, WorkflowContext};
use crate::identity::SpanId;

impl WorkflowContext {
    /// When the step began whose span the caller is in, if nothing has begun or ended since: what a
    /// primitive asks for as its first act.
    #[doc(hidden)]
    #[inline]
    pub fn step_begun(&self) -> Option<Moment> {
        let span = self.span_id();
        LAST.with(|last| {
            let is_ours = last.begun.get() == span.to_u64()
                && span.is_valid()
                && last.workflow.get() == workflow(self);
            is_ours.then(|| last.moment.get())
        })
    }

    /// When the observed step ended that was the last thing to happen here, if it was.
    #[doc(hidden)]
    #[inline]
    pub fn step_ended(&self) -> Option<Moment> {
        LAST.with(|last| {
            let is_ours = last.begun.get() == 0 && last.workflow.get() == workflow(self);
            is_ours.then(|| last.moment.get())
        })
    }

    /// Reads the clock for the end of the step that the caller is, which comes at once.
    #[doc(hidden)]
    #[inline]
    pub fn end_step(&self) -> Moment {
        let moment = self.boundary(SpanId::INVALID);
        self.share_boundary();
        moment
    }

    /// The moment at which an execution begins or ends: now, or the last boundary if it is shared.
    /// `begun` is the span that begins.
    #[inline]
    pub(crate) fn boundary(&self, begun: SpanId) -> Moment {
        LAST.with(|last| {
            last.begun.set(begun.to_u64());
            if last.is_shared.replace(false) && last.workflow.get() == workflow(self) {
                return last.moment.get();
            }
            let moment = self.moment();
            last.moment.set(moment);
            last.workflow.set(workflow(self));
            moment
        })
    }

    /// Makes the last boundary of this workflow, on this thread and a moment ago, the next one too.
    ///
    /// The next boundary on this thread has to be one that follows at once: after this, no code but
    /// ours runs until then.
    #[doc(hidden)]
    #[inline]
    pub fn share_boundary(&self) {
        LAST.with(|last| last.is_shared.set(last.workflow.get() == workflow(self)));
    }
}

/// Plain cells, as they are written by every execution.
struct Last {
    moment: Cell<Moment>,
    workflow: Cell<usize>,
    /// The span that began there; zero if one ended.
    begun: Cell<u64>,
    is_shared: Cell<bool>,
}

thread_local! {
    static LAST: Last = const {
        Last {
            moment: Cell::new(Moment::CREATED),
            workflow: Cell::new(0),
            begun: Cell::new(0),
            is_shared: Cell::new(false),
        }
    };
}
