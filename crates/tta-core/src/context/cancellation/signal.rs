//! A flag that is raised once, and those who wait for it.

use std::collections::BTreeMap;
use std::mem::take;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Waker};

use super::sync::{AtomicBool, Mutex, MutexGuard};

/// A flag that is raised once. It is raised too when the one around it is: looking outward when
/// asked is what lets a signal be made and dropped without anybody keeping a list of signals.
pub(super) struct Signal {
    raised: AtomicBool,
    listeners: Mutex<Listeners>,
    outer: Option<Arc<Self>>,
}

/// Whom to wake. The flag is raised under the lock of the list, so that nobody enters a list that
/// has been woken.
#[derive(Default)]
struct Listeners {
    wakers: BTreeMap<u64, Waker>,
    next: u64,
}

impl Signal {
    pub(super) fn inside(outer: Option<Arc<Self>>) -> Self {
        Self {
            raised: AtomicBool::new(false),
            listeners: Mutex::new(Listeners::default()),
            outer,
        }
    }

    /// Raises the flag and wakes all who wait, with the lock released.
    pub(super) fn cancel(&self) {
        let wakers = {
            let mut listeners = self.listeners();
            self.raised.store(true, Ordering::Release);
            take(&mut listeners.wakers)
        };
        for waker in wakers.into_values() {
            // The waker is an executor's code. One that panics must not leave the others asleep,
            // nor end the process where the signal is raised by a destructor.
            let _ = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        let mut signal = Some(self);
        while let Some(here) = signal {
            if here.raised.load(Ordering::Acquire) {
                return true;
            }
            signal = here.outer.as_deref();
        }
        false
    }

    /// Puts a waker on the list, under its old key or a new one; none if the flag is up.
    fn listen(&self, key: Option<u64>, waker: &Waker) -> Option<u64> {
        // Cloned before and dropped after the lock is held: both are an executor's code.
        let waker = waker.clone();
        let (key, _replaced) = {
            let mut listeners = self.listeners();
            if self.raised.load(Ordering::Relaxed) {
                return None;
            }
            let key = key.unwrap_or_else(|| {
                listeners.next += 1;
                listeners.next
            });
            (key, listeners.wakers.insert(key, waker))
        };
        Some(key)
    }

    fn leave(&self, key: u64) {
        let waker = self.listeners().wakers.remove(&key);
        // Here the lock is released.
        drop(waker);
    }

    fn listeners(&self) -> MutexGuard<'_, Listeners> {
        // No code of others runs under the lock, and each change is a single step.
        self.listeners
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Signal {
    fn drop(&mut self) {
        // One after the other: a chain of signals must not recurse as deep as it is long.
        let mut outer = self.outer.take();
        while let Some(mut signal) = outer.and_then(Arc::into_inner) {
            outer = signal.outer.take();
        }
    }
}

/// Waits for a signal and for all around it.
pub(super) struct Listening {
    signal: Arc<Signal>,
    /// What is held on the lists of the signal and of those around it, inside out.
    keys: Vec<u64>,
    /// Who is on all of those lists.
    waker: Option<Waker>,
}

impl Listening {
    pub(super) fn new(signal: Arc<Signal>) -> Self {
        Self {
            signal,
            keys: Vec::new(),
            waker: None,
        }
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.signal.is_cancelled() {
            return Poll::Ready(());
        }
        let listens = |waker: &Waker| waker.will_wake(cx.waker());
        if self.waker.as_ref().is_some_and(listens) {
            return Poll::Pending;
        }
        let mut signal = Some(&self.signal);
        let mut depth = 0;
        while let Some(here) = signal {
            let known = self.keys.get(depth).copied();
            let Some(key) = here.listen(known, cx.waker()) else {
                return Poll::Ready(());
            };
            if known.is_none() {
                self.keys.push(key);
            }
            depth += 1;
            signal = here.outer.as_ref();
        }
        self.waker = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let mut signal = Some(&self.signal);
        for key in &self.keys {
            let Some(here) = signal else { return };
            here.leave(*key);
            signal = here.outer.as_ref();
        }
    }
}
