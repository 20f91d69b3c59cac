//! Answers that are HTTP and nothing else.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame};
use hyper::header::{HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use tokio::time::{Sleep, sleep};

use super::protocol::ReplyBody;

/// An HTTP response as the test writes it: redirects, other content, bodies without end.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RawReply {
    status: u16,
    headers: Vec<(String, String)>,
    chunk: Bytes,
    times: usize,
    pause: Duration,
}

impl RawReply {
    /// A response of this status, without headers and body.
    pub fn new(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            chunk: Bytes::new(),
            times: 0,
            pause: Duration::ZERO,
        }
    }

    /// A header, which is left out where it is none.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// A body.
    #[must_use]
    pub fn with_body(self, body: impl Into<Bytes>) -> Self {
        self.with_paced_body(body, 1, Duration::ZERO)
    }

    /// A body that is this `chunk` so many times, with a pause before each.
    ///
    /// With a pause that lets the client read each chunk as it comes, what the server could send
    /// until the client closed the connection is what the client has read.
    #[must_use]
    pub fn with_paced_body(
        mut self,
        chunk: impl Into<Bytes>,
        times: usize,
        pause: Duration,
    ) -> Self {
        self.chunk = chunk.into();
        self.times = times;
        self.pause = pause;
        self
    }

    pub(super) fn response(self) -> Response<ReplyBody> {
        let body = Paced {
            chunk: self.chunk,
            left: self.times,
            pause: self.pause,
            pausing: Box::pin(sleep(self.pause)),
        };
        let mut response = Response::new(body.boxed_unsync());
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        for (name, value) in &self.headers {
            let name = HeaderName::try_from(name.as_str());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::try_from(value.as_str())) {
                response.headers_mut().append(name, value);
            }
        }
        response
    }
}

/// One chunk again and again.
struct Paced {
    chunk: Bytes,
    left: usize,
    pause: Duration,
    pausing: Pin<Box<Sleep>>,
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        ready!(self.pausing.as_mut().poll(cx));
        self.left -= 1;
        self.pausing = Box::pin(sleep(self.pause));
        Poll::Ready(Some(Ok(Frame::data(self.chunk.clone()))))
    }
}
