//! Moves bytes from one socket to the other, with what is to happen to them on the way.

use std::collections::VecDeque;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::fault::Fault;

/// What all connections of a proxy share.
#[derive(Debug, Default)]
pub(super) struct Lines {
    pub(super) to_server: watch::Sender<Fault>,
    pub(super) to_client: watch::Sender<Fault>,
    /// How many of the first connections lead nowhere.
    pub(super) forgotten: watch::Sender<usize>,
    pub(super) accepted: AtomicUsize,
    pub(super) open: AtomicUsize,
    pub(super) capturing: AtomicBool,
    pub(super) passed_to_clients: AtomicUsize,
    captured: Mutex<Captured>,
}

/// Copies of what passed.
#[derive(Debug, Default)]
pub(super) struct Captured {
    pub(super) from_clients: Vec<u8>,
    pub(super) from_server: Vec<u8>,
}

impl Lines {
    pub(super) fn resets(&self) -> bool {
        *self.to_server.borrow() == Fault::Reset || *self.to_client.borrow() == Fault::Reset
    }

    pub(super) fn captured(&self, side: impl Fn(&Captured) -> &Vec<u8>) -> Vec<u8> {
        side(&self.captured.lock().unwrap_or_else(PoisonError::into_inner)).clone()
    }

    async fn pass(&self, way: Way, to: &mut WriteHalf<'_>, bytes: &[u8]) -> io::Result<()> {
        to.write_all(bytes).await?;
        if let Way::ToClient = way {
            self.passed_to_clients
                .fetch_add(bytes.len(), Ordering::AcqRel);
        }
        Ok(())
    }

    async fn pass_slowly(
        &self,
        way: Way,
        to: &mut WriteHalf<'_>,
        bytes: &[u8],
        size: usize,
        pause: Duration,
    ) -> io::Result<()> {
        for piece in bytes.chunks(size.max(1)) {
            self.pass(way, to, piece).await?;
            sleep(pause).await;
        }
        Ok(())
    }

    fn copy(&self, way: Way, bytes: &[u8]) {
        if self.capturing.load(Ordering::Acquire) {
            let mut captured = self.captured.lock().unwrap_or_else(PoisonError::into_inner);
            match way {
                Way::ToServer => captured.from_clients.extend_from_slice(bytes),
                Way::ToClient => captured.from_server.extend_from_slice(bytes),
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
enum Way {
    ToServer,
    ToClient,
}

/// Serves one connection until both directions have ended or one is reset.
pub(super) async fn serve(
    mut client: TcpStream,
    mut server: TcpStream,
    number: usize,
    lines: Arc<Lines>,
) {
    lines.open.fetch_add(1, Ordering::AcqRel);
    let _open = Open(&lines);
    let _ = client.set_nodelay(true);
    let _ = server.set_nodelay(true);
    // Borrowed halves: owned ones end their direction in an orderly way even after a reset.
    let (from_client, to_client) = client.split();
    let (from_server, to_server) = server.split();
    let there = pump(from_client, to_server, Way::ToServer, number, &lines);
    let back = pump(from_server, to_client, Way::ToClient, number, &lines);
    // An error of one direction ends the other; an orderly end does not.
    let _ = tokio::try_join!(there, back);
}

/// Makes the closing of a socket a reset instead of an orderly end.
pub(super) fn reset(stream: &TcpStream) {
    let _ = SockRef::from(stream).set_linger(Some(Duration::ZERO));
}

struct Open<'a>(&'a Lines);

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::AcqRel);
    }
}

async fn pump(
    mut from: ReadHalf<'_>,
    mut to: WriteHalf<'_>,
    way: Way,
    number: usize,
    lines: &Lines,
) -> io::Result<()> {
    let mut forgotten = lines.forgotten.subscribe();
    let mut faults = match way {
        Way::ToServer => lines.to_server.subscribe(),
        Way::ToClient => lines.to_client.subscribe(),
    };
    let mut buffer = vec![0; 64 * 1024];
    let mut late: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    let mut passed = 0_usize;
    let mut ended = false;
    loop {
        let mut fault = *faults.borrow_and_update();
        if number < *forgotten.borrow_and_update() {
            fault = Fault::Drop;
        }
        match fault {
            Fault::Reset => {
                reset(from.as_ref());
                reset(to.as_ref());
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            Fault::HalfClose => {
                to.shutdown().await?;
                return Ok(());
            }
            _ => {}
        }
        if ended && late.is_empty() {
            to.shutdown().await?;
            return Ok(());
        }
        let due = late.front().map(|(due, _)| *due);
        tokio::select! {
            biased;
            // The proxy that owns the sender outlives its connections.
            _ = faults.changed() => {}
            _ = forgotten.changed() => {}
            () = until(due), if due.is_some() => {
                if let Some((_, bytes)) = late.pop_front() {
                    lines.pass(way, &mut to, &bytes).await?;
                }
            }
            read = from.read(&mut buffer), if !ended && fault != Fault::BlackHole => {
                let bytes = buffer.get_mut(..read?).unwrap_or_default();
                ended = bytes.is_empty();
                lines.copy(way, bytes);
                let delay = match fault {
                    Fault::Drop => continue,
                    Fault::Delay(delay) => delay,
                    Fault::Jitter(most) => most.mul_f64(random_share()),
                    Fault::ByteAtATime(pause) => {
                        lines.pass_slowly(way, &mut to, bytes, 1, pause).await?;
                        continue;
                    }
                    Fault::Pieces { bytes: size, pause } => {
                        lines.pass_slowly(way, &mut to, bytes, size, pause).await?;
                        continue;
                    }
                    Fault::Corrupt { every } => {
                        corrupt(bytes, every.max(1), passed);
                        passed += bytes.len();
                        Duration::ZERO
                    }
                    _ => Duration::ZERO,
                };
                if delay.is_zero() && late.is_empty() {
                    lines.pass(way, &mut to, bytes).await?;
                } else if !bytes.is_empty() {
                    // Never before what was sent earlier.
                    let due = (Instant::now() + delay).max(late.back().map_or_else(Instant::now, |(due, _)| *due));
                    late.push_back((due, bytes.to_vec()));
                }
            }
        }
    }
}

fn corrupt(bytes: &mut [u8], every: usize, passed: usize) {
    for (place, byte) in bytes.iter_mut().enumerate() {
        if (passed + place) % every == every - 1 {
            *byte = !*byte;
        }
    }
}

async fn until(due: Option<Instant>) {
    if let Some(due) = due {
        sleep_until(due).await;
    }
}

/// Between 0 and 1.
fn random_share() -> f64 {
    let random = RandomState::new().hash_one(0_u8) >> 11;
    random as f64 / (1_u64 << 53) as f64
}
