//! What the server serves, seen from the side that produces it.

/// Renders what the server serves.
///
/// The three reports are made on threads of their own, one rendering of each at a time, and
/// requests that wait at the same moment for the same content type share one rendering, if its page
/// is no longer than 256 KiB or [in one piece](Self::metric_pieces). So an
/// implementation may take locks and take its time without holding up anything else.
///
/// # Examples
///
/// ```
/// use tta_metrics_server::{Exposition, HealthReport, HealthStatus};
///
/// struct Requests(u64);
///
/// impl Exposition for Requests {
///     fn metrics(&self, _content_type: &'static str) -> Vec<u8> {
///         format!("# TYPE requests_total counter\nrequests_total {}\n", self.0).into_bytes()
///     }
///
///     fn health(&self) -> HealthReport {
///         HealthReport::new(HealthStatus::Healthy, r#"{"status":"healthy"}"#)
///     }
/// }
/// # assert_eq!(Requests(1).health().status(), HealthStatus::Healthy);
/// ```
///
/// # Panics
///
/// A panic in any method costs the requests that waited for that rendering a 500 and nothing
/// else; it is counted and reported as [`ServerEvent::RenderPanicked`](crate::ServerEvent).
/// (A program built with `panic = "abort"` ends, as it does for every panic.)
pub trait Exposition: Send + Sync + 'static {
    /// Chooses the format that answers a request with this `Accept` header.
    ///
    /// Called on the server's own thread for each request, so it must only look at the text.
    /// The default is the Prometheus text format, whatever the client asks for.
    fn content_type(&self, _accept: Option<&str>) -> &'static str {
        "text/plain; version=0.0.4; charset=utf-8"
    }

    /// Renders every metric in the format that [`content_type`](Self::content_type) chose.
    fn metrics(&self, content_type: &'static str) -> Vec<u8>;

    /// The same page piece by piece, for one that may be long. By default it is one piece.
    ///
    /// The server asks for a piece when the client has taken those before it, and holds no more of a
    /// page than a few hundred KiB. Each is made on the thread that renders metrics, and other
    /// scrapes have their turns in between. A panic in the middle cuts its client off, which is how
    /// HTTP says that an answer is not whole.
    fn metric_pieces(&self, content_type: &'static str) -> Pieces {
        Box::new(std::iter::once(self.metrics(content_type)))
    }

    /// Says how the application, or whatever part of it this reports on, is doing.
    fn health(&self) -> HealthReport;

    /// Whether the application can take work now, for `/health/ready`. By default it can unless its
    /// health is [`Unhealthy`](HealthStatus::Unhealthy).
    fn is_ready(&self) -> bool {
        self.health().status() != HealthStatus::Unhealthy
    }
}

/// The pieces of a page, in order.
pub type Pieces = Box<dyn Iterator<Item = Vec<u8>> + Send>;

/// The answer to `GET /health`: a status and a JSON body.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct HealthReport {
    status: HealthStatus,
    json: Vec<u8>,
}

impl HealthReport {
    /// A report with this status; `json` is sent as it is, as `application/json`.
    pub fn new(status: HealthStatus, json: impl Into<Vec<u8>>) -> Self {
        Self {
            status,
            json: json.into(),
        }
    }

    /// The status that decides the HTTP status code.
    pub fn status(&self) -> HealthStatus {
        self.status
    }

    /// The body.
    pub fn json(&self) -> &[u8] {
        &self.json
    }

    pub(crate) fn into_json(self) -> Vec<u8> {
        self.json
    }
}

/// How healthy the application is, which decides the HTTP status of `/health`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HealthStatus {
    /// All is well: 200.
    Healthy,
    /// Something optional is out of order, for example a backend of telemetry: still 200,
    /// because an orchestrator must not restart a working application for it.
    Degraded,
    /// The application cannot do its work: 503.
    Unhealthy,
}
