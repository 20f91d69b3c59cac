//! From text to values. Each error completes the sentence "… is ignored, for it is not".

use std::time::Duration;

use tta_core::{ContentCapture, ExemplarFilter, Secret};

use super::{Compression, DeploymentEnvironment, LogFormat, Protocol, Temporality};

pub(super) type Parsed<T> = Result<T, &'static str>;

pub(super) fn boolean(text: &str) -> Parsed<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("true or false"),
    }
}

pub(super) fn milliseconds(text: &str) -> Parsed<Duration> {
    text.parse()
        .map(Duration::from_millis)
        .map_err(|_| "a number of milliseconds")
}

pub(super) fn interval(text: &str) -> Parsed<Duration> {
    const WANTED: &str = "a number of milliseconds above zero";
    let interval = milliseconds(text).map_err(|_| WANTED)?;
    if interval.is_zero() {
        return Err(WANTED);
    }
    Ok(interval)
}

pub(super) fn count(text: &str) -> Parsed<usize> {
    text.parse()
        .ok()
        .filter(|count| *count > 0)
        .ok_or("a whole number above zero")
}

/// A count that may be zero.
pub(super) fn limit(text: &str) -> Parsed<usize> {
    text.parse().map_err(|_| "a whole number")
}

pub(super) fn exemplar_filter(text: &str) -> Parsed<ExemplarFilter> {
    ExemplarFilter::ALL
        .into_iter()
        .find(|filter| text.eq_ignore_ascii_case(filter.as_str()))
        .ok_or("trace_based, always_on or always_off")
}

pub(super) fn content_capture(text: &str) -> Parsed<ContentCapture> {
    // What instrumentations of before the four words take.
    let text = match text.to_ascii_lowercase().as_str() {
        "true" => "SPAN_AND_EVENT",
        "false" => "NO_CONTENT",
        _ => text,
    };
    ContentCapture::ALL
        .into_iter()
        .find(|capture| text.eq_ignore_ascii_case(capture.as_str()))
        .ok_or("NO_CONTENT, SPAN_ONLY, EVENT_ONLY or SPAN_AND_EVENT")
}

pub(super) fn port(text: &str) -> Parsed<u16> {
    text.parse().map_err(|_| "a port from 0 to 65535")
}

pub(super) fn ratio(text: &str) -> Parsed<f64> {
    text.parse()
        .ok()
        .filter(|ratio| (0.0..=1.0).contains(ratio))
        .ok_or("a number from 0 to 1")
}

pub(super) fn rate(text: &str) -> Parsed<f64> {
    text.parse()
        .ok()
        .filter(|rate: &f64| rate.is_finite() && *rate >= 0.0)
        .ok_or("a number of traces a second")
}

#[expect(clippy::unnecessary_wraps, reason = "it is one of the parsers")]
pub(super) fn text(text: &str) -> Parsed<String> {
    Ok(text.to_owned())
}

pub(super) fn protocol(text: &str) -> Parsed<Protocol> {
    match text.to_ascii_lowercase().as_str() {
        "grpc" => Ok(Protocol::Grpc),
        "http/protobuf" => Ok(Protocol::HttpProtobuf),
        _ => Err("grpc or http/protobuf"),
    }
}

pub(super) fn compression(text: &str) -> Parsed<Compression> {
    match text.to_ascii_lowercase().as_str() {
        "none" => Ok(Compression::None),
        "gzip" => Ok(Compression::Gzip),
        _ => Err("gzip or none"),
    }
}

pub(super) fn temporality(text: &str) -> Parsed<Temporality> {
    match text.to_ascii_lowercase().as_str() {
        "cumulative" => Ok(Temporality::Cumulative),
        "delta" => Ok(Temporality::Delta),
        "lowmemory" => Ok(Temporality::LowMemory),
        _ => Err("cumulative, delta or lowmemory"),
    }
}

pub(super) fn environment(text: &str) -> Parsed<DeploymentEnvironment> {
    match text.to_ascii_lowercase().as_str() {
        "development" => Ok(DeploymentEnvironment::Development),
        "staging" => Ok(DeploymentEnvironment::Staging),
        "production" => Ok(DeploymentEnvironment::Production),
        _ => Err("development, staging or production"),
    }
}

pub(super) fn log_format(text: &str) -> Parsed<LogFormat> {
    match text.to_ascii_lowercase().as_str() {
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        _ => Err("json or text"),
    }
}

/// `key=value` pairs, comma-separated, values percent-encoded.
pub(super) fn pairs(text: &str) -> Parsed<Vec<(String, String)>> {
    const WANTED: &str = "a list of key=value pairs, percent-encoded";
    text.split(',')
        .map(str::trim)
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').ok_or(WANTED)?;
            let (key, value) = (decode(key.trim()), decode(value.trim()));
            match (key, value) {
                (Some(key), Some(value)) if !key.is_empty() => Ok((key, value)),
                _ => Err(WANTED),
            }
        })
        .collect()
}

/// The same where the values are secret.
pub(super) fn headers(text: &str) -> Parsed<Vec<(String, Secret)>> {
    let secret = |(name, value): (String, String)| (name, Secret::from(value));
    Ok(pairs(text)?.into_iter().map(secret).collect())
}

fn decode(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |b: Option<u8>| char::from(b?).to_digit(16);
            let value = digit(rest.next())? * 16 + digit(rest.next())?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}
