//! A process that was forked after telemetry began.
//!
//! In the child there is one thread: the one that forked. The threads that export and write are not
//! there, and a lock that one of them held is never released. So nothing of the parent's telemetry
//! is used there, nothing waits for its threads, and no lock of it is waited for.

#[cfg(target_os = "linux")]
use std::cell::Cell;
use std::sync::{
    Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
    TryLockError,
};
use std::time::Duration;

/// The process in which something was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Home(u32);

impl Home {
    /// This process.
    pub(crate) fn here() -> Self {
        let here = Self(std::process::id());
        FIRST.get_or_init(|| here);
        here
    }

    /// Whether the caller is in it, and not in a child of it. Costs a system call.
    pub(crate) fn is_here(self) -> bool {
        self.0 == std::process::id()
    }

    /// The same for what happens often: the system is asked once a thread in each tick of its coarse
    /// clock, some milliseconds, so that in the rest of the tick of a fork a child may be taken for
    /// its parent. What it records then waits in its copy of the queue, and nobody exports it.
    #[cfg(target_os = "linux")]
    pub(crate) fn seems_here(self) -> bool {
        use rustix::time::{ClockId, clock_gettime};

        // Read without a system call.
        let now = clock_gettime(ClockId::MonotonicCoarse);
        let tick = (now.tv_sec, now.tv_nsec);
        let asked = ASKED.try_with(|asked| {
            let (when, process) = asked.get();
            if when == tick {
                return process;
            }
            let process = std::process::id();
            asked.set((tick, process));
            process
        });
        asked.map_or_else(|_| self.is_here(), |process| process == self.0)
    }

    /// The same for what happens often.
    #[cfg(not(target_os = "linux"))]
    pub(crate) fn seems_here(self) -> bool {
        self.is_here()
    }
}

#[cfg(target_os = "linux")]
thread_local! {
    /// When this thread asked last for its process, and the answer.
    static ASKED: Cell<((i64, i64), u32)> = const { Cell::new(((-1, 0), 0)) };
}

/// Locks; none where a thread holds the lock that a fork has left behind.
#[inline]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    match mutex.try_lock() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => contended(
            || mutex.lock().unwrap_or_else(PoisonError::into_inner),
            || mutex.try_lock().ok(),
        ),
    }
}

/// Locks for reading; none where a thread holds the lock that a fork has left behind.
pub(crate) fn read<T>(lock: &RwLock<T>) -> Option<RwLockReadGuard<'_, T>> {
    match lock.try_read() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => contended(
            || lock.read().unwrap_or_else(PoisonError::into_inner),
            || lock.try_read().ok(),
        ),
    }
}

/// Locks for writing; none where a thread holds the lock that a fork has left behind.
pub(crate) fn write<T>(lock: &RwLock<T>) -> Option<RwLockWriteGuard<'_, T>> {
    match lock.try_write() {
        Ok(guard) => Some(guard),
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
        Err(TryLockError::WouldBlock) => contended(
            || lock.write().unwrap_or_else(PoisonError::into_inner),
            || lock.try_write().ok(),
        ),
    }
}

/// Waits in the process in which telemetry began first. In a child it is waited only as long as one
/// of its own threads may hold the lock.
#[cold]
fn contended<G>(wait: impl FnOnce() -> G, attempt: impl Fn() -> Option<G>) -> Option<G> {
    if FIRST.get().is_none_or(|first| first.is_here()) {
        return Some(wait());
    }
    for _ in 0..ATTEMPTS {
        std::thread::sleep(PAUSE);
        let guard = attempt();
        if guard.is_some() {
            return guard;
        }
    }
    None
}

/// The process in which telemetry began first.
static FIRST: OnceLock<Home> = OnceLock::new();

const ATTEMPTS: u32 = 10;
const PAUSE: Duration = Duration::from_millis(1);
