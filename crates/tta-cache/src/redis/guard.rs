//! Looks at replies before they are read into memory.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The code of the error that stands for a value which is too large.
pub(super) const TOO_LARGE: &str = "TTATOOLARGE";

/// The largest value that is read, of all the caches that share the connection.
#[derive(Debug)]
pub(super) struct Bounds(AtomicUsize);

impl Bounds {
    pub(super) fn new() -> Self {
        Self(AtomicUsize::new(SMALLEST))
    }

    /// Lets values of this size through from now on.
    pub(super) fn admit(&self, size: usize) {
        if self.0.load(Ordering::Relaxed) < size {
            self.0.fetch_max(size, Ordering::Relaxed);
        }
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed) as u64
    }
}

/// A connection from which no reply larger than the bounds can be read.
///
/// Values are asked for up to one byte more than the limit. One that has this byte is passed on as
/// an error, without its bytes. One that has more than was asked for, or an array of a size that no
/// command here is answered with, ends the connection before anything is kept for it.
#[derive(Debug)]
pub(super) struct Guarded<S> {
    stream: S,
    bounds: Arc<Bounds>,
    raw: Box<[u8]>,
    start: usize,
    end: usize,
    frame: Frame,
    /// The line being read or passed on.
    line: Vec<u8>,
    /// How many elements the reply being read still has.
    elements: u64,
    /// How many bytes of values it has had.
    bytes: u64,
}

#[derive(Clone, Copy, Debug)]
enum Frame {
    /// A line is being read.
    Line,
    /// So much of the line has been passed on; that many bytes follow it.
    Pass(usize, Then),
    /// So many bytes are passed on.
    Body(u64),
    /// So many bytes are thrown away.
    Skip(u64),
}

#[derive(Clone, Copy, Debug)]
enum Then {
    Body(u64),
    Skip(u64),
}

impl<S> Guarded<S> {
    pub(super) fn new(stream: S, bounds: Arc<Bounds>) -> Self {
        Self {
            stream,
            bounds,
            raw: vec![0; BUFFER].into_boxed_slice(),
            start: 0,
            end: 0,
            frame: Frame::Line,
            line: Vec::with_capacity(64),
            elements: 1,
            bytes: 0,
        }
    }

    fn unread(&self) -> &[u8] {
        self.raw.get(self.start..self.end).unwrap_or_default()
    }

    /// Passes on what may pass; until there is no more, or no more room for it.
    fn pass(&mut self, out: &mut ReadBuf<'_>) -> io::Result<()> {
        while out.remaining() > 0 {
            match self.frame {
                Frame::Line => {
                    if !self.read_line()? {
                        return Ok(());
                    }
                }
                Frame::Pass(passed, then) => {
                    let rest = self.line.get(passed..).unwrap_or_default();
                    let count = rest.len().min(out.remaining());
                    out.put_slice(rest.get(..count).unwrap_or_default());
                    self.frame = if count < rest.len() {
                        Frame::Pass(passed + count, then)
                    } else {
                        self.line.clear();
                        match then {
                            Then::Body(0) => Frame::Line,
                            Then::Body(bytes) => Frame::Body(bytes),
                            Then::Skip(bytes) => Frame::Skip(bytes),
                        }
                    };
                }
                Frame::Body(left) => {
                    let count = at_most(self.unread().len().min(out.remaining()), left);
                    if count == 0 {
                        return Ok(());
                    }
                    out.put_slice(self.unread().get(..count).unwrap_or_default());
                    self.start += count;
                    self.frame = match left - count as u64 {
                        0 => Frame::Line,
                        left => Frame::Body(left),
                    };
                }
                Frame::Skip(left) => {
                    let count = at_most(self.unread().len(), left);
                    if count == 0 {
                        return Ok(());
                    }
                    self.start += count;
                    self.frame = match left - count as u64 {
                        0 => Frame::Line,
                        left => Frame::Skip(left),
                    };
                }
            }
        }
        Ok(())
    }

    /// Reads on to the end of a line and judges it; whether there was an end.
    fn read_line(&mut self) -> io::Result<bool> {
        let unread = self.raw.get(self.start..self.end).unwrap_or_default();
        let end = unread.iter().position(|byte| *byte == b'\n');
        let count = end.map_or(unread.len(), |end| end + 1);
        self.line
            .extend_from_slice(unread.get(..count).unwrap_or_default());
        self.start += count;
        if self.line.len() > LONGEST_LINE {
            return Err(refused("a line without an end"));
        }
        if end.is_some() {
            let then = self.judge()?;
            self.frame = Frame::Pass(0, then);
        }
        Ok(end.is_some())
    }

    fn judge(&mut self) -> io::Result<Then> {
        let Some((mark, rest)) = self.line.split_first() else {
            return Ok(Then::Body(0));
        };
        let number = || -> Option<u64> { std::str::from_utf8(rest).ok()?.trim_end().parse().ok() };
        match mark {
            b'$' | b'=' | b'!' => {
                // A length below zero is a value that is not there.
                let Some(length) = number() else {
                    self.ended();
                    return Ok(Then::Body(0));
                };
                let bound = self.bounds.value();
                if length > bound + 1 || self.bytes.saturating_add(length) > bound + SPARE {
                    return Err(refused("a value larger than was asked for"));
                }
                self.bytes += length;
                self.ended();
                if length > bound {
                    self.line = format!("-{TOO_LARGE}\r\n").into_bytes();
                    return Ok(Then::Skip(length + 2));
                }
                Ok(Then::Body(length + 2))
            }
            b'*' | b'~' | b'>' | b'%' | b'|' => {
                let count = number().unwrap_or_default();
                let elements =
                    count.saturating_mul(if matches!(mark, b'%' | b'|') { 2 } else { 1 });
                if self.elements.saturating_add(elements) > MOST_ELEMENTS {
                    return Err(refused("a list longer than any that is asked for"));
                }
                self.elements += elements;
                self.ended();
                Ok(Then::Body(0))
            }
            _ => {
                self.ended();
                Ok(Then::Body(0))
            }
        }
    }

    /// One element has been seen to its end; after the last one a new reply begins.
    fn ended(&mut self) {
        self.elements -= 1;
        if self.elements == 0 {
            self.elements = 1;
            self.bytes = 0;
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = out.filled().len();
        loop {
            this.pass(out)?;
            if out.filled().len() > before || out.remaining() == 0 {
                return Poll::Ready(Ok(()));
            }
            let mut raw = ReadBuf::new(&mut this.raw);
            ready!(Pin::new(&mut this.stream).poll_read(cx, &mut raw))?;
            this.start = 0;
            this.end = raw.filled().len();
            if this.end == 0 {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// An error that the client takes for the end of the connection.
fn refused(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, what)
}

fn at_most(count: usize, left: u64) -> usize {
    usize::try_from(left).map_or(count, |left| left.min(count))
}

const BUFFER: usize = 32 * 1024;
/// Lists of keys fit in any case.
const SMALLEST: usize = 64 * 1024;
/// All values of one list, beyond the largest single value.
const SPARE: u64 = 1024 * 1024;
const LONGEST_LINE: usize = 64 * 1024;
/// A step of a scan has about five hundred, a cluster of a thousand ranges some ten each.
const MOST_ELEMENTS: u64 = 32_768;

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;

    use super::*;

    async fn through(bytes: &[u8], bound: usize, step: usize) -> io::Result<Vec<u8>> {
        let bounds = Arc::new(Bounds(AtomicUsize::new(bound)));
        let mut guarded = Guarded::new(bytes, bounds);
        let mut all = Vec::new();
        let mut part = vec![0; step];
        loop {
            match guarded.read(&mut part).await? {
                0 => return Ok(all),
                count => all.extend_from_slice(&part[..count]),
            }
        }
    }

    #[tokio::test]
    async fn replies_within_the_bounds_pass_unchanged_however_they_are_cut() {
        let replies =
            b"+OK\r\n:7\r\n$3\r\nabc\r\n$-1\r\n*2\r\n$1\r\na\r\n*1\r\n:1\r\n-ERR no\r\n$0\r\n\r\n";
        for step in 1..replies.len() {
            assert_eq!(through(replies, 3, step).await.unwrap(), replies, "{step}");
        }
    }

    #[tokio::test]
    async fn a_value_one_byte_too_large_becomes_an_error_and_the_next_reply_follows() {
        let replies = b"$4\r\nabcd\r\n+OK\r\n*2\r\n$4\r\nwxyz\r\n:1\r\n:2\r\n";
        for step in 1..40 {
            let passed = through(replies, 3, step).await.unwrap();
            let expected = format!("-{TOO_LARGE}\r\n+OK\r\n*2\r\n-{TOO_LARGE}\r\n:1\r\n:2\r\n");
            assert_eq!(passed, expected.as_bytes(), "{step}");
        }
    }

    #[tokio::test]
    async fn what_was_never_asked_for_ends_the_connection() {
        for reply in [
            &b"$536870912\r\nxxx"[..],
            b"*2147483647\r\n",
            b"*9223372036854775807\r\n",
            b"%9223372036854775807\r\n",
            b"*30000\r\n*30000\r\n",
            b"$18446744073709551615\r\n",
            b"*2\r\n$10\r\n0123456789\r\n$536870912\r\nxxx",
            b"*32768\r\n",
        ] {
            let error = through(reply, 1024, 64).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::ConnectionAborted);
        }
        let endless = vec![b'+'; LONGEST_LINE + 2];
        through(&endless, 1024, 64).await.unwrap_err();
        // However it comes in pieces.
        let endless = [b"+OK\r\n", &*vec![b'+'; 2 * LONGEST_LINE]].concat();
        through(&endless, 1024, 64).await.unwrap_err();
    }

    #[tokio::test]
    async fn what_is_just_within_the_bounds_passes() {
        let line = format!("+{}\r\n", "x".repeat(65_533));
        let value = |length| format!("${length}\r\n{}\r\n", "x".repeat(length));
        let mebibyte = value(1_048_576);
        for (reply, bound) in [
            (line, 1),
            ("*32767\r\n".to_owned(), 1),
            // As much as one value and what is spare.
            (format!("*2\r\n{mebibyte}{mebibyte}"), 1_048_576),
            // Nobody has said yet what is read.
            (value(65_536), SMALLEST),
        ] {
            let passed = through(reply.as_bytes(), bound, 4096).await.unwrap();
            assert!(passed == reply.as_bytes(), "{reply:.20}");
        }
    }

    #[tokio::test]
    async fn many_values_are_bounded_together() {
        let one = format!("${0}\r\n{1}\r\n", 60_000, "x".repeat(60_000));
        let list = format!("*100\r\n{}", one.repeat(100));
        through(list.as_bytes(), SMALLEST, 4096).await.unwrap_err();
        let replies = one.repeat(100);
        through(replies.as_bytes(), SMALLEST, 4096).await.unwrap();
    }
}
