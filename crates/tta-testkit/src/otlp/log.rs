//! The receiver's memory: what came, what is answered, and who waits for it.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::received::{Payload, ReceivedRequest, Signal};
use super::reply::{Reply, Script};

/// Shared between the test and the server's thread.
#[derive(Debug, Default)]
pub(super) struct Log {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) script: Script,
    pub(super) requests: Vec<ReceivedRequest>,
    pub(super) undecodable: usize,
    pub(super) connections: usize,
}

/// A request in [`State::requests`]; what it points at is gone after a [`Log::forget`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Ticket {
    index: usize,
    arrived: Instant,
}

impl Log {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A failed assertion in a waiting test must not take the server down with it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the state and wakes who waits.
    pub(super) fn update<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let answer = change(&mut self.lock());
        self.changed.notify_all();
        answer
    }

    /// Keeps a request and answers what the script says to it.
    pub(super) fn arrive(
        &self,
        make: impl FnOnce(Reply) -> ReceivedRequest,
        signal: Signal,
    ) -> (Ticket, Reply) {
        self.update(|state| {
            let reply = state.script.next(signal);
            let request = make(reply.clone());
            let ticket = Ticket {
                index: state.requests.len(),
                arrived: request.arrived,
            };
            state.requests.push(request);
            (ticket, reply)
        })
    }

    /// Notes that a request is about to be told success.
    pub(super) fn accept(&self, ticket: Ticket) {
        self.update(|state| {
            let request = state.requests.get_mut(ticket.index);
            if let Some(request) = request.filter(|request| request.arrived == ticket.arrived) {
                request.accepted = true;
            }
        });
    }

    /// Waits until `count` of the state is at least `wanted`.
    pub(super) fn wait_for(
        &self,
        what: &str,
        wanted: usize,
        deadline: Duration,
        count: impl Fn(&State) -> usize,
    ) -> io::Result<()> {
        let (reached, timeout) = self
            .changed
            .wait_timeout_while(self.lock(), deadline, |state| count(state) < wanted)
            .unwrap_or_else(PoisonError::into_inner);
        if timeout.timed_out() {
            let there = count(&reached);
            let message = format!("{there} of {wanted} {what} after {deadline:?}");
            return Err(io::Error::new(io::ErrorKind::TimedOut, message));
        }
        Ok(())
    }
}

impl State {
    /// The messages that were told success.
    pub(super) fn accepted(&self) -> impl Iterator<Item = &Payload> {
        self.requests
            .iter()
            .filter(|request| request.accepted)
            .map(|request| &request.payload)
    }

    pub(super) fn accepted_count(&self, signal: Signal) -> usize {
        let payloads = self.accepted().filter(|payload| payload.signal() == signal);
        payloads.map(Payload::count).sum()
    }
}
