//! One server or many: who is asked about a key.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Pipeline, Value, cmd};

use super::breaker::RedisState;
use super::cluster::Cluster;
use super::endpoint::Endpoint;
use super::failure::Failure;

/// The servers of a tier.
#[derive(Debug)]
pub(super) enum Servers {
    /// One, or the one that Sentinels name.
    One(Arc<Endpoint>),
    /// Those of a cluster.
    Cluster(Box<Cluster>),
}

impl Servers {
    pub(super) fn state(&self) -> RedisState {
        match self {
            Self::One(endpoint) => endpoint.state(),
            Self::Cluster(cluster) => cluster.state(),
        }
    }

    /// Who serves a key.
    pub(super) async fn of(&self, key: &str, budget: Duration) -> Result<Arc<Endpoint>, Failure> {
        match self {
            Self::One(endpoint) => Ok(Arc::clone(endpoint)),
            Self::Cluster(cluster) => cluster.node(key, budget).await,
        }
    }

    /// Everybody who has keys.
    pub(super) async fn all(&self, budget: Duration) -> Result<Vec<Arc<Endpoint>>, Failure> {
        match self {
            Self::One(endpoint) => Ok(vec![Arc::clone(endpoint)]),
            Self::Cluster(cluster) => cluster.masters(budget).await,
        }
    }

    /// Sends a command about one key, to another node if the first says so.
    pub(super) async fn ask(
        &self,
        key: &str,
        command: Cmd,
        budget: Duration,
    ) -> Result<Value, Failure> {
        let cluster = match self {
            Self::One(endpoint) => return endpoint.ask(budget, |link| link.ask(command)).await,
            Self::Cluster(cluster) => cluster,
        };
        let node = cluster.node(key, budget).await?;
        let again = command.clone();
        let failure = match node.ask(budget, |link| link.ask(command)).await {
            Ok(value) => return Ok(value),
            Err(failure) => failure,
        };
        match failure {
            Failure::Moved {
                node: Some(to),
                for_good: true,
            } => {
                cluster.is_stale();
                cluster.named(&to).ask(budget, |link| link.ask(again)).await
            }
            Failure::Moved {
                node: Some(to),
                for_good: false,
            } => {
                let mut both = Pipeline::with_capacity(2);
                both.add_command(cmd("ASKING")).add_command(again);
                let answers = cluster
                    .named(&to)
                    .ask(budget, |link| link.ask_all(both))
                    .await?;
                match answers.into_iter().nth(1) {
                    Some(Value::ServerError(error)) => Err(Failure::of_server(&error)),
                    Some(value) => Ok(value),
                    None => Err(Failure::Protocol),
                }
            }
            failure @ (Failure::ClusterDown | Failure::ReadOnly) => {
                cluster.is_stale();
                Err(failure)
            }
            failure => Err(failure),
        }
    }
}
