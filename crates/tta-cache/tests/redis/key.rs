//! A key as a tier is given it, which caches alone can make.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tta_cache::{
    CacheExt, Fetched, Json, Kept, Lock, LockToken, Remote, RemoteFuture, RemoteKey, Removed,
    SharedConfig,
};

use crate::support::{Calls, by_text, model, timed};

/// The key under which a cache keeps an answer.
pub(crate) async fn key() -> RemoteKey {
    let seen = Seen::default();
    let shared = SharedConfig::new("answers", seen.clone(), Json);
    let config = by_text().with_shared(shared).without_memory();
    timed(&model(&Calls::default()).cached(config).unwrap(), "q").await;
    let key = seen.0.lock().unwrap().take();
    key.unwrap()
}

/// A tier that notes what it is asked for, and has nothing.
#[derive(Clone, Debug, Default)]
struct Seen(Arc<Mutex<Option<RemoteKey>>>);

impl Remote for Seen {
    fn tier(&self) -> &'static str {
        "seen"
    }

    fn fetch<'a>(&'a self, key: &'a RemoteKey, _: usize) -> RemoteFuture<'a, Fetched> {
        *self.0.lock().unwrap() = Some(key.clone());
        Box::pin(async { Fetched::Unavailable })
    }

    fn store<'a>(
        &'a self,
        _: &'a RemoteKey,
        _: &'a [u8],
        _: Option<Duration>,
        _: &'a [Arc<str>],
    ) -> RemoteFuture<'a, Kept> {
        Box::pin(async { Kept::Unavailable })
    }

    fn remove<'a>(&'a self, _: &'a RemoteKey) -> RemoteFuture<'a, Removed> {
        Box::pin(async { Removed::Unavailable })
    }

    fn remove_tag<'a>(&'a self, _: &'a str, _: &'a str) -> RemoteFuture<'a, Removed> {
        Box::pin(async { Removed::Unavailable })
    }

    fn clear<'a>(&'a self, _: &'a str) -> RemoteFuture<'a, Removed> {
        Box::pin(async { Removed::Unavailable })
    }

    fn lock<'a>(&'a self, _: &'a RemoteKey, _: Duration) -> RemoteFuture<'a, Lock> {
        Box::pin(async { Lock::Unavailable })
    }

    fn renew<'a>(&'a self, _: &'a RemoteKey, _: LockToken, _: Duration) -> RemoteFuture<'a, Lock> {
        Box::pin(async { Lock::Unavailable })
    }

    fn unlock<'a>(&'a self, _: &'a RemoteKey, _: LockToken) -> RemoteFuture<'a, ()> {
        Box::pin(async {})
    }
}
