//! What this crate emits.

use tta_core::{Catalog, SpanSpec};

/// What `tta-http` emits.
pub const CATALOG: Catalog = Catalog {
    crate_name: "tta-http",
    metrics: &[],
    spans: &[&SERVER_SPAN, &CLIENT_SPAN, &SEND_SPAN, &PROCESS_SPAN],
    logs: &[],
};

/// A request to this service.
pub(crate) const SERVER_SPAN: SpanSpec = SpanSpec {
    name: "{method} {route}",
    help: "A request to this service, until the last byte of its answer. `{method}` alone where \
           the route is not known.",
    attributes: &[
        "http.request.method",
        "http.request.method_original",
        "http.response.status_code",
        "http.route",
        "url.path",
        "url.scheme",
        "server.address",
        "server.port",
        "network.protocol.version",
        "rpc.grpc.status_code",
        "propagation.refused",
        "correlation_id",
        "workflow.id",
        "session.id",
        "error.type",
    ],
};

/// A request of this service to another.
pub(crate) const CLIENT_SPAN: SpanSpec = SpanSpec {
    name: "{method}",
    help: "A request of this service to another, until the head of the answer.",
    attributes: &[
        "http.request.method",
        "http.request.method_original",
        "http.response.status_code",
        "server.address",
        "server.port",
        "url.full",
        "correlation_id",
        "workflow.id",
        "session.id",
        "error.type",
    ],
};

/// Sending a message.
pub(crate) const SEND_SPAN: SpanSpec = SpanSpec {
    name: "send {destination}",
    help: "Handing a message to a queue.",
    attributes: MESSAGE_ATTRIBUTES,
};

/// Working on messages.
pub(crate) const PROCESS_SPAN: SpanSpec = SpanSpec {
    name: "process {destination}",
    help: "Work on a message, as a child of the one that sent it; or on a batch, with a link to \
           each.",
    attributes: MESSAGE_ATTRIBUTES,
};

const MESSAGE_ATTRIBUTES: &[&str] = &[
    "messaging.system",
    "messaging.destination.name",
    "messaging.operation.name",
    "messaging.operation.type",
    "messaging.batch.message_count",
    "correlation_id",
    "workflow.id",
    "session.id",
    "error.type",
];
