//! The nodes of a cluster, each with a connection and a breaker of its own.

use std::collections::HashMap;
use std::sync::{Arc, Once, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use redis::cmd;
use tokio::sync::{Notify, watch};
use tokio::time::sleep;

use super::address::Node;
use super::breaker::RedisState;
use super::dial::{Aborted, Destination, ask};
use super::driver;
use super::endpoint::{Endpoint, Recipe};
use super::failure::Failure;
use super::slots::Slots;

/// The nodes of a cluster.
#[derive(Debug)]
pub(super) struct Cluster {
    map: Arc<Map>,
    started: Once,
    refreshing: OnceLock<Aborted>,
}

/// What callers and the background share.
struct Map {
    seeds: Vec<Node>,
    recipe: Recipe,
    nodes: RwLock<HashMap<Node, Arc<Endpoint>>>,
    slots: watch::Sender<Known>,
    /// Told when a node said that the map is old.
    stale: Notify,
}

impl std::fmt::Debug for Map {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Map")
            .field("seeds", &self.seeds)
            .finish_non_exhaustive()
    }
}

/// What is known of the slots.
#[derive(Clone, Debug)]
enum Known {
    /// Nobody has been asked yet.
    NotYet,
    /// Nobody would say.
    Unknown,
    /// This.
    Slots(Arc<Slots>),
}

impl Cluster {
    pub(super) fn new(seeds: Vec<Node>, recipe: Recipe) -> Self {
        Self {
            map: Arc::new(Map {
                seeds,
                recipe,
                nodes: RwLock::default(),
                slots: watch::Sender::new(Known::NotYet),
                stale: Notify::new(),
            }),
            started: Once::new(),
            refreshing: OnceLock::new(),
        }
    }

    /// The node that serves a key; waits for the map within `budget` at the very first.
    pub(super) async fn node(&self, key: &str, budget: Duration) -> Result<Arc<Endpoint>, Failure> {
        let slots = self.slots(budget).await?;
        let node = slots.master(key).ok_or(Failure::ClusterDown)?;
        Ok(self.map.endpoint(node))
    }

    /// The node that another has named.
    pub(super) fn named(&self, node: &Node) -> Arc<Endpoint> {
        self.map.endpoint(node)
    }

    /// Every master.
    pub(super) async fn masters(&self, budget: Duration) -> Result<Vec<Arc<Endpoint>>, Failure> {
        let masters = self.slots(budget).await?.masters();
        Ok(masters.iter().map(|node| self.map.endpoint(node)).collect())
    }

    /// Has the map drawn anew.
    pub(super) fn is_stale(&self) {
        self.map.stale.notify_one();
    }

    /// The worst of its masters' states.
    pub(super) fn state(&self) -> RedisState {
        let slots = match &*self.map.slots.borrow() {
            Known::NotYet => return RedisState::Connecting,
            Known::Unknown => return RedisState::Down,
            Known::Slots(slots) => Arc::clone(slots),
        };
        let states = slots
            .masters()
            .into_iter()
            .map(|node| self.map.endpoint(&node).state());
        states
            .max_by_key(|state| *state as u8)
            .unwrap_or(RedisState::Down)
    }

    async fn slots(&self, budget: Duration) -> Result<Arc<Slots>, Failure> {
        let Some(runtime) = driver::handle() else {
            return Err(Failure::NotAsked);
        };
        self.started.call_once(|| {
            let task = runtime.spawn(refresh(Arc::clone(&self.map)));
            let _ = self.refreshing.set(Aborted(task.abort_handle()));
        });
        let known = match &*self.map.slots.borrow() {
            Known::NotYet => None,
            Known::Unknown => return Err(Failure::NotAsked),
            Known::Slots(slots) => Some(Arc::clone(slots)),
        };
        if let Some(slots) = known {
            return Ok(slots);
        }
        let mut slots = self.map.slots.subscribe();
        let late = {
            let _entered = runtime.enter();
            sleep(budget)
        };
        tokio::select! {
            biased;
            known = slots.wait_for(|known| !matches!(known, Known::NotYet)) => {
                match known.as_deref() {
                    Ok(Known::Slots(slots)) => Ok(Arc::clone(slots)),
                    _ => Err(Failure::NotAsked),
                }
            }
            () = late => Err(Failure::Timeout),
        }
    }
}

impl Map {
    fn endpoint(&self, node: &Node) -> Arc<Endpoint> {
        {
            let nodes = self.nodes.read().unwrap_or_else(PoisonError::into_inner);
            if let Some(endpoint) = nodes.get(node) {
                return Arc::clone(endpoint);
            }
        }
        let mut nodes = self.nodes.write().unwrap_or_else(PoisonError::into_inner);
        let endpoint = nodes.entry(node.clone()).or_insert_with(|| {
            Arc::new(Endpoint::new(&self.recipe, Destination::Node(node.clone())))
        });
        Arc::clone(endpoint)
    }

    /// Asks one node after the other: those that are known to answer, those of the configuration, and
    /// then the rest, for a cluster that has lost a master is down in all its nodes for a while.
    async fn draw(&self) -> Result<Slots, Failure> {
        let (mut nodes, rest): (Vec<Node>, Vec<Node>) = {
            let known = self.nodes.read().unwrap_or_else(PoisonError::into_inner);
            let is_up = |node: &Node| {
                let endpoint = known.get(node);
                endpoint.is_some_and(|endpoint| endpoint.state() == RedisState::Up)
            };
            known.keys().cloned().partition(is_up)
        };
        nodes.extend(self.seeds.iter().cloned());
        nodes.extend(rest);
        let mut failure = Failure::Connection;
        for node in nodes {
            let destination = Destination::Node(node.clone());
            let asked = async {
                let mut dialed = self.recipe.dialer.dial(&destination).await?;
                let mut question = cmd("CLUSTER");
                question.arg("SLOTS");
                let answer = ask(&mut dialed.connection, &question);
                let answer = tokio::time::timeout(self.recipe.dialer.timeout, answer);
                let answer = answer.await.unwrap_or(Err(Failure::Timeout))?;
                Slots::read(&answer, &node.host).ok_or(Failure::Protocol)
            };
            match asked.await {
                Ok(slots) => return Ok(slots),
                Err(why) => failure = why,
            }
        }
        Err(failure)
    }

    /// Whether a master is down, which somebody may have replaced meanwhile.
    fn is_doubtful(&self) -> bool {
        let Known::Slots(slots) = &*self.slots.borrow() else {
            return true;
        };
        let nodes = self.nodes.read().unwrap_or_else(PoisonError::into_inner);
        let down = |node: &Node| {
            nodes
                .get(node)
                .is_some_and(|endpoint| endpoint.state() == RedisState::Down)
        };
        slots.masters().iter().any(down)
    }
}

/// Draws the map, and draws it anew when it is doubtful, until it is aborted.
async fn refresh(map: Arc<Map>) {
    loop {
        match map.draw().await {
            Ok(slots) => {
                let masters = slots.masters();
                map.slots.send_replace(Known::Slots(Arc::new(slots)));
                // Who is no master any more needs no connection.
                let mut nodes = map.nodes.write().unwrap_or_else(PoisonError::into_inner);
                nodes.retain(|node, _| masters.contains(node));
            }
            Err(_) => {
                map.slots.send_if_modified(|known| {
                    let first = matches!(known, Known::NotYet | Known::Unknown);
                    if first {
                        *known = Known::Unknown;
                    }
                    first
                });
            }
        }
        // However many complain, no more often than this.
        sleep(AT_MOST_EVERY).await;
        loop {
            tokio::select! {
                () = map.stale.notified() => break,
                () = sleep(LOOK_AGAIN) => if map.is_doubtful() { break },
            }
        }
    }
}

const AT_MOST_EVERY: Duration = Duration::from_millis(250);
const LOOK_AGAIN: Duration = Duration::from_millis(500);
