//! Whether a context's spans are recorded, and who is told so.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use super::{Parent, WorkflowContext, scratch};
use crate::identity::{SpanId, TraceId};
use crate::recorder::{Recorder, guarded};

/// What was decided about a trace: decided when the context is made, and once again at most, by the
/// workflow with which the trace begins or by the program itself.
pub(super) struct Sampling(AtomicU8);

impl Sampling {
    /// The decision for a new context; `forced` is the program's own.
    pub(super) fn decide(
        recorder: Option<&Arc<dyn Recorder>>,
        forced: Option<bool>,
        trace_id: TraceId,
        parent: Option<&Parent>,
    ) -> Self {
        let state = match (recorder, forced) {
            (None, _) | (_, Some(false)) => FINAL,
            (_, Some(true)) => RECORDED | FINAL,
            (Some(recorder), None) => {
                let is_sampled = guarded(|| recorder.sample(trace_id, parent));
                state(recorder, is_sampled)
            }
        };
        Self(AtomicU8::new(state))
    }

    /// The same decision for a part of the work.
    pub(super) fn inherit(&self) -> Self {
        Self(AtomicU8::new(self.state()))
    }

    #[inline]
    pub(super) fn is_recorded(&self) -> bool {
        self.state() & RECORDED != 0
    }

    #[inline]
    pub(super) fn is_held(&self) -> bool {
        self.state() & HELD != 0
    }

    #[inline]
    fn is_final(&self) -> bool {
        self.state() & FINAL != 0
    }

    fn settle(&self, state: u8) {
        self.0.store(state | FINAL, Ordering::Relaxed);
    }

    #[inline]
    fn state(&self) -> u8 {
        // It guards nothing: what is recorded has a lock of its own.
        self.0.load(Ordering::Relaxed)
    }
}

impl WorkflowContext {
    /// Whether the trace's spans are recorded: because it is sampled, or because it is
    /// [held](Self::is_held).
    #[inline]
    pub fn is_sampled(&self) -> bool {
        self.shared.sampling.is_recorded()
    }

    /// Whether the trace's spans are recorded although it is not sampled, because the recorder
    /// decides when it has seen how the trace ends. Other services are told that it is not sampled,
    /// and no exemplar names it.
    #[inline]
    pub fn is_held(&self) -> bool {
        self.shared.sampling.is_held()
    }

    /// Has the spans of this one execution recorded, or not, whatever the sampler said: to look at
    /// one request closely, or to leave work out that nobody wants to see. Measurements are made
    /// either way.
    ///
    /// It holds from now on for this context and for children that are made later. Called before
    /// the work begins, as here, it holds for all of it; spans that ended before are not brought
    /// back, and switching off gives up those that have not been handed over. Where there is no
    /// recorder nothing is recorded.
    ///
    /// # Examples
    ///
    /// ```
    /// use tta_core::WorkflowContext;
    ///
    /// let ctx = WorkflowContext::new();
    /// let routine = ctx.child();
    /// routine.enable_tracing(false);
    /// assert!(!routine.is_sampled());
    /// ```
    pub fn enable_tracing(&self, enabled: bool) {
        if self.recorder().is_none() {
            return;
        }
        self.shared
            .sampling
            .settle(if enabled { RECORDED } else { 0 });
        if !enabled {
            scratch::flush(self);
            self.shared.give_up_records();
        }
    }

    /// Lets the recorder decide anew, now that it is known with which workflow the trace begins.
    #[inline]
    pub(crate) fn workflow_begins(&self, name: &str, parent: SpanId) {
        if !self.shared.sampling.is_final() && parent == self.entry() {
            self.decide_for_workflow(name);
        }
    }

    #[cold]
    fn decide_for_workflow(&self, name: &str) {
        let Some(recorder) = self.recorder() else {
            return;
        };
        let decided =
            guarded(|| recorder.sample_workflow(name, self.trace_id(), self.outer_parent()));
        let sampling = &self.shared.sampling;
        sampling.settle(match decided {
            Some(is_sampled) => state(recorder, is_sampled),
            None => sampling.state(),
        });
    }
}

fn state(recorder: &Arc<dyn Recorder>, is_sampled: bool) -> u8 {
    if is_sampled {
        RECORDED
    } else if guarded(|| recorder.holds_unsampled()) {
        RECORDED | HELD
    } else {
        0
    }
}

const RECORDED: u8 = 1;
const HELD: u8 = 2;
/// No workflow changes it any more.
const FINAL: u8 = 4;
