//! Several connections instead of one.

use deadpool_redis::{Connection, Manager, Runtime};
use redis::{Cmd, ConnectionAddr, IntoConnectionInfo, Pipeline, Value, aio::ConnectionLike};

use super::address::Node;
use super::dial::Dialer;
use super::driver;
use super::failure::Failure;

/// Connections that are handed out one operation at a time.
#[derive(Clone)]
pub(super) struct Pool(deadpool_redis::Pool);

impl Dialer {
    /// A pool that connects when it is asked.
    pub(super) fn pool(&self, node: &Node, size: usize) -> Result<Pool, Failure> {
        let address = ConnectionAddr::Tcp(node.host.clone(), node.port);
        let info = address
            .into_connection_info()
            .map_err(|_| Failure::Connection)?
            .set_redis_settings(self.login());
        let manager = Manager::new(info).map_err(|_| Failure::Connection)?;
        let pool = deadpool_redis::Pool::builder(manager)
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .create_timeout(Some(self.timeout))
            .build()
            .map_err(|_| Failure::Connection)?;
        Ok(Pool(pool))
    }
}

impl Pool {
    pub(super) async fn ask(&self, command: Cmd) -> Result<Value, Failure> {
        let asked = self.with(async move |mut connection: Connection| {
            connection.req_packed_command(&command).await
        });
        match asked.await? {
            Value::ServerError(error) => Err(Failure::of_server(&error)),
            value => Ok(value),
        }
    }

    pub(super) async fn ask_all(
        &self,
        commands: Pipeline,
        skip: usize,
        keep: usize,
    ) -> Result<Vec<Value>, Failure> {
        self.with(async move |mut connection: Connection| {
            connection.req_packed_commands(&commands, skip, keep).await
        })
        .await
    }

    /// On the runtime of the connections, where those that are opened now stay alive.
    async fn with<T, A>(
        &self,
        question: impl FnOnce(Connection) -> A + Send + 'static,
    ) -> Result<T, Failure>
    where
        T: Send + 'static,
        A: Future<Output = redis::RedisResult<T>> + Send,
    {
        let runtime = driver::handle().ok_or(Failure::Connection)?;
        let pool = self.0.clone();
        let task = runtime.spawn(async move {
            let connection = pool.get().await.map_err(|_| Failure::Connection)?;
            Ok(question(connection).await?)
        });
        let _stopped_with_the_caller = super::dial::Aborted(task.abort_handle());
        task.await.unwrap_or(Err(Failure::Connection))
    }
}
