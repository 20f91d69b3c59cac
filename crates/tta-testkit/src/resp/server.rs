//! Listens, reads commands, and answers as the script says.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use tokio::io::{AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::command::Command;
use super::reply::Reply;

/// A loopback port that speaks Redis's protocol.
///
/// Dropping it closes the port and every connection.
pub struct RespServer {
    address: SocketAddr,
    script: Arc<Script>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl RespServer {
    /// Opens a free port that answers each command as `answer` says.
    ///
    /// # Errors
    ///
    /// When the machine has no port or thread to give.
    pub fn start(answer: impl Fn(&Command) -> Reply + Send + Sync + 'static) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let script = Arc::new(Script {
            answer: Box::new(answer),
            connections: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            commands: Mutex::default(),
        });
        let (stop, stopped) = oneshot::channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let served = Arc::clone(&script);
        let thread = std::thread::Builder::new()
            .name("resp-server".into())
            .spawn(move || {
                runtime.block_on(async move {
                    let Ok(listener) = TcpListener::from_std(listener) else {
                        return;
                    };
                    tokio::select! {
                        () = accept_all(listener, served) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            address,
            script,
            stop: Some(stop),
            thread: Some(thread),
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

    /// How many connections it has been opened.
    pub fn connections(&self) -> usize {
        self.script.connections.load(Ordering::Acquire)
    }

    /// How many connections it has that the client has not closed.
    pub fn open_connections(&self) -> usize {
        self.script.open.load(Ordering::Acquire)
    }

    /// The commands it has been sent, in the order in which it read them.
    pub fn commands(&self) -> Vec<Command> {
        let commands = self.script.commands.lock();
        commands.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl fmt::Debug for RespServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RespServer")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Drop for RespServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Script {
    answer: Box<dyn Fn(&Command) -> Reply + Send + Sync>,
    connections: AtomicUsize,
    open: AtomicUsize,
    commands: Mutex<Vec<Command>>,
}

async fn accept_all(listener: TcpListener, script: Arc<Script>) {
    loop {
        if let Ok((stream, _)) = listener.accept().await {
            // Whoever sees that there is another one more sees it open.
            script.open.fetch_add(1, Ordering::AcqRel);
            script.connections.fetch_add(1, Ordering::AcqRel);
            let script = Arc::clone(&script);
            // How a connection ends is the client's to judge.
            tokio::spawn(async move {
                drop(converse(stream, &script).await);
                script.open.fetch_sub(1, Ordering::AcqRel);
            });
        }
    }
}

async fn converse(stream: TcpStream, script: &Script) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut stream = BufReader::new(stream);
    while let Some(command) = Command::read(&mut stream).await? {
        let mut reply = (script.answer)(&command);
        let commands = script.commands.lock();
        commands
            .unwrap_or_else(PoisonError::into_inner)
            .push(command);
        while let Reply::Later(delay, later) = reply {
            sleep(delay).await;
            reply = *later;
        }
        match reply {
            Reply::Bytes(bytes) => stream.write_all(&bytes).await?,
            Reply::Bulk { announced, sent } => bulk(&mut stream, announced, sent).await?,
            Reply::Close => return Ok(()),
            Reply::Nothing | Reply::Later(..) => {}
        }
    }
    Ok(())
}

async fn bulk(stream: &mut BufReader<TcpStream>, announced: u64, sent: u64) -> io::Result<()> {
    let head = format!("${announced}\r\n");
    stream.write_all(head.as_bytes()).await?;
    let block = vec![b'x'; 64 * 1024];
    let mut left = usize::try_from(sent).map_err(io::Error::other)?;
    while left > 0 {
        let part = block.get(..left).unwrap_or(&block);
        stream.write_all(part).await?;
        left -= part.len();
    }
    stream.write_all(b"\r\n").await
}
