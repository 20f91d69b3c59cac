//! A real Redis.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use super::missing::{StartError, program};
use super::process::Process;
use super::redis_tls::Certificates;

/// A Redis on a free port, without persistence: a restart empties it.
///
/// # Examples
///
/// ```
/// use tta_testkit::require;
/// use tta_testkit::servers::RedisServer;
///
/// # fn example() {
/// let redis = require!(RedisServer::start());
/// redis.command(&["SET", "key", "value"]).unwrap();
/// assert_eq!(redis.command(&["GET", "key"]).unwrap().as_deref(), Some("value"));
/// # }
/// # example();
/// ```
#[derive(Debug)]
pub struct RedisServer {
    process: Process,
    address: SocketAddr,
    /// The port for TLS, or of the bus of a cluster.
    second: u16,
    authority: Option<String>,
}

impl RedisServer {
    /// Starts one and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`StartError::Missing`] where no `redis-server` is installed.
    pub fn start() -> Result<Self, StartError> {
        Self::start_with(&[])
    }

    /// Starts one with more of `redis-server`'s own arguments, such as `["--maxmemory", "1mb"]`.
    ///
    /// # Errors
    ///
    /// As [`RedisServer::start`].
    pub fn start_with(options: &[&str]) -> Result<Self, StartError> {
        Self::launch(|[port, _], _| {
            let mut args = own_args(port);
            args.extend(options.iter().map(Into::into));
            Ok(args)
        })
    }

    /// Starts one that listens for TLS too, with a certificate for `localhost` and `127.0.0.1` by
    /// an authority of its own.
    ///
    /// # Errors
    ///
    /// As [`RedisServer::start`].
    pub fn start_with_tls() -> Result<Self, StartError> {
        let certificates =
            Certificates::make().map_err(|error| StartError::Failed(error.to_string()))?;
        let mut server = Self::launch(|[port, second], folder| {
            let mut args = own_args(port);
            args.extend(["--tls-port".into(), second.to_string().into()]);
            args.extend(certificates.write(folder)?.into_iter().map(Into::into));
            Ok(args)
        })?;
        server.authority = Some(certificates.authority().to_owned());
        Ok(server)
    }

    /// Starts a node of a cluster that has no slots and knows nobody yet.
    pub(super) fn start_node() -> Result<Self, StartError> {
        Self::launch(|[port, second], _| {
            let mut args = own_args(port);
            let second = second.to_string();
            let cluster = [
                "--cluster-enabled",
                "yes",
                "--cluster-port",
                &second,
                "--cluster-node-timeout",
                "1000",
                "--repl-diskless-sync-delay",
                "0",
            ];
            args.extend(cluster.iter().map(Into::into));
            Ok(args)
        })
    }

    fn launch(
        args: impl Fn([u16; 2], &Path) -> io::Result<Vec<OsString>>,
    ) -> Result<Self, StartError> {
        let program = program("redis-server", "TTA_REDIS_SERVER").map_err(StartError::Missing)?;
        let ready = |[port, _]: [u16; 2]| ready(loopback(port));
        let (process, [port, second]) = Process::launch(&program, args, ready)?;
        Ok(Self {
            process,
            address: loopback(port),
            second,
            authority: None,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as a `redis://` address.
    pub fn url(&self) -> String {
        format!("redis://{}/", self.address)
    }

    /// The address for TLS, of a server that was started with it.
    pub fn tls_url(&self) -> String {
        format!("rediss://localhost:{}/", self.second)
    }

    /// The certificate of the authority that vouches for it, in PEM; empty without TLS.
    pub fn authority(&self) -> &str {
        self.authority.as_deref().unwrap_or_default()
    }

    pub(super) fn bus_port(&self) -> u16 {
        self.second
    }

    /// Sends one command over a connection of its own. `None` is Redis's nil.
    ///
    /// # Errors
    ///
    /// What Redis answered as an error, a connection that fails or gives nothing for ten
    /// seconds, and a reply that is a list (use a client for those).
    pub fn command(&self, words: &[&str]) -> io::Result<Option<String>> {
        command(self.address, words)
    }

    /// Ends it. Connections are refused until [`RedisServer::restart`].
    pub fn stop(&self) {
        self.process.stop();
    }

    /// Kills it (SIGKILL), as a machine that loses its power. It can be restarted.
    pub fn kill(&self) {
        self.process.kill();
    }

    /// Sets one of its parameters while it runs.
    ///
    /// # Errors
    ///
    /// As [`RedisServer::command`].
    pub fn configure(&self, parameter: &str, value: &str) -> io::Result<()> {
        self.command(&["CONFIG", "SET", parameter, value]).map(drop)
    }

    /// Makes a user with a password and rights such as `["~*", "+get"]`.
    ///
    /// # Errors
    ///
    /// As [`RedisServer::command`].
    pub fn add_user(&self, name: &str, password: &str, rights: &[&str]) -> io::Result<()> {
        let password = format!(">{password}");
        let words = ["ACL", "SETUSER", name, "reset", "on", &password];
        self.command(&[&words, rights].concat()).map(drop)
    }

    /// Starts it again on the same port, empty.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn restart(&self) -> io::Result<()> {
        self.process.restart(|| ready(self.address))
    }

    /// Stops it in its tracks (SIGSTOP): connections open and nothing is answered.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets it go on after [`RedisServer::pause`].
    pub fn resume(&self) {
        self.process.resume();
    }

    /// All it has written to standard output and standard error.
    pub fn output(&self) -> String {
        self.process.output()
    }

    /// Its process, while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.process.id()
    }
}

fn own_args(port: u16) -> Vec<OsString> {
    let port = port.to_string();
    let own = ["--port", &port, "--bind", "127.0.0.1", "--save", ""];
    let more = [
        "--appendonly",
        "no",
        "--daemonize",
        "no",
        "--protected-mode",
        "no",
    ];
    // Debug commands make a real server slow or broken, which is what tests want.
    let debug = ["--enable-debug-command", "yes"];
    own.iter()
        .chain(&more)
        .chain(&debug)
        .map(Into::into)
        .collect()
}

pub(super) fn ready(address: SocketAddr) -> io::Result<()> {
    command(address, &["PING"]).map(drop)
}

pub(super) fn command(address: SocketAddr, words: &[&str]) -> io::Result<Option<String>> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    let mut request = format!("*{}\r\n", words.len());
    for word in words {
        request.extend(["$", &word.len().to_string(), "\r\n", word, "\r\n"]);
    }
    stream.write_all(request.as_bytes())?;
    read_reply(&mut BufReader::new(stream))
}

fn read_reply(reader: &mut impl BufRead) -> io::Result<Option<String>> {
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let line = line.trim_end();
    match line.split_at_checked(1) {
        Some(("+" | ":", value)) => Ok(Some(value.to_owned())),
        Some(("-", error)) => Err(io::Error::other(error.to_owned())),
        Some(("$", "-1")) => Ok(None),
        Some(("$", length)) => {
            let length = length.parse().map_err(io::Error::other)?;
            let mut value = Vec::new();
            reader.take(length).read_to_end(&mut value)?;
            Ok(Some(String::from_utf8_lossy(&value).into_owned()))
        }
        None => Err(io::ErrorKind::UnexpectedEof.into()),
        Some(_) => Err(io::Error::other(format!("no single value: {line}"))),
    }
}

pub(super) fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

const TIMEOUT: Duration = Duration::from_secs(10);
