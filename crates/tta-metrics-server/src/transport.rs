//! The byte stream under a connection, which notes progress and closes politely.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Sleep;

use crate::admission::Activity;
use crate::stream::Stream;

/// A byte stream that tells its [`Activity`] what happens on it.
pub(crate) struct Transport {
    stream: TokioIo<Stream>,
    activity: Arc<Activity>,
    has_written: bool,
    lingering: Option<Lingering>,
}

impl Transport {
    pub(crate) fn new(stream: Stream, activity: Arc<Activity>) -> Self {
        Self {
            stream: TokioIo::new(stream),
            activity,
            has_written: false,
            lingering: None,
        }
    }

    /// Closes with a reset if nothing was ever answered here. An orderly end costs the operating
    /// system several packets more, and under a flood the time for them is a scraper's time.
    pub(crate) fn abandon(self) {
        if !self.has_written {
            let _slower = self.stream.inner().tcp().set_zero_linger();
        }
    }

    fn note_write(&mut self, outcome: &Poll<io::Result<usize>>) {
        self.activity.wrote(outcome.is_pending());
        if !std::mem::replace(&mut self.has_written, true) {
            // Not earlier, because most connections of a flood never get an answer. Where the
            // option is refused the end of a long answer is only slower.
            let _slower = self.stream.inner().tcp().set_nodelay(true);
        }
    }
}

impl Read for Transport {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let outcome = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if matches!(outcome, Poll::Ready(Ok(()))) {
            self.activity.received();
        }
        outcome
    }
}

impl Write for Transport {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.note_write(&outcome);
        outcome
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.note_write(&outcome);
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    /// Ends the sending side, then reads for a moment what the client was still sending: closing
    /// with bytes unread makes the operating system reset the connection, and the client would
    /// lose the very answer that tells it what was wrong.
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.lingering.is_none() {
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            if !this.activity.has_unread_input() {
                return Poll::Ready(Ok(()));
            }
        }
        let lingering = this.lingering.get_or_insert_with(Lingering::new);
        lingering
            .poll(this.stream.inner_mut().tcp_mut(), cx)
            .map(Ok)
    }
}

/// The bounds of reading on after the end.
struct Lingering {
    timeout: Pin<Box<Sleep>>,
    allowance: usize,
}

impl Lingering {
    fn new() -> Self {
        Self {
            timeout: Box::pin(tokio::time::sleep(LINGER_TIME)),
            allowance: LINGER_BYTES,
        }
    }

    fn poll(&mut self, stream: &mut TcpStream, cx: &mut Context<'_>) -> Poll<()> {
        if self.timeout.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut scratch = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut scratch);
            match ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() && self.allowance > 0 => {
                    self.allowance = self.allowance.saturating_sub(buffer.filled().len());
                }
                _ => return Poll::Ready(()),
            }
        }
    }
}

const LINGER_TIME: Duration = Duration::from_millis(250);
const LINGER_BYTES: usize = 2 << 20;
