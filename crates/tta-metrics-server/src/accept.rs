//! Takes connections from the operating system.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use crate::ServerEvent;
use crate::admission::Admission;
use crate::connection::{Shared, serve};
use crate::event::Listener;
use crate::observer::Rejection;

/// Accepts and serves connections until it is dropped.
pub(crate) async fn accept_connections(
    socket: TcpListener,
    admission: Arc<Admission>,
    shared: Shared,
    listener: Listener,
) {
    let mut backoff = Backoff::new(listener);
    let mut in_a_row = 0;
    loop {
        match socket.accept().await {
            Ok((stream, _peer)) => {
                backoff.recovered();
                shared.counters.connections_accepted.increment();
                let admitted = admission.admit().await;
                tokio::spawn(serve(stream, admitted, shared.clone()));
                in_a_row += 1;
                if in_a_row == BATCH {
                    in_a_row = 0;
                    // As long as places are free this loop would never pause by itself.
                    tokio::task::yield_now().await;
                }
            }
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                shared.counters.rejected(Rejection::NoResources);
                backoff.wait(&error).await;
            }
        }
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

/// Waits longer from failure to failure: with no file descriptor left the socket stays readable,
/// and accepting at once again would spin.
struct Backoff {
    pause: Duration,
    failing: bool,
    listener: Listener,
}

impl Backoff {
    fn new(listener: Listener) -> Self {
        Self {
            pause: FIRST_PAUSE,
            failing: false,
            listener,
        }
    }

    async fn wait(&mut self, error: &io::Error) {
        if !self.failing {
            self.failing = true;
            self.listener.tell(&ServerEvent::AcceptFailed {
                message: error.to_string(),
            });
        }
        tokio::time::sleep(self.pause).await;
        self.pause = (self.pause * 2).min(LONGEST_PAUSE);
    }

    fn recovered(&mut self) {
        if self.failing {
            self.failing = false;
            self.pause = FIRST_PAUSE;
            self.listener.tell(&ServerEvent::AcceptRecovered);
        }
    }
}

/// How many connections are accepted before the others get a turn, which has its cost.
const BATCH: u32 = 32;
const FIRST_PAUSE: Duration = Duration::from_millis(10);
/// A scrape waits this long at most once descriptors are free again.
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
