//! What the server tells its owner while it runs.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Something the owner of the server may want to log.
///
/// What is wrong with connections and requests is also counted in
/// [`ServerStats`](crate::ServerStats).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServerEvent {
    /// The [`Exposition`](crate::Exposition) panicked; the requests that waited got a 500.
    RenderPanicked {
        /// What the panic said.
        message: String,
    },
    /// No connection can be accepted for now, as a rule because the process has no file
    /// descriptors left. Reported when it begins, not for every attempt.
    AcceptFailed {
        /// What the operating system said.
        message: String,
    },
    /// Connections are accepted again.
    AcceptRecovered,
    /// Files that have changed are in use.
    Reloaded {
        /// What is made of them.
        what: &'static str,
    },
    /// Files that have changed cannot be used; what they held before stays in use. Reported when it
    /// begins, not for every attempt.
    ReloadFailed {
        /// What is made of them.
        what: &'static str,
        /// Why; nothing of what is in the files.
        message: String,
    },
}

/// The owner's callback, if any.
#[derive(Clone, Default)]
pub(crate) struct Listener(Option<Arc<Callback>>);

type Callback = dyn Fn(&ServerEvent) + Send + Sync;

impl Listener {
    pub(crate) fn new(callback: impl Fn(&ServerEvent) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(callback)))
    }

    pub(crate) fn tell(&self, event: &ServerEvent) {
        if let Some(callback) = &self.0 {
            // A listener that panics loses its own message; it must not take the server along.
            if let Err(panic) = catch_unwind(AssertUnwindSafe(|| callback(event))) {
                std::mem::forget(panic);
            }
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "set" } else { "none" })
    }
}
