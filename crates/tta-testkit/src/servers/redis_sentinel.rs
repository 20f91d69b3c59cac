//! A real Sentinel.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::Path;

use super::missing::{StartError, program};
use super::process::Process;
use super::redis::{RedisServer, command, loopback, ready};
use super::redis_cluster::retry;

/// A Redis, its replica, and a Sentinel that promotes the replica when the Redis is gone.
#[derive(Debug)]
pub struct RedisSentinel {
    _sentinel: Process,
    address: SocketAddr,
    master: RedisServer,
    replica: RedisServer,
}

impl RedisSentinel {
    /// Starts the three and waits until the Sentinel knows both servers.
    ///
    /// # Errors
    ///
    /// As [`RedisServer::start`].
    pub fn start() -> Result<Self, StartError> {
        let master = RedisServer::start()?;
        let replica = RedisServer::start_with(&["--repl-diskless-sync-delay", "0"])?;
        let (host, port) = host_and_port(master.address());
        replica.command(&["REPLICAOF", &host, &port])?;
        retry(|| match replica.command(&["INFO", "replication"])? {
            Some(info) if info.contains("master_link_status:up") => Ok(()),
            _ => Err(io::Error::other("the replica has not caught up")),
        })?;
        let program = program("redis-server", "TTA_REDIS_SERVER").map_err(StartError::Missing)?;
        let (sentinel, [port]) = Process::launch(
            &program,
            |[port], folder| args(port, folder, master.address()),
            |[port]| ready(loopback(port)),
        )?;
        let address = loopback(port);
        retry(|| {
            let replicas = command(address, &["INFO", "sentinel"])?.unwrap_or_default();
            if replicas.contains("status=ok") && replicas.contains("slaves=1") {
                Ok(())
            } else {
                Err(io::Error::other("the sentinel does not know the replica"))
            }
        })?;
        Ok(Self {
            _sentinel: sentinel,
            address,
            master,
            replica,
        })
    }

    /// An address of the tier: `redis+sentinel://host:port/service`.
    pub fn url(&self) -> String {
        format!("redis+sentinel://{}/{SERVICE}", self.address)
    }

    /// The server that is the master at the start.
    pub fn master(&self) -> &RedisServer {
        &self.master
    }

    /// The server that follows it.
    pub fn replica(&self) -> &RedisServer {
        &self.replica
    }
}

fn args(port: u16, folder: &Path, master: SocketAddr) -> io::Result<Vec<OsString>> {
    let (host, master_port) = host_and_port(master);
    let file = folder.join("sentinel.conf");
    let lines = [
        format!("port {port}"),
        "bind 127.0.0.1".to_owned(),
        format!("sentinel monitor {SERVICE} {host} {master_port} 1"),
        format!("sentinel down-after-milliseconds {SERVICE} 500"),
        format!("sentinel failover-timeout {SERVICE} 3000"),
    ];
    fs::write(&file, lines.join("\n") + "\n")?;
    Ok(vec![file.into(), "--sentinel".into()])
}

fn host_and_port(address: SocketAddr) -> (String, String) {
    (address.ip().to_string(), address.port().to_string())
}

const SERVICE: &str = "tta";
