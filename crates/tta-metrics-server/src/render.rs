//! Turns the exposition into pages, off the server's thread and never more than one at a time.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;
use std::{io, thread};

use bytes::Bytes;
use hyper::StatusCode;
use hyper::header::HeaderValue;
use tokio::sync::oneshot;

use crate::body::{Body, FIRST_PART, Growing, Kitchen, Source};
use crate::event::Listener;
use crate::single_flight::SingleFlight;
use crate::stats::Counters;
use crate::{Exposition, HealthStatus, ServerEvent};

/// What is to be answered. Cloning it shares the bytes.
#[derive(Debug, Clone)]
pub(crate) struct Page<B> {
    pub(crate) status: StatusCode,
    pub(crate) content_type: HeaderValue,
    /// The format that the exposition chose, if it had a choice.
    pub(crate) format: Option<&'static str>,
    pub(crate) gzip: bool,
    pub(crate) body: B,
}

/// The body of a page for all who wait for it.
#[derive(Debug, Clone)]
pub(crate) enum SharedBody {
    /// All of them.
    Whole(Bytes),
    /// Its beginning and where the rest comes from, for the first of those that wait for it.
    Begun(Arc<Mutex<Option<(Bytes, Source)>>>),
}

impl Page<SharedBody> {
    /// The page for one answer; none where it is another's.
    fn claim(self, kitchen: &Kitchen) -> Option<Page<Body>> {
        let body = match self.body {
            SharedBody::Whole(bytes) => Body::whole(bytes),
            SharedBody::Begun(begun) => {
                let mut begun = begun.lock().unwrap_or_else(PoisonError::into_inner);
                let (first, source) = begun.take()?;
                Body::Growing(Box::new(Growing::new(first, source, kitchen.clone())))
            }
        };
        Some(Page {
            status: self.status,
            content_type: self.content_type,
            format: self.format,
            gzip: self.gzip,
            body,
        })
    }
}

/// Why there is no page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RenderError {
    Panicked,
    TimedOut,
}

/// The pages of one exposition.
pub(crate) struct Renderer {
    exposition: Arc<dyn Exposition>,
    timeout: Duration,
    metrics: Report<(&'static str, bool)>,
    health: Report<bool>,
    readiness: Report<()>,
    counters: Arc<Counters>,
    listener: Listener,
}

impl Renderer {
    /// Starts the three threads: a health check is not to wait for a long rendering of metrics, nor
    /// either for the application to say whether it is ready.
    pub(crate) fn start(
        exposition: Arc<dyn Exposition>,
        timeout: Duration,
        counters: Arc<Counters>,
        listener: Listener,
    ) -> io::Result<Self> {
        Ok(Self {
            exposition,
            timeout,
            metrics: Report::start("metrics-render")?,
            health: Report::start("metrics-health")?,
            readiness: Report::start("metrics-ready")?,
            counters,
            listener,
        })
    }

    pub(crate) async fn metrics(
        &self,
        accept: Option<&str>,
        gzip: bool,
    ) -> Result<Page<Body>, RenderError> {
        let choose = || self.exposition.content_type(accept);
        let content_type = catch_unwind(AssertUnwindSafe(choose))
            .map_err(|panic| report_panic(panic, &self.counters, &self.listener))?;
        let answer = async {
            loop {
                let render = self.first_part(content_type, gzip);
                let page = self
                    .run(&self.metrics, (content_type, gzip), render)
                    .await?;
                // What is made as a client takes it has one client; whoever waited too is the next.
                if let Some(page) = page {
                    return Ok(page);
                }
            }
        };
        tokio::time::timeout(self.timeout, answer)
            .await
            .unwrap_or(Err(RenderError::TimedOut))
    }

    /// Makes a page of metrics, or the beginning of a long one.
    fn first_part(
        &self,
        content_type: &'static str,
        gzip: bool,
    ) -> impl FnOnce() -> Page<SharedBody> + Send + 'static {
        let exposition = Arc::clone(&self.exposition);
        let counters = Arc::clone(&self.counters);
        move || {
            let _rendering = Rendering::of(&counters.scrapes_rendering);
            // A content type that is no header value is a bug of the exposition like a panic.
            let Ok(header) = HeaderValue::from_str(content_type) else {
                panic!("the exposition's content type is not a valid header value");
            };
            let mut source = Source::new(exposition.metric_pieces(content_type), gzip);
            let (begin, is_whole) = source.fill(FIRST_PART);
            Page {
                status: StatusCode::OK,
                content_type: header,
                format: Some(content_type),
                gzip,
                body: if is_whole {
                    SharedBody::Whole(begin)
                } else {
                    SharedBody::Begun(Arc::new(Mutex::new(Some((begin, source)))))
                },
            }
        }
    }

    /// Where the rest of a long page is made.
    fn kitchen(&self) -> Kitchen {
        Kitchen {
            jobs: self.metrics.jobs.clone(),
            counters: Arc::clone(&self.counters),
            listener: self.listener.clone(),
        }
    }

    pub(crate) async fn health(&self, gzip: bool) -> Result<Page<Body>, RenderError> {
        let exposition = Arc::clone(&self.exposition);
        let render = move || {
            let report = exposition.health();
            let status = match report.status() {
                HealthStatus::Healthy | HealthStatus::Degraded => StatusCode::OK,
                HealthStatus::Unhealthy => StatusCode::SERVICE_UNAVAILABLE,
            };
            page(status, JSON, gzip, report.into_json(), SharedBody::Whole)
        };
        let page = self.run(&self.health, gzip, render).await?;
        page.ok_or(RenderError::TimedOut)
    }

    /// Asks the application whether it is ready.
    pub(crate) async fn readiness(&self) -> Result<Page<Body>, RenderError> {
        let exposition = Arc::clone(&self.exposition);
        let render = move || {
            let (status, body) = if exposition.is_ready() {
                (StatusCode::OK, READY)
            } else {
                (StatusCode::SERVICE_UNAVAILABLE, NOT_READY)
            };
            page(status, JSON, false, body.into(), SharedBody::Whole)
        };
        let page = self.run(&self.readiness, (), render).await?;
        page.ok_or(RenderError::TimedOut)
    }

    /// What is answered without asking anybody: that there is an answer is what it says.
    pub(crate) fn liveness() -> Page<Body> {
        page(StatusCode::OK, JSON, false, LIVE.into(), Body::whole)
    }

    /// The page of the next run; none where its body is another's.
    async fn run<K: Copy + PartialEq>(
        &self,
        report: &Report<K>,
        key: K,
        render: impl FnOnce() -> Page<SharedBody> + Send + 'static,
    ) -> Result<Option<Page<Body>>, RenderError> {
        let (counters, listener) = (Arc::clone(&self.counters), self.listener.clone());
        let work = |turn| async move {
            let (sender, receiver) = oneshot::channel();
            let job = move || {
                counters.renderings.increment();
                let page = catch_unwind(AssertUnwindSafe(render))
                    .map_err(|panic| report_panic(panic, &counters, &listener));
                drop(turn);
                // Nobody is left to take the page when its clients have gone.
                let _unread = sender.send(page);
            };
            // The thread lives as long as its sender and its jobs cannot panic, so neither
            // direction of this exchange fails while a request is there to see it.
            let _undelivered = report.jobs.send(Box::new(job));
            receiver.await.unwrap_or(Err(RenderError::TimedOut))
        };
        let page = tokio::time::timeout(self.timeout, report.flight.run(key, work))
            .await
            .unwrap_or(Err(RenderError::TimedOut))?;
        Ok(page.claim(&self.kitchen()))
    }
}

/// Counts a rendering for as long as it lasts, however it ends.
pub(crate) struct Rendering<'a>(&'a AtomicU64);

impl<'a> Rendering<'a> {
    pub(crate) fn of(count: &'a AtomicU64) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Rendering<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// One kind of page: the thread that makes it and the requests that share it.
struct Report<K> {
    jobs: mpsc::Sender<Job>,
    flight: SingleFlight<K, Result<Page<SharedBody>, RenderError>>,
}

pub(crate) type Job = Box<dyn FnOnce() + Send>;

impl<K: Copy + PartialEq> Report<K> {
    /// The thread ends when this value is dropped and the job at hand, if any, is done.
    fn start(thread_name: &str) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel::<Job>();
        let work = move || queue.into_iter().for_each(|job| job());
        thread::Builder::new()
            .name(thread_name.to_owned())
            .spawn(work)?;
        Ok(Self {
            jobs,
            flight: SingleFlight::new(),
        })
    }
}

/// A page that is whole.
fn page<B>(
    status: StatusCode,
    content_type: HeaderValue,
    gzip: bool,
    text: Vec<u8>,
    body: impl FnOnce(Bytes) -> B,
) -> Page<B> {
    let (bytes, _is_whole) = Source::new(Box::new(std::iter::once(text)), gzip).fill(usize::MAX);
    Page {
        status,
        content_type,
        format: None,
        gzip,
        body: body(bytes),
    }
}

pub(crate) fn report_panic(
    panic: Box<dyn Any + Send>,
    counters: &Counters,
    listener: &Listener,
) -> RenderError {
    counters.render_panics.increment();
    let message = match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (None, Some(text)) => text.clone(),
        (None, None) => "a panic without a message".to_owned(),
    };
    // The payload is the exposition's own type, and dropping it could panic again.
    std::mem::forget(panic);
    listener.tell(&ServerEvent::RenderPanicked { message });
    RenderError::Panicked
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const LIVE: &str = r#"{"status":"live"}"#;
const READY: &str = r#"{"status":"ready"}"#;
const NOT_READY: &str = r#"{"status":"not_ready"}"#;
