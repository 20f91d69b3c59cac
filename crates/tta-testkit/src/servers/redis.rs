//! A real Redis.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use super::missing::{StartError, program};
use super::process::Process;

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
        let program = program("redis-server", "TTA_REDIS_SERVER").map_err(StartError::Missing)?;
        let (process, [port]) = Process::launch(
            &program,
            |[port], _| {
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
                Ok(own
                    .iter()
                    .chain(&more)
                    .chain(&debug)
                    .chain(options)
                    .map(Into::into)
                    .collect())
            },
            |[port]| ready(loopback(port)),
        )?;
        Ok(Self {
            process,
            address: loopback(port),
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

fn ready(address: SocketAddr) -> io::Result<()> {
    command(address, &["PING"]).map(drop)
}

fn command(address: SocketAddr, words: &[&str]) -> io::Result<Option<String>> {
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

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

const TIMEOUT: Duration = Duration::from_secs(10);
