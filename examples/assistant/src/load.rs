//! The load: requests come when they come, whether earlier ones are done or not.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::options::Options;
use crate::workload::Request;

/// Gives each request to `serve` on a task of its own when its time has come, and waits for all.
///
/// Arrivals do not wait for answers; only past the limit of requests at once do later ones wait for
/// a place.
///
/// # Cancellation
///
/// Dropping the future aborts the requests under way.
pub async fn run<F>(
    options: &Options,
    requests: impl Iterator<Item = Request>,
    serve: impl Fn(Request) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let begun = Instant::now();
    let places = Arc::new(Semaphore::new(options.concurrency.get()));
    let mut tasks = JoinSet::new();
    for request in requests {
        sleep_until(begun + options.speed.compress(request.at)).await;
        // The semaphore is never closed, so a permit always comes.
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            break;
        };
        let served = serve(request);
        tasks.spawn(async move {
            served.await;
            drop(place);
        });
        // Finished tasks are let go as the run goes on, not at its end.
        while tasks.try_join_next().is_some() {}
    }
    while tasks.join_next().await.is_some() {}
}
