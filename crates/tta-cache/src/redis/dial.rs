//! Opening a connection.

use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Cmd, RedisConnectionInfo, Value, cmd};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::{AbortHandle, JoinHandle};
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tta_core::{Result, Secret};

use super::address::Node;
use super::config::RedisConfig;
use super::failure::Failure;
use super::guard::{Bounds, Guarded};
use super::tls;

/// What is needed to open connections to the servers of a tier.
pub(super) struct Dialer {
    user: Option<String>,
    password: Option<Secret>,
    database: i64,
    tls: Option<TlsConnector>,
    sentinel_login: Option<(String, Secret)>,
    bounds: Arc<Bounds>,
    pub(super) timeout: Duration,
}

/// Whom to connect to.
#[derive(Clone, Debug)]
pub(super) enum Destination {
    Node(Node),
    /// The master of a service, as one of these Sentinels says.
    Master {
        service: String,
        sentinels: Vec<Node>,
    },
}

/// A connection, and the task that moves its bytes, which ends when it is lost or dropped.
pub(super) struct Dialed {
    pub(super) connection: MultiplexedConnection,
    pub(super) driver: Driver,
}

/// Stops when dropped.
pub(super) struct Driver(JoinHandle<()>);

impl Driver {
    /// Until the connection is lost.
    pub(super) async fn ended(&mut self) {
        let _ = (&mut self.0).await;
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Aborts a task when dropped.
#[derive(Debug)]
pub(super) struct Aborted(pub(super) AbortHandle);

impl Drop for Aborted {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Dialer {
    pub(super) fn new(config: &RedisConfig, bounds: Arc<Bounds>) -> Result<Self> {
        let address = &config.address;
        let tls = address
            .tls
            .then(|| tls::connector(config.authority.as_deref()))
            .transpose()?;
        Ok(Self {
            user: address.user.clone(),
            password: address.password.clone(),
            database: address.database,
            tls,
            sentinel_login: config.sentinel.clone(),
            bounds,
            timeout: config.connection_timeout,
        })
    }

    /// Connects and logs in, within the connection timeout.
    pub(super) async fn dial(&self, to: &Destination) -> std::result::Result<Dialed, Failure> {
        let dialed = async {
            match to {
                Destination::Node(node) => self.dial_node(node, self.login()).await,
                Destination::Master { service, sentinels } => {
                    let master = self.master(service, sentinels).await?;
                    let dialed = self.dial_node(&master, self.login()).await?;
                    self.check_role(dialed).await
                }
            }
        };
        tokio::time::timeout(self.timeout, dialed)
            .await
            .unwrap_or(Err(Failure::Timeout))
    }

    pub(super) fn login(&self) -> RedisConnectionInfo {
        let info = RedisConnectionInfo::default()
            .set_db(self.database)
            .set_skip_set_lib_name();
        logged_in(info, self.user.as_deref(), self.password.as_ref())
    }

    async fn dial_node(
        &self,
        node: &Node,
        login: RedisConnectionInfo,
    ) -> std::result::Result<Dialed, Failure> {
        let stream = TcpStream::connect((node.host.as_str(), node.port))
            .await
            .map_err(|_| Failure::Connection)?;
        stream.set_nodelay(true).map_err(|_| Failure::Connection)?;
        match &self.tls {
            None => self.greet(stream, &login).await,
            Some(connector) => {
                let name = ServerName::try_from(node.host.clone()).map_err(|_| Failure::Tls)?;
                let stream = connector.connect(name, stream).await;
                self.greet(stream.map_err(|_| Failure::Tls)?, &login).await
            }
        }
    }

    async fn greet(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
        login: &RedisConnectionInfo,
    ) -> std::result::Result<Dialed, Failure> {
        let stream = Guarded::new(stream, Arc::clone(&self.bounds));
        // Time is kept by who asks; a longer queue lets more commands leave in one write.
        let config = AsyncConnectionConfig::new()
            .set_response_timeout(None)
            .set_connection_timeout(None)
            .set_pipeline_buffer_size(QUEUE);
        let (connection, driver) =
            MultiplexedConnection::new_with_config(login, stream, config).await?;
        Ok(Dialed {
            connection,
            driver: Driver(tokio::spawn(driver)),
        })
    }

    /// Asks the Sentinels in turn.
    async fn master(
        &self,
        service: &str,
        sentinels: &[Node],
    ) -> std::result::Result<Node, Failure> {
        let mut failure = Failure::Connection;
        // One that hangs must leave time for the next.
        let share = self.timeout / u32::try_from(sentinels.len() + 1).unwrap_or(u32::MAX);
        for sentinel in sentinels {
            let asked = tokio::time::timeout(share, self.ask_sentinel(service, sentinel));
            match asked.await {
                Ok(Ok(master)) => return Ok(master),
                Ok(Err(why)) => failure = why,
                Err(_) => failure = Failure::Timeout,
            }
        }
        Err(failure)
    }

    async fn ask_sentinel(
        &self,
        service: &str,
        sentinel: &Node,
    ) -> std::result::Result<Node, Failure> {
        let login = self.sentinel_login.as_ref();
        let info = RedisConnectionInfo::default().set_skip_set_lib_name();
        let info = logged_in(
            info,
            login.map(|(user, _)| user.as_str()),
            login.map(|(_, password)| password),
        );
        let mut dialed = self.dial_node(sentinel, info).await?;
        let mut question = cmd("SENTINEL");
        question.arg("GET-MASTER-ADDR-BY-NAME").arg(service);
        match ask(&mut dialed.connection, &question).await? {
            Value::Array(words) => match words.as_slice() {
                [Value::BulkString(host), Value::BulkString(port)] => {
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    Ok(Node {
                        host: text(host),
                        port: text(port).parse().map_err(|_| Failure::Protocol)?,
                    })
                }
                _ => Err(Failure::Protocol),
            },
            // It knows no such service.
            Value::Nil => Err(Failure::Refused),
            _ => Err(Failure::Protocol),
        }
    }

    /// A Sentinel names the old master for a while; writes to it would be lost or refused.
    async fn check_role(&self, mut dialed: Dialed) -> std::result::Result<Dialed, Failure> {
        match ask(&mut dialed.connection, &cmd("ROLE")).await {
            Ok(Value::Array(words)) => match words.first() {
                Some(Value::BulkString(role)) if role == b"master" => Ok(dialed),
                _ => Err(Failure::ReadOnly),
            },
            // A user without this right must find out by its writes.
            Err(Failure::NoPermission) => Ok(dialed),
            Ok(_) => Err(Failure::Protocol),
            Err(failure) => Err(failure),
        }
    }
}

/// Asks one thing; an error of the server is a failure.
pub(super) async fn ask(
    connection: &mut MultiplexedConnection,
    command: &Cmd,
) -> std::result::Result<Value, Failure> {
    match connection.send_packed_command(command).await? {
        Value::ServerError(error) => Err(Failure::of_server(&error)),
        value => Ok(value),
    }
}

fn logged_in(
    info: RedisConnectionInfo,
    user: Option<&str>,
    password: Option<&Secret>,
) -> RedisConnectionInfo {
    let info = match user {
        Some(user) => info.set_username(user),
        None => info,
    };
    match password {
        Some(password) => info.set_password(password.expose()),
        None => info,
    }
}

const QUEUE: usize = 1024;
