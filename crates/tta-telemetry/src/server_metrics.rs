//! The metrics server's own work among the metrics.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use tta_core::{Counter, Histogram, registry};
use tta_metrics_server::{AnsweredRequest, Endpoint, Rejection, ServerObserver, StatsReader};

use crate::catalog::{
    SERVER_BYTES, SERVER_CONNECTIONS, SERVER_DURATION, SERVER_REJECTIONS, SERVER_REQUESTS,
};
use crate::exposition::ExpositionFormat;
use crate::report;

/// Counts what the server tells.
///
/// It is told of an answer when the page is finished, so that no page shows the request that it
/// answers: what all of them show of one scrape fits together.
pub(crate) struct ServerMetrics {
    requests: Mutex<HashMap<Answered, Option<Counter>>>,
    answers: Mutex<HashMap<Endpoint, Answers>>,
    rejections: HashMap<Rejection, Counter>,
}

/// How a request was answered: the endpoint, the status, the format.
type Answered = (Endpoint, u16, &'static str);

/// What is measured of one endpoint.
#[derive(Clone)]
struct Answers {
    duration: Option<Histogram>,
    bytes: Option<Counter>,
}

impl ServerMetrics {
    /// What a scrape is counted in is there from the first one on, at zero.
    pub(crate) fn new() -> Self {
        let resolve = |reason: Rejection| {
            let counter = registry().counter(&SERVER_REJECTIONS, &[reason.as_str()]);
            Some((reason, counter.ok()?))
        };
        let requests = FORMATS.map(|format| {
            let key = (Endpoint::Metrics, 200, format);
            (key, request_counter(key))
        });
        let answers = [(Endpoint::Metrics, Answers::of(Endpoint::Metrics))];
        Self {
            requests: Mutex::new(requests.into()),
            answers: Mutex::new(answers.into()),
            rejections: Rejection::ALL.into_iter().filter_map(resolve).collect(),
        }
    }

    /// Shows how many connections are open.
    pub(crate) fn show_connections(stats: StatsReader) {
        let read = move || {
            let stats = stats.read();
            let others = stats
                .connections_open
                .saturating_sub(stats.scrapes_rendering);
            others as f64
        };
        // Only an application that declares a metric of the same name is in the way, and then it
        // is the application's number that is shown.
        if let Err(why) = registry().observe_gauge(&SERVER_CONNECTIONS, &[], read) {
            report::degraded(crate::server::METRICS, &why.to_string());
        }
    }
}

impl ServerObserver for ServerMetrics {
    fn request_answered(&self, request: &AnsweredRequest) {
        let endpoint = request.endpoint;
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (endpoint, request.status, format_of(request));
        let counter = requests.entry(key).or_insert_with(|| request_counter(key));
        let counter = counter.clone();
        drop(requests);
        if let Some(counter) = counter {
            counter.increment();
        }
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let of_endpoint = answers.entry(endpoint);
        let Answers { duration, bytes } =
            of_endpoint.or_insert_with(|| Answers::of(endpoint)).clone();
        drop(answers);
        if let Some(duration) = duration {
            duration.record(request.duration);
        }
        if let Some(bytes) = bytes {
            bytes.add(request.bytes as f64);
        }
    }

    fn connection_rejected(&self, reason: Rejection) {
        if let Some(counter) = self.rejections.get(&reason) {
            counter.increment();
        }
    }
}

impl Answers {
    fn of(endpoint: Endpoint) -> Self {
        let labels = [endpoint.as_str()];
        Self {
            duration: registry().histogram(&SERVER_DURATION, &labels).ok(),
            bytes: registry().counter(&SERVER_BYTES, &labels).ok(),
        }
    }
}

fn request_counter((endpoint, status, format): Answered) -> Option<Counter> {
    let labels = [endpoint.as_str(), &status.to_string(), format];
    registry().counter(&SERVER_REQUESTS, &labels).ok()
}

/// The format of an answer that has one of ours.
fn format_of(request: &AnsweredRequest) -> &'static str {
    let open = ExpositionFormat::OpenMetrics.content_type();
    match (request.endpoint, request.content_type) {
        (_, Some(chosen)) if chosen == open => OPEN_METRICS,
        (_, Some(_)) => TEXT,
        (Endpoint::Health | Endpoint::Live | Endpoint::Ready, None) => "json",
        (_, None) => "none",
    }
}

const OPEN_METRICS: &str = "openmetrics";
const TEXT: &str = "text";
const FORMATS: [&str; 2] = [OPEN_METRICS, TEXT];
