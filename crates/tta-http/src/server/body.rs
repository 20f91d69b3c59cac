//! The body of an answer: the span ends with it.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http::header::CONTENT_LENGTH;
use http::response::Parts;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use tta_core::{OpenSpan, SpanStatus};

use super::describe::describe_grpc;

pin_project! {
    /// The body of an answer, which ends the server span when it ends or is dropped.
    #[derive(Debug)]
    pub struct HttpServerBody<B> where B: Body {
        // Dropped before the span: what streams on is part of it.
        #[pin]
        inner: B,
        open: Open,
    }

    impl<B: Body> PinnedDrop for HttpServerBody<B> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            // A server stops polling where nothing more can come, without asking for the end.
            if this.inner.is_end_stream() || this.open.is_whole() {
                this.open.end();
            }
        }
    }
}

#[derive(Debug)]
struct Open {
    span: Option<OpenSpan>,
    /// The bytes that the headers promise and that have not come yet.
    left: Option<u64>,
}

impl<B: Body> HttpServerBody<B> {
    pub(super) fn new(inner: B, span: OpenSpan, parts: &Parts, is_head: bool) -> Self {
        let length = parts.headers.get(CONTENT_LENGTH);
        let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
        let bodiless = is_head || parts.status.as_u16() == 204 || parts.status.as_u16() == 304;
        let mut open = Open {
            span: Some(span),
            left: if bodiless { Some(0) } else { length },
        };
        if inner.is_end_stream() {
            open.end();
        }
        Self { inner, open }
    }
}

impl<B> Body for HttpServerBody<B>
where
    B: Body,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let poll = || this.inner.poll_frame(cx);
        let frame = ready!(match &this.open.span {
            Some(span) => span.enter(poll),
            None => poll(),
        });
        match &frame {
            Some(Ok(frame)) => this.open.see(frame),
            Some(Err(_)) => this.open.fail(),
            None => this.open.end(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Open {
    fn see<D: Buf>(&mut self, frame: &Frame<D>) {
        if let Some(data) = frame.data_ref() {
            self.left = self
                .left
                .map(|left| left.saturating_sub(data.remaining() as u64));
        }
        if let (Some(trailers), Some(span)) = (frame.trailers_ref(), &mut self.span) {
            describe_grpc(span, trailers);
        }
    }

    fn is_whole(&self) -> bool {
        self.left == Some(0)
    }

    fn end(&mut self) {
        if let Some(span) = self.span.take() {
            span.end();
        }
    }

    fn fail(&mut self) {
        if let Some(mut span) = self.span.take() {
            span.set_status(SpanStatus::Error {
                error_type: "_OTHER",
                description: "the body of the answer failed".into(),
            });
            span.end();
        }
    }
}
