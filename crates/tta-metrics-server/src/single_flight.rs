//! One piece of work at a time, shared by all who wait for the same.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

/// Runs one piece of work at a time; callers that wait for the same key share one run.
///
/// A run is only ever shared by callers who came before it began, so that nobody gets an answer
/// older than their question. It belongs to whoever awaits it: a caller that goes away leaves
/// nothing behind, and if it was the one who ran the work, the next waiter takes over.
#[derive(Debug)]
pub(crate) struct SingleFlight<K, V> {
    turn: Arc<Semaphore>,
    boarding: Mutex<Vec<(K, Weak<OnceCell<V>>)>>,
}

impl<K: Copy + PartialEq, V: Clone> SingleFlight<K, V> {
    pub(crate) fn new() -> Self {
        Self {
            turn: Arc::new(Semaphore::new(1)),
            boarding: Mutex::new(Vec::new()),
        }
    }

    /// The result of the next run for `key`. `work` keeps the permit until it has really ended,
    /// even where its caller has not waited for it.
    pub(crate) async fn run<F>(
        &self,
        key: K,
        work: impl FnOnce(Option<OwnedSemaphorePermit>) -> F,
    ) -> V
    where
        F: Future<Output = V>,
    {
        let flight = self.board(key);
        let run = || async {
            // The semaphore is never closed, so there always is a permit.
            let turn = Arc::clone(&self.turn).acquire_owned().await.ok();
            self.depart(&flight);
            work(turn).await
        };
        flight.get_or_init(run).await.clone()
    }

    fn board(&self, key: K) -> Arc<OnceCell<V>> {
        let mut boarding = self.boarding.lock().unwrap_or_else(PoisonError::into_inner);
        boarding.retain(|(_, flight)| flight.strong_count() > 0);
        let waiting = boarding.iter().find(|(other, _)| *other == key);
        if let Some(flight) = waiting.and_then(|(_, flight)| flight.upgrade()) {
            return flight;
        }
        let flight = Arc::new(OnceCell::new());
        boarding.push((key, Arc::downgrade(&flight)));
        flight
    }

    fn depart(&self, departing: &Arc<OnceCell<V>>) {
        let mut boarding = self.boarding.lock().unwrap_or_else(PoisonError::into_inner);
        boarding.retain(|(_, flight)| flight.as_ptr() != Arc::as_ptr(departing));
    }
}
