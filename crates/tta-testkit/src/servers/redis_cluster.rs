//! A real Redis Cluster.

use std::io;
use std::time::{Duration, Instant};

use super::missing::StartError;
use super::redis::RedisServer;

/// Three masters that share the slots, and a replica of the first.
///
/// # Examples
///
/// ```no_run
/// use tta_testkit::require;
/// use tta_testkit::servers::RedisCluster;
///
/// # fn example() {
/// let cluster = require!(RedisCluster::start());
/// // … point a client at `cluster.url()` …
/// cluster.kill_master(); // its replica takes over in a few seconds
/// # }
/// ```
#[derive(Debug)]
pub struct RedisCluster {
    nodes: Vec<RedisServer>,
}

impl RedisCluster {
    /// Starts one and waits until all of its nodes agree on it.
    ///
    /// # Errors
    ///
    /// As [`RedisServer::start`].
    pub fn start() -> Result<Self, StartError> {
        let mut nodes = Vec::new();
        for _ in 0..MASTERS + 1 {
            nodes.push(RedisServer::start_node()?);
        }
        let cluster = Self { nodes };
        cluster.form().map_err(StartError::from)?;
        Ok(cluster)
    }

    /// All nodes as an address of the tier: `redis+cluster://host:port,host:port`.
    pub fn url(&self) -> String {
        let addresses: Vec<_> = self
            .nodes
            .iter()
            .map(|node| node.address().to_string())
            .collect();
        format!("redis+cluster://{}", addresses.join(","))
    }

    /// The nodes: three masters, then the first one's replica, as they were at the start.
    pub fn nodes(&self) -> &[RedisServer] {
        &self.nodes
    }

    /// Kills the first master at once, as a machine that loses its power.
    pub fn kill_master(&self) {
        if let Some(master) = self.nodes.first() {
            master.kill();
        }
    }

    /// Moves one slot from the node that has it to another master, so that clients which do not
    /// know yet are answered `MOVED`.
    ///
    /// # Errors
    ///
    /// When a node refuses.
    pub fn move_slot(&self, slot: u16, to: usize) -> io::Result<()> {
        let id = self.id(to)?;
        for node in self.nodes.iter().take(MASTERS) {
            node.command(&["CLUSTER", "SETSLOT", &slot.to_string(), "NODE", &id])?;
        }
        Ok(())
    }

    fn form(&self) -> io::Result<()> {
        let (first, others) = self.nodes.split_first().ok_or(io::ErrorKind::NotFound)?;
        for (place, node) in self.nodes.iter().take(MASTERS).enumerate() {
            let least = (place * SLOTS / MASTERS).to_string();
            let most = ((place + 1) * SLOTS / MASTERS - 1).to_string();
            node.command(&["CLUSTER", "ADDSLOTSRANGE", &least, &most])?;
        }
        for node in others {
            let (address, bus) = (node.address(), node.bus_port().to_string());
            let (host, port) = (address.ip().to_string(), address.port().to_string());
            first.command(&["CLUSTER", "MEET", &host, &port, &bus])?;
        }
        self.wait_until(|info| {
            info.contains("cluster_state:ok") && info.contains("cluster_known_nodes:4")
        })?;
        let master = self.id(0)?;
        if let Some(replica) = self.nodes.last() {
            let replicate = || replica.command(&["CLUSTER", "REPLICATE", &master]);
            retry(|| replicate().map(drop))?;
            retry(|| match replica.command(&["INFO", "replication"])? {
                Some(info) if info.contains("master_link_status:up") => Ok(()),
                _ => Err(io::Error::other("the replica has not caught up")),
            })?;
        }
        // A master whose replica the others have not heard of is not replaced by it.
        retry(|| {
            let knows = |node: &RedisServer| {
                let nodes = node.command(&["CLUSTER", "NODES"]).ok().flatten();
                nodes.is_some_and(|nodes| nodes.contains("slave"))
            };
            if self.nodes.iter().all(knows) {
                Ok(())
            } else {
                Err(io::Error::other("the nodes do not know of the replica"))
            }
        })
    }

    fn wait_until(&self, agreed: impl Fn(&str) -> bool) -> io::Result<()> {
        retry(|| {
            for node in &self.nodes {
                let info = node.command(&["CLUSTER", "INFO"])?.unwrap_or_default();
                if !agreed(&info) {
                    return Err(io::Error::other(format!("the nodes do not agree: {info}")));
                }
            }
            Ok(())
        })
    }

    fn id(&self, place: usize) -> io::Result<String> {
        let node = self.nodes.get(place).ok_or(io::ErrorKind::NotFound)?;
        Ok(node.command(&["CLUSTER", "MYID"])?.unwrap_or_default())
    }
}

/// Until it succeeds, or for half a minute.
pub(super) fn retry(mut what: impl FnMut() -> io::Result<()>) -> io::Result<()> {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        match what() {
            Err(error) if Instant::now() > deadline => return Err(error),
            // Gossip between other processes gives no event.
            Err(_) => std::thread::sleep(Duration::from_millis(20)),
            Ok(()) => return Ok(()),
        }
    }
}

const MASTERS: usize = 3;
const SLOTS: usize = 16_384;
