//! Locks that a fork may leave behind.
//!
//! In a forked child there is one thread: the one that forked. A lock that another held at that
//! moment is never released there, so the child does not wait for it.

use std::process;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::thread;
use std::time::Duration;

/// Notes the process in which instruments began.
pub(super) fn begin() {
    HOME.get_or_init(process::id);
}

/// Locks; none in a child whose parent's thread took the lock with it.
///
/// Only our own code runs under these locks, and each change under them is a single step.
#[inline]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => contended(mutex),
    }
}

#[cold]
fn contended<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    let is_forked = HOME.get().is_some_and(|home| *home != process::id());
    if !is_forked {
        return Some(mutex.lock().unwrap_or_else(PoisonError::into_inner));
    }
    // Another thread of the child may hold it for a moment.
    for _ in 0..ATTEMPTS {
        thread::sleep(PAUSE);
        if let Ok(guard) = mutex.try_lock() {
            return Some(guard);
        }
    }
    None
}

static HOME: OnceLock<u32> = OnceLock::new();

const ATTEMPTS: u32 = 3;
const PAUSE: Duration = Duration::from_millis(1);
