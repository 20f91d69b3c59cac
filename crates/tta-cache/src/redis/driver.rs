//! The thread that connections live on.

use std::sync::{Mutex, PoisonError};

use tokio::runtime::{Builder, Handle};

/// The runtime of all connections to Redis of this process; none where the system gives no thread.
///
/// A connection that lived on the caller's runtime would end with it, and would stand still while
/// that runtime does: with the first test of a process, or behind a handler that blocks. Here
/// callers need no runtime at all, and writes of many of them leave together.
pub(super) fn handle() -> Option<Handle> {
    let mut driver = DRIVER.lock().unwrap_or_else(PoisonError::into_inner);
    if driver.is_none() {
        *driver = start();
    }
    driver.clone()
}

fn start() -> Option<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build().ok()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name("tta-redis".into())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))
        .ok()?;
    Some(handle)
}

static DRIVER: Mutex<Option<Handle>> = Mutex::new(None);
