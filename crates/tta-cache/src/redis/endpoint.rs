//! One server: its connection, and whether it is asked.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Once, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};

use super::breaker::{Breaker, RedisState};
use super::dial::{Aborted, Destination, Dialer};
use super::driver;
use super::failure::{Failure, Meaning};
use super::link::Link;
use super::report::{Changes, Report};
use super::supervisor::supervise;

/// One server that may be down.
#[derive(Debug)]
pub(super) struct Endpoint {
    shared: Arc<Shared>,
    started: Once,
    /// The runtime of the connection, and the task that keeps it up.
    background: OnceLock<(Handle, Aborted)>,
}

/// What callers and the background share.
pub(super) struct Shared {
    pub(super) destination: Destination,
    pub(super) dialer: Arc<Dialer>,
    pub(super) probe_key: String,
    pub(super) budget: Duration,
    pub(super) clustered: bool,
    #[cfg(feature = "redis-pool")]
    pub(super) pool: Option<usize>,
    pub(super) breaker: Breaker,
    pub(super) report: Report,
    link: RwLock<Option<(u64, Link)>>,
    links: AtomicU64,
    /// Told when the state is another.
    changed: watch::Sender<()>,
    /// Told when the connection is given up by who used it.
    pub(super) condemned: Notify,
    why: RwLock<Failure>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("destination", &self.destination)
            .field("breaker", &self.breaker)
            .finish_non_exhaustive()
    }
}

/// What an endpoint is made of.
#[derive(Clone)]
pub(super) struct Recipe {
    pub(super) dialer: Arc<Dialer>,
    pub(super) probe_key: String,
    pub(super) budget: Duration,
    pub(super) patience: Duration,
    pub(super) failures: u32,
    pub(super) clustered: bool,
    pub(super) changes: Changes,
    #[cfg(feature = "redis-pool")]
    pub(super) pool: Option<usize>,
}

impl Endpoint {
    pub(super) fn new(recipe: &Recipe, destination: Destination) -> Self {
        let server = match &destination {
            Destination::Node(node) => node.to_string(),
            Destination::Master { service, .. } => service.clone(),
        };
        Self {
            shared: Arc::new(Shared {
                destination,
                dialer: Arc::clone(&recipe.dialer),
                probe_key: recipe.probe_key.clone(),
                budget: recipe.budget,
                clustered: recipe.clustered,
                #[cfg(feature = "redis-pool")]
                pool: recipe.pool,
                breaker: Breaker::new(recipe.failures, recipe.patience, recipe.budget),
                report: Report::new(server, recipe.changes.clone()),
                link: RwLock::new(None),
                links: AtomicU64::new(0),
                changed: watch::Sender::new(()),
                condemned: Notify::new(),
                why: RwLock::new(Failure::Connection),
            }),
            started: Once::new(),
            background: OnceLock::new(),
        }
    }

    pub(super) fn state(&self) -> RedisState {
        self.shared.breaker.state()
    }

    /// Asks within `budget`, if it is being asked at all.
    pub(super) async fn ask<T, A>(
        &self,
        budget: Duration,
        question: impl FnOnce(Link) -> A + Send,
    ) -> Result<T, Failure>
    where
        A: Future<Output = Result<T, Failure>> + Send,
    {
        if self.shared.breaker.state() == RedisState::Down {
            return Err(Failure::NotAsked);
        }
        let Some(runtime) = self.runtime() else {
            return Err(Failure::NotAsked);
        };
        let begun = Instant::now();
        let mut used = None;
        let asked = async {
            let (generation, link) = self.shared.link_or_down().await?;
            used = Some(generation);
            question(link).await
        };
        let late = {
            // The clock of the connections' thread runs whatever the caller's does.
            let _entered = runtime.enter();
            tokio::time::sleep(budget)
        };
        let answer = tokio::select! {
            biased;
            answer = asked => answer,
            () = late => Err(Failure::Timeout),
        };
        match &answer {
            Ok(_) => self.shared.breaker.succeeded(),
            Err(failure) => self.shared.failed(failure, used, begun),
        }
        answer
    }

    /// Starts the background at the first use.
    pub(super) fn runtime(&self) -> Option<&Handle> {
        self.started.call_once(|| {
            if let Some(runtime) = driver::handle() {
                let task = runtime.spawn(supervise(Arc::clone(&self.shared)));
                let _ = self.background.set((runtime, Aborted(task.abort_handle())));
            }
        });
        self.background.get().map(|(runtime, _)| runtime)
    }
}

impl Shared {
    /// Lets callers use a new connection.
    pub(super) fn connected(&self, link: Link, state: RedisState) {
        let generation = self.links.fetch_add(1, Ordering::Relaxed) + 1;
        let mut current = self.link.write().unwrap_or_else(PoisonError::into_inner);
        // First the state: what callers report of the connection must not be forgotten by it.
        self.breaker.enter(state);
        *current = Some((generation, link));
        drop(current);
        self.changed.send_replace(());
    }

    /// Lets nobody use the connection any more.
    pub(super) fn disconnected(&self, state: RedisState) {
        *self.link.write().unwrap_or_else(PoisonError::into_inner) = None;
        self.enter(state);
    }

    pub(super) fn enter(&self, state: RedisState) {
        self.breaker.enter(state);
        self.changed.send_replace(());
    }

    pub(super) fn remember(&self, why: &Failure) {
        *self.why.write().unwrap_or_else(PoisonError::into_inner) = why.clone();
    }

    pub(super) fn why(&self) -> Failure {
        self.why
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn link(&self) -> Option<(u64, Link)> {
        self.link
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The connection; or waits for one, unless there will be none.
    async fn link_or_down(&self) -> Result<(u64, Link), Failure> {
        if let Some(link) = self.link() {
            return Ok(link);
        }
        let mut changed = self.changed.subscribe();
        loop {
            if let Some(link) = self.link() {
                return Ok(link);
            }
            if self.breaker.state() == RedisState::Down || changed.changed().await.is_err() {
                return Err(Failure::NotAsked);
            }
        }
    }

    /// Notes a failure, and gives the connection up if it is one too many.
    pub(super) fn failed(&self, failure: &Failure, used: Option<u64>, begun: Instant) {
        // A cluster that moves slots is healthy.
        if *failure != Failure::NotAsked && !(self.clustered && failure.is_redirect()) {
            self.report.failed(failure);
        }
        if *failure == Failure::Timeout {
            self.breaker.waited(begun, Instant::now());
        }
        let enough = match failure.meaning() {
            Meaning::Answers => {
                self.breaker.succeeded();
                // What was a master is a replica now: the name may lead to another.
                *failure == Failure::ReadOnly
                    && matches!(self.destination, Destination::Master { .. })
            }
            Meaning::Fails => self.breaker.failed(),
            Meaning::Untrusted => true,
        };
        if enough {
            self.condemn(failure, used);
        }
    }

    /// Takes a connection out of use, unless it has been replaced already.
    fn condemn(&self, why: &Failure, used: Option<u64>) {
        let mut link = self.link.write().unwrap_or_else(PoisonError::into_inner);
        let current = link.as_ref().map(|(generation, _)| *generation);
        if used.is_none() || current != used {
            return;
        }
        let given_up = link.take();
        self.breaker.enter(RedisState::Down);
        drop(link);
        self.remember(why);
        self.changed.send_replace(());
        self.condemned.notify_one();
        // Last: who sees the connection end must know by then that it was not lost.
        drop(given_up);
    }
}
