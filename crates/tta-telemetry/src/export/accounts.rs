//! What became of the records of pipelines that are no more.

use std::sync::Arc;

use super::queue::Queue;
use super::signal::Signal;
use crate::ledger::SignalLedger;

/// The accounts of all pipelines of one signal.
pub(crate) struct Accounts<S: Signal> {
    ended: SignalLedger,
    queues: Vec<Arc<Queue<S>>>,
}

impl<S: Signal> Accounts<S> {
    pub(crate) const fn new() -> Self {
        Self {
            ended: SignalLedger::NONE,
            queues: Vec::new(),
        }
    }

    pub(super) fn remember(&mut self, queue: &Arc<Queue<S>>) {
        self.queues.push(Arc::clone(queue));
    }

    /// All of them together.
    pub(super) fn sum(&mut self) -> SignalLedger {
        // One that nobody can push to any more does not change, and need not be kept.
        for queue in self
            .queues
            .extract_if(.., |queue| Arc::strong_count(queue) == 1)
        {
            self.ended = self.ended.plus(queue.account());
        }
        let running = self.queues.iter().map(|queue| queue.account());
        running.fold(self.ended, SignalLedger::plus)
    }
}
