//! A connection that answers, or several.

use redis::aio::MultiplexedConnection;
use redis::{Cmd, Pipeline, Value};

use super::dial;
use super::failure::Failure;

/// What commands are sent through.
#[derive(Clone)]
pub(super) enum Link {
    /// One connection that all share.
    Shared(MultiplexedConnection),
    /// Several, each for one operation at a time.
    #[cfg(feature = "redis-pool")]
    Pool(super::pool::Pool),
}

impl Link {
    /// Sends one command; an error of the server is a failure.
    pub(super) async fn ask(mut self, command: Cmd) -> Result<Value, Failure> {
        match &mut self {
            Self::Shared(connection) => dial::ask(connection, &command).await,
            #[cfg(feature = "redis-pool")]
            Self::Pool(pool) => pool.ask(command).await,
        }
    }

    /// Sends several at once and answers each one's reply, errors of the server among them.
    pub(super) async fn ask_all(mut self, commands: Pipeline) -> Result<Vec<Value>, Failure> {
        let count = commands.len();
        let (skip, keep) = if commands.is_transaction() {
            (count + 1, 1)
        } else {
            (0, count)
        };
        match &mut self {
            Self::Shared(connection) => Ok(connection
                .send_packed_commands(&commands, skip, keep)
                .await?),
            #[cfg(feature = "redis-pool")]
            Self::Pool(pool) => pool.ask_all(commands, skip, keep).await,
        }
    }
}
