//! A tier outside the process that does what a test tells it to.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::Instant;
use tta_cache::{
    CacheConfig, Fetched, Json, Kept, Lock, LockToken, Remote, RemoteFuture, RemoteKey, Removed,
    Scope, SharedConfig,
};

/// Values by key, as several processes share them. Locks pass by the clock of the test.
#[derive(Clone, Debug)]
pub(crate) struct Shelf(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    values: Mutex<HashMap<String, Value>>,
    locks: Mutex<HashMap<String, (LockToken, Instant)>>,
    is_down: AtomicBool,
    /// How many values may be stored; a store waits until one may.
    leave: Semaphore,
    fetches: AtomicUsize,
}

#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) bytes: Vec<u8>,
    pub(crate) keep: Option<Duration>,
    pub(crate) tags: Vec<String>,
}

impl Shelf {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            values: Mutex::default(),
            locks: Mutex::default(),
            is_down: AtomicBool::new(false),
            leave: Semaphore::new(Semaphore::MAX_PERMITS),
            fetches: AtomicUsize::new(0),
        }))
    }

    /// A cache of texts that keeps its values here too.
    pub(crate) fn config<V>(&self) -> CacheConfig<String, V>
    where
        V: serde::Serialize + serde::de::DeserializeOwned,
    {
        CacheConfig::of_input(Scope::Global)
            .with_shared(self.shared())
            .with_clock(|| Instant::now().into_std())
    }

    pub(crate) fn shared<V>(&self) -> SharedConfig<V>
    where
        V: serde::Serialize + serde::de::DeserializeOwned,
    {
        SharedConfig::new("answers", self.clone(), Json)
    }

    pub(crate) fn down(&self, is_down: bool) {
        self.0.is_down.store(is_down, Ordering::Relaxed);
    }

    /// Lets no value in until leave is given.
    pub(crate) fn hold_stores(&self) {
        self.0.leave.forget_permits(Semaphore::MAX_PERMITS);
    }

    pub(crate) fn let_one_in(&self) {
        self.0.leave.add_permits(1);
    }

    pub(crate) fn values(&self) -> Vec<(String, Value)> {
        let values = self.0.values.lock().unwrap();
        values
            .iter()
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect()
    }

    pub(crate) fn only(&self) -> (String, Value) {
        let mut values = self.values();
        assert_eq!(values.len(), 1, "{values:?}");
        values.remove(0)
    }

    /// Changes what is kept under every key.
    pub(crate) fn tamper(&self, change: impl Fn(&mut Vec<u8>)) {
        let mut values = self.0.values.lock().unwrap();
        for value in values.values_mut() {
            change(&mut value.bytes);
        }
    }

    pub(crate) fn put(&self, key: &str, bytes: Vec<u8>) {
        let value = Value {
            bytes,
            keep: None,
            tags: Vec::new(),
        };
        self.0.values.lock().unwrap().insert(key.to_owned(), value);
    }

    pub(crate) fn locks(&self) -> usize {
        self.0.locks.lock().unwrap().len()
    }

    /// Takes every lock that is asked for from now on, in the name of a process that is gone.
    pub(crate) fn lock_all(&self, key: &str, hold: Duration) {
        let lock = (LockToken::random(), Instant::now() + hold);
        self.0.locks.lock().unwrap().insert(key.to_owned(), lock);
    }

    pub(crate) fn fetches(&self) -> usize {
        self.0.fetches.load(Ordering::Relaxed)
    }

    fn is_down(&self) -> bool {
        self.0.is_down.load(Ordering::Relaxed)
    }

    fn remove_where(&self, goes: impl Fn(&str, &Value) -> bool) -> Removed {
        if self.is_down() {
            return Removed::Unavailable;
        }
        let mut values = self.0.values.lock().unwrap();
        let before = values.len();
        values.retain(|key, value| !goes(key, value));
        Removed::Entries((before - values.len()) as u64)
    }
}

impl Remote for Shelf {
    fn tier(&self) -> &'static str {
        "shelf"
    }

    fn fetch<'a>(&'a self, key: &'a RemoteKey, _: usize) -> RemoteFuture<'a, Fetched> {
        Box::pin(async move {
            self.0.fetches.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
            if self.is_down() {
                return Fetched::Unavailable;
            }
            let values = self.0.values.lock().unwrap();
            match values.get(&key.to_string()) {
                Some(value) => Fetched::Found(value.bytes.clone()),
                None => Fetched::Absent,
            }
        })
    }

    fn store<'a>(
        &'a self,
        key: &'a RemoteKey,
        bytes: &'a [u8],
        keep: Option<Duration>,
        tags: &'a [Arc<str>],
    ) -> RemoteFuture<'a, Kept> {
        Box::pin(async move {
            if let Ok(permit) = self.0.leave.acquire().await {
                permit.forget();
            }
            if self.is_down() {
                return Kept::Unavailable;
            }
            let value = Value {
                bytes: bytes.to_vec(),
                keep,
                tags: tags.iter().map(ToString::to_string).collect(),
            };
            self.0.values.lock().unwrap().insert(key.to_string(), value);
            Kept::Yes
        })
    }

    fn remove<'a>(&'a self, key: &'a RemoteKey) -> RemoteFuture<'a, Removed> {
        Box::pin(async move { self.remove_where(|held, _| held == key.to_string()) })
    }

    fn remove_tag<'a>(&'a self, namespace: &'a str, tag: &'a str) -> RemoteFuture<'a, Removed> {
        Box::pin(async move {
            self.remove_where(|key, value| {
                key.starts_with(namespace) && value.tags.iter().any(|own| own == tag)
            })
        })
    }

    fn clear<'a>(&'a self, namespace: &'a str) -> RemoteFuture<'a, Removed> {
        Box::pin(async move { self.remove_where(|key, _| key.starts_with(namespace)) })
    }

    fn lock<'a>(&'a self, key: &'a RemoteKey, hold: Duration) -> RemoteFuture<'a, Lock> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            if self.is_down() {
                return Lock::Unavailable;
            }
            let mut locks = self.0.locks.lock().unwrap();
            let now = Instant::now();
            match locks.get(&key.to_string()) {
                Some((_, end)) if *end > now => Lock::Taken,
                _ => {
                    let token = LockToken::random();
                    locks.insert(key.to_string(), (token, now + hold));
                    Lock::Held(token)
                }
            }
        })
    }

    fn renew<'a>(
        &'a self,
        key: &'a RemoteKey,
        token: LockToken,
        hold: Duration,
    ) -> RemoteFuture<'a, Lock> {
        Box::pin(async move {
            let mut locks = self.0.locks.lock().unwrap();
            match locks.get_mut(&key.to_string()) {
                Some((own, end)) if *own == token => {
                    *end = Instant::now() + hold;
                    Lock::Held(token)
                }
                _ => Lock::Taken,
            }
        })
    }

    fn unlock<'a>(&'a self, key: &'a RemoteKey, token: LockToken) -> RemoteFuture<'a, ()> {
        Box::pin(async move {
            let mut locks = self.0.locks.lock().unwrap();
            if locks
                .get(&key.to_string())
                .is_some_and(|(own, _)| *own == token)
            {
                locks.remove(&key.to_string());
            }
        })
    }
}
