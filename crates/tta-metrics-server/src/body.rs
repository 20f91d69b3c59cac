//! The body of an answer: whole, or made piece by piece as its client takes it.

use std::fmt;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use hyper::body::{Frame, SizeHint};
use tokio::sync::oneshot;

use crate::admission::Activity;
use crate::event::Listener;
use crate::exposition::Pieces;
use crate::observer::AnsweredRequest;
use crate::render::{Job, Rendering, report_panic};
use crate::stats::Counters;

/// The body of an answer.
#[derive(Debug)]
pub(crate) enum Body {
    /// All there is; none of it after it was taken.
    Whole(Option<Bytes>),
    /// A page too long to be held, made as far as its client takes it.
    Growing(Box<Growing>),
}

impl Body {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes))
    }

    /// How long it is, where that is known.
    pub(crate) fn length(&self) -> Option<usize> {
        match self {
            Self::Whole(bytes) => Some(bytes.as_ref().map_or(0, Bytes::len)),
            Self::Growing(_) => None,
        }
    }
}

impl hyper::body::Body for Body {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        match self.get_mut() {
            Self::Whole(bytes) => {
                let bytes = bytes.take().filter(|bytes| !bytes.is_empty());
                Poll::Ready(bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
            Self::Growing(growing) => {
                let next = ready!(growing.poll_next(cx));
                Poll::Ready(next.map(|next| next.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None)) || self.length() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        let exact = self
            .length()
            .map(|length| SizeHint::with_exact(length as u64));
        exact.unwrap_or_default()
    }
}

/// Making a page has failed in the middle of it: its client is cut off, and knows.
#[derive(Debug)]
pub(crate) struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the page could not be rendered to its end")
    }
}

impl std::error::Error for Broken {}

/// A page that is made on the rendering thread as far as its client takes it.
pub(crate) struct Growing {
    /// What is made and not taken.
    ready: Option<Bytes>,
    state: State,
    kitchen: Kitchen,
    /// Who is told at the end, and how much was taken until now.
    told: Option<(Arc<Counters>, AnsweredRequest, Instant)>,
    bytes: usize,
    /// Knows that the answer is under way.
    activity: Option<Arc<Activity>>,
}

enum State {
    Waiting(Source),
    Making(oneshot::Receiver<Option<(Bytes, Option<Source>)>>),
    Over,
}

/// Where pages are made.
#[derive(Clone)]
pub(crate) struct Kitchen {
    pub(crate) jobs: mpsc::Sender<Job>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) listener: Listener,
}

impl Growing {
    pub(crate) fn new(begin: Bytes, source: Source, kitchen: Kitchen) -> Self {
        Self {
            ready: Some(begin),
            state: State::Waiting(source),
            kitchen,
            told: None,
            bytes: 0,
            activity: None,
        }
    }

    /// Tells the observer of this answer when it has ended, with its length.
    pub(crate) fn tell(
        &mut self,
        counters: &Arc<Counters>,
        answer: AnsweredRequest,
        begun: Instant,
    ) {
        self.told = Some((Arc::clone(counters), answer, begun));
    }

    /// Notes on the connection that the answer is under way until this has ended.
    pub(crate) fn accompany(&mut self, activity: &Arc<Activity>) {
        activity.streaming();
        self.activity = Some(Arc::clone(activity));
    }

    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        loop {
            if let Some(bytes) = self.ready.take() {
                self.bytes += bytes.len();
                return Poll::Ready(Some(Ok(bytes)));
            }
            match std::mem::replace(&mut self.state, State::Over) {
                State::Over => return Poll::Ready(None),
                State::Waiting(source) => self.state = State::Making(self.kitchen.make(source)),
                State::Making(mut made) => match Pin::new(&mut made).poll(cx) {
                    Poll::Pending => {
                        self.state = State::Making(made);
                        return Poll::Pending;
                    }
                    Poll::Ready(Ok(Some((bytes, rest)))) => {
                        self.state = rest.map_or(State::Over, State::Waiting);
                        self.ready = Some(bytes).filter(|bytes| !bytes.is_empty());
                    }
                    Poll::Ready(Ok(None) | Err(_)) => return Poll::Ready(Some(Err(Broken))),
                },
            }
        }
    }
}

impl Drop for Growing {
    fn drop(&mut self) {
        if let Some((counters, answer, begun)) = self.told.take() {
            counters.observer.answered(&AnsweredRequest {
                bytes: self.bytes,
                duration: begun.elapsed(),
                ..answer
            });
        }
        if let Some(activity) = &self.activity {
            activity.answered();
        }
    }
}

impl fmt::Debug for Growing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Growing")
            .field("bytes", &self.bytes)
            .finish_non_exhaustive()
    }
}

impl Kitchen {
    /// Has the next part of a page made; none if that fails.
    fn make(&self, mut source: Source) -> oneshot::Receiver<Option<(Bytes, Option<Source>)>> {
        let (sender, receiver) = oneshot::channel();
        let (counters, listener) = (Arc::clone(&self.counters), self.listener.clone());
        let job = move || {
            // Its client has gone while this waited for its turn.
            if sender.is_closed() {
                return;
            }
            let rendering = Rendering::of(&counters.scrapes_rendering);
            let made = catch_unwind(AssertUnwindSafe(|| source.fill(NEXT_PART)));
            drop(rendering);
            let part = match made {
                Ok((bytes, is_whole)) => Some((bytes, (!is_whole).then_some(source))),
                Err(panic) => {
                    report_panic(panic, &counters, &listener);
                    None
                }
            };
            let _unread = sender.send(part);
        };
        let _undelivered = self.jobs.send(Box::new(job));
        receiver
    }
}

/// The rest of a page, in the coding in which it is sent.
pub(crate) struct Source {
    pieces: Pieces,
    /// The piece after those that were taken, by which it is known that there is one.
    next: Option<Vec<u8>>,
    gzip: Option<GzEncoder<Vec<u8>>>,
}

impl Source {
    pub(crate) fn new(mut pieces: Pieces, gzip: bool) -> Self {
        Self {
            next: pieces.next(),
            pieces,
            gzip: gzip.then(|| GzEncoder::new(Vec::new(), Compression::fast())),
        }
    }

    /// Makes so many bytes or a few more; says whether that is all.
    pub(crate) fn fill(&mut self, least: usize) -> (Bytes, bool) {
        let mut made = Vec::new();
        while let Some(piece) = self.next.take() {
            self.next = self.pieces.next();
            let length = match &mut self.gzip {
                Some(gzip) => {
                    // Writing into memory has no way to fail.
                    let _infallible = gzip.write_all(&piece);
                    gzip.get_ref().len()
                }
                None if made.is_empty() => {
                    made = piece;
                    made.len()
                }
                None => {
                    made.extend_from_slice(&piece);
                    made.len()
                }
            };
            if length >= least {
                break;
            }
        }
        let is_whole = self.next.is_none();
        if is_whole {
            if let Some(gzip) = self.gzip.take() {
                made = gzip.finish().unwrap_or_default();
            }
        } else if let Some(gzip) = &mut self.gzip {
            made = std::mem::take(gzip.get_mut());
        }
        (made.into(), is_whole)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").finish_non_exhaustive()
    }
}

/// How much of a page is made before its answer begins. One that is no longer is an answer of known
/// length, which all share who wait for it.
pub(crate) const FIRST_PART: usize = 256 << 10;

/// How much is made each time a client has taken what there was.
const NEXT_PART: usize = 64 << 10;
