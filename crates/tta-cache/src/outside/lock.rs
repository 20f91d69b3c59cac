//! The right to compute, among processes.

use std::future::{pending, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::remote::{LockToken, Remote, RemoteKey};
use crate::timer::sleep;

/// A lock that is ours; dropped, it is given back in the background.
pub(crate) struct HeldLock {
    remote: Arc<dyn Remote>,
    key: RemoteKey,
    token: LockToken,
    hold: Duration,
    released: bool,
}

impl HeldLock {
    pub(super) fn new(
        remote: Arc<dyn Remote>,
        key: RemoteKey,
        token: LockToken,
        hold: Duration,
    ) -> Self {
        Self {
            remote,
            key,
            token,
            hold,
            released: false,
        }
    }

    /// Runs a computation and keeps the lock while it does.
    pub(crate) async fn keep<F: Future>(&self, computation: F) -> F::Output {
        let mut computation = pin!(computation);
        let mut renewals = pin!(self.renew());
        poll_fn(|cx| {
            if let Poll::Ready(output) = computation.as_mut().poll(cx) {
                return Poll::Ready(output);
            }
            // Never ready.
            let _ = renewals.as_mut().poll(cx);
            Poll::Pending
        })
        .await
    }

    pub(crate) async fn release(mut self) {
        self.remote.unlock(&self.key, self.token).await;
        self.released = true;
    }

    async fn renew(&self) {
        loop {
            match sleep(self.hold / 3) {
                Some(sleep) => sleep.await,
                None => pending().await,
            }
            // A lock that is lost costs a computation twice, which is no reason to give this one up.
            let _ = self.remote.renew(&self.key, self.token, self.hold).await;
        }
    }
}

impl Drop for HeldLock {
    fn drop(&mut self) {
        if self.released {
            return;
        }
        // Without a runtime it passes by itself.
        if let Ok(runtime) = Handle::try_current() {
            let (remote, key, token) = (Arc::clone(&self.remote), self.key.clone(), self.token);
            runtime.spawn(async move { remote.unlock(&key, token).await });
        }
    }
}
