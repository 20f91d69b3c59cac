//! Which computations lie around the code that runs on this thread.

use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::pin;

/// Runs a computation so that what is called in it can tell that it is.
pub(crate) async fn leading<F: Future>(flight: usize, computation: F) -> F::Output {
    let mut computation = pin!(computation);
    poll_fn(|cx| {
        let _inside = Inside::enter(flight);
        computation.as_mut().poll(cx)
    })
    .await
}

/// Whether the caller is part of this computation, in which case waiting for it would never end.
pub(crate) fn is_inside(flight: usize) -> bool {
    AROUND
        .try_with(|around| around.borrow().contains(&flight))
        .unwrap_or(false)
}

struct Inside;

impl Inside {
    fn enter(flight: usize) -> Self {
        // Gone only where the thread ends, and then nothing is found either.
        let _ = AROUND.try_with(|around| around.borrow_mut().push(flight));
        Self
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        let _ = AROUND.try_with(|around| around.borrow_mut().pop());
    }
}

thread_local! {
    static AROUND: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}
