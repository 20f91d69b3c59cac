//! One reading of the clock for the end of one execution and the beginning of the next.
//!
//! Where nothing but bookkeeping of ours lies between two boundaries, they are one point in time and
//! the clock is read once for both. Whoever knows that says so by
//! [`share_boundary`](WorkflowContext::share_boundary) between the two, in the same poll.

use std::cell::Cell;

use super::current::workflow;
use super::{Moment, WorkflowContext};

impl WorkflowContext {
    /// The moment at which an execution begins or ends: now, or the last boundary if it is shared.
    #[inline]
    pub(crate) fn boundary(&self) -> Moment {
        LAST.with(|last| {
            if last.is_shared.replace(false) {
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
    /// the core's runs until then.
    #[inline]
    pub(crate) fn share_boundary(&self) {
        LAST.with(|last| last.is_shared.set(last.workflow.get() == workflow(self)));
    }
}

/// Plain cells, as they are written by every execution.
struct Last {
    moment: Cell<Moment>,
    workflow: Cell<usize>,
    is_shared: Cell<bool>,
}

thread_local! {
    static LAST: Last = const {
        Last {
            moment: Cell::new(Moment::CREATED),
            workflow: Cell::new(0),
            is_shared: Cell::new(false),
        }
    };
}
