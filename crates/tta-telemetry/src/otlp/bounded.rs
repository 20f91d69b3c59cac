//! Connections that are closed over a peer that does not stop talking.

use std::future::Future;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use hyper::Uri;
use hyper::rt::{Read, ReadBuf, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection};
use tower_service::Service;

use super::MOST_READ_BYTES;

/// Connects as the inner one does. What a peer says in answer to what it was sent is read so far and
/// no further, whatever the protocol inside would bear: HTTP/2 reads 80 KiB of headers.
#[derive(Clone, Debug)]
pub(super) struct Bounded<C>(pub(super) C);

/// A connection that breaks when too much was read since something was written.
#[derive(Debug)]
pub(super) struct BoundedIo<S> {
    inner: S,
    read: usize,
}

impl<C> Service<Uri> for Bounded<C>
where
    C: Service<Uri>,
    C::Future: Send + 'static,
{
    type Response = BoundedIo<C::Response>;
    type Error = C::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, C::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), C::Error>> {
        self.0.poll_ready(cx)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move {
            Ok(BoundedIo {
                inner: connecting.await?,
                read: 0,
            })
        })
    }
}

impl<S: Connection> Connection for BoundedIo<S> {
    fn connected(&self) -> Connected {
        self.inner.connected()
    }
}

impl<S: Read + Unpin> Read for BoundedIo<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        mut into: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let left = MOST_READ_BYTES.saturating_sub(self.read);
        if left == 0 {
            let why = format!("the peer answered with more than {MOST_READ_BYTES} bytes");
            return Poll::Ready(Err(io::Error::other(why)));
        }
        let mut bytes = [MaybeUninit::uninit(); AT_ONCE];
        let room = into.remaining().min(left).min(AT_ONCE);
        let mut buffer = ReadBuf::uninit(bytes.get_mut(..room).unwrap_or_default());
        ready!(Pin::new(&mut self.inner).poll_read(cx, buffer.unfilled()))?;
        self.read += buffer.filled().len();
        into.put_slice(buffer.filled());
        Poll::Ready(Ok(()))
    }
}

impl<S: Write + Unpin> Write for BoundedIo<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.read = 0;
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.read = 0;
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }
}

const AT_ONCE: usize = 4 << 10;
