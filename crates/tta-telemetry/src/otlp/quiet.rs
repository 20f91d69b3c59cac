//! What is done here is not told to any subscriber of `tracing`.
//!
//! The exporter's own HTTP client makes spans and events at every step. In a subscriber that takes
//! all of them, each export would make the next one larger.

use std::future::Future;

use hyper::rt::Executor;
use tracing::Dispatch;
use tracing::instrument::{WithDispatch, WithSubscriber};

/// Spawns the tasks of a client, quietly.
#[derive(Clone, Copy, Debug)]
pub(super) struct QuietExecutor;

impl<F> Executor<F> for QuietExecutor
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, future: F) {
        tokio::spawn(quietly(future));
    }
}

/// The same future, whose spans and events nobody gets to see.
pub(super) fn quietly<F: Future>(future: F) -> WithDispatch<F> {
    future.with_subscriber(Dispatch::none())
}
