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
#[derive(Default)]
pub(crate) struct ServerMetrics {
    requests: Mutex<HashMap<(Endpoint, u16, &'static str), Option<Counter>>>,
    answers: Mutex<HashMap<Endpoint, Answers>>,
    rejections: HashMap<Rejection, Counter>,
}

/// What is measured of one endpoint.
#[derive(Clone)]
struct Answers {
    duration: Option<Histogram>,
    bytes: Option<Counter>,
}

impl ServerMetrics {
    pub(crate) fn new() -> Self {
        let resolve = |reason: Rejection| {
            let counter = registry().counter(&SERVER_REJECTIONS, &[reason.as_str()]);
            Some((reason, counter.ok()?))
        };
        Self {
            rejections: Rejection::ALL.into_iter().filter_map(resolve).collect(),
            ..Self::default()
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
        let format = format_of(request);
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        let counter = requests
            .entry((endpoint, request.status, format))
            .or_insert_with(|| {
                let labels = [endpoint.as_str(), &request.status.to_string(), format];
                registry().counter(&SERVER_REQUESTS, &labels).ok()
            })
            .clone();
        drop(requests);
        if let Some(counter) = counter {
            counter.increment();
        }
        let mut answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let Answers { duration, bytes } = answers
            .entry(endpoint)
            .or_insert_with(|| Answers {
                duration: registry()
                    .histogram(&SERVER_DURATION, &[endpoint.as_str()])
                    .ok(),
                bytes: registry().counter(&SERVER_BYTES, &[endpoint.as_str()]).ok(),
            })
            .clone();
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

/// The format of an answer that has one of ours.
fn format_of(request: &AnsweredRequest) -> &'static str {
    let open = ExpositionFormat::OpenMetrics.content_type();
    match (request.endpoint, request.content_type) {
        (_, Some(chosen)) if chosen == open => "openmetrics",
        (_, Some(_)) => "text",
        (Endpoint::Health | Endpoint::Live | Endpoint::Ready, None) => "json",
        (_, None) => "none",
    }
}
