//! What the span of a request says, by the semantic conventions for HTTP.

use std::borrow::Cow;

use http::header::HOST;
use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, Response, Version};
use tta_core::{OpenSpan, SpanStatus};

use crate::semantics::{error_of_status, known_method};

/// The path goes into it and the query does not: it holds what people typed, and secrets.
pub(super) fn describe_request(span: &mut OpenSpan, parts: &Parts, route: Option<String>) {
    let method = known_method(&parts.method);
    let name = match (&route, method) {
        (Some(route), method) => Cow::Owned(format!("{} {route}", method.unwrap_or("HTTP"))),
        (None, method) => Cow::Borrowed(method.unwrap_or("HTTP")),
    };
    span.set_name(name);
    if !span.context().is_sampled() {
        return;
    }
    span.set_attribute("http.request.method", method.unwrap_or("_OTHER"));
    if method.is_none() {
        let original = parts.method.as_str().to_owned();
        span.set_attribute("http.request.method_original", original);
    }
    if let Some(route) = route {
        span.set_attribute("http.route", route);
    }
    span.set_attribute("url.path", parts.uri.path().to_owned());
    let scheme = parts.uri.scheme_str().unwrap_or("http");
    span.set_attribute("url.scheme", scheme.to_owned());
    let host = || {
        let host = parts.headers.get(HOST)?.to_str().ok()?;
        host.parse::<Authority>().ok()
    };
    if let Some(authority) = parts.uri.authority().cloned().or_else(host) {
        span.set_attribute("server.address", authority.host().to_owned());
        if let Some(port) = authority.port_u16() {
            span.set_attribute("server.port", u32::from(port));
        }
    }
    if let Some(version) = version(parts.version) {
        span.set_attribute("network.protocol.version", version);
    }
}

/// An answer below 400 is a success; what one of the 400s means is for the caller to say.
pub(super) fn describe_response<B>(span: &mut OpenSpan, response: &Response<B>) {
    let status = response.status();
    span.set_attribute("http.response.status_code", u32::from(status.as_u16()));
    if status.is_server_error() {
        span.set_status(error_of_status(status));
    } else if !status.is_client_error() {
        span.set_status(SpanStatus::Ok);
    }
    // An answer of gRPC without a message has its status here.
    describe_grpc(span, response.headers());
}

/// The status of gRPC, which an answer of 200 hides.
pub(super) fn describe_grpc(span: &mut OpenSpan, headers: &HeaderMap) {
    let Some(code) = headers.get("grpc-status") else {
        return;
    };
    let code = code.to_str().ok().and_then(|code| code.parse::<u32>().ok());
    let Some(code) = code else { return };
    span.set_attribute("rpc.grpc.status_code", code);
    // Those that are the server's fault, by the conventions for gRPC.
    let error_type = match code {
        2 => "UNKNOWN",
        4 => "DEADLINE_EXCEEDED",
        12 => "UNIMPLEMENTED",
        13 => "INTERNAL",
        14 => "UNAVAILABLE",
        15 => "DATA_LOSS",
        _ => return,
    };
    span.set_status(SpanStatus::Error {
        error_type,
        description: "the gRPC status says so".into(),
    });
}

fn version(version: Version) -> Option<&'static str> {
    match version {
        Version::HTTP_10 => Some("1.0"),
        Version::HTTP_11 => Some("1.1"),
        Version::HTTP_2 => Some("2"),
        Version::HTTP_3 => Some("3"),
        _ => None,
    }
}
