//! One initialisation at a time in a process, and one that starts or stops at a time.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use crate::fork::{self, Home};
use crate::guard::ShutdownReport;
use crate::instance::Instance;

/// The right to start or stop the one instance, held by one thread at a time.
///
/// The instance starts and stops outside the lock, so that status and health can be asked for
/// meanwhile. A thread that comes back while it holds the right, as a panic hook may, is refused
/// instead of waiting for itself.
#[derive(Debug)]
pub(crate) struct Turn(());

impl Turn {
    /// Waits for the right; none for a thread that has it already, or when it took too long.
    pub(crate) fn take(patience: Duration) -> Option<Self> {
        let me = (Home::here(), std::thread::current().id());
        let until = Instant::now() + patience;
        let mut slot = slot()?;
        loop {
            match slot.busy {
                None => {
                    slot.busy = Some(me);
                    return Some(Self(()));
                }
                Some(other) if other == me => return None,
                // Whoever was at it is not in this process.
                Some((home, _)) if home != me.0 => {
                    slot.busy = Some(me);
                    return Some(Self(()));
                }
                Some(_) => {}
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            slot = FREED
                .wait_timeout(slot, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    #[expect(clippy::unused_self, reason = "who calls it has the right to")]
    pub(crate) fn set(&self, instance: Arc<Instance>) {
        let Some(mut slot) = slot() else { return };
        let before = slot.instance.replace(instance);
        // Its threads are not in this process, and it is not to be stopped here.
        if let Some(before) = before.filter(|before| !before.is_here()) {
            std::mem::forget(before);
        }
    }

    /// Forgets the instance, and remembers how it ended.
    #[expect(clippy::unused_self, reason = "who calls it has the right to")]
    pub(crate) fn clear(&self, report: &ShutdownReport) {
        let Some(mut slot) = slot() else { return };
        slot.last = Some(*report);
        let instance = slot.instance.take();
        drop(slot);
        drop(instance);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(mut slot) = slot() {
            slot.busy = None;
        }
        FREED.notify_all();
    }
}

/// The instance that runs, if one does.
pub(crate) fn running() -> Option<Arc<Instance>> {
    slot()?.instance.clone().filter(|it| it.is_here())
}

/// How the latest instance ended.
pub(crate) fn last_report() -> Option<ShutdownReport> {
    slot()?.last
}

fn slot() -> Option<MutexGuard<'static, Slot>> {
    // Each change is a single step, and no other code runs under the lock.
    fork::lock(&SLOT)
}

#[derive(Debug)]
struct Slot {
    busy: Option<(Home, ThreadId)>,
    instance: Option<Arc<Instance>>,
    last: Option<ShutdownReport>,
}

static SLOT: Mutex<Slot> = Mutex::new(Slot {
    busy: None,
    instance: None,
    last: None,
});
static FREED: Condvar = Condvar::new();
