//! The address that OTLP is sent to.

use std::fmt;

use super::Protocol;
use crate::redaction;

/// The address that OTLP is sent to, seen to be one.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) is_https: bool,
    /// An IPv6 address stands in brackets.
    pub(crate) host: String,
    pub(crate) port: u16,
    path: String,
    /// What is appended to the path over HTTP; nothing to one that is for a signal alone.
    appended: &'static str,
}

impl Endpoint {
    /// Reads `http://host:port/path`, or what has no scheme where `is_insecure` stands for one.
    /// `signal_path` is appended over HTTP unless the path is exact. The message of the error says
    /// what to do.
    pub(crate) fn parse(
        text: &str,
        signal_path: &'static str,
        is_exact: bool,
        is_insecure: Option<bool>,
    ) -> Result<Self, String> {
        let (scheme, rest) = match (text.split_once("://"), is_insecure) {
            (Some((scheme, rest)), _) => (scheme, rest),
            (None, Some(true)) => ("http", text),
            (None, Some(false)) => ("https", text),
            (None, None) => {
                return Err("it has no scheme; write it as http://host:port".to_owned());
            }
        };
        let is_https = match scheme.to_ascii_lowercase().as_str() {
            "http" => false,
            "https" => true,
            _ => return Err("its scheme is not one of http and https".to_owned()),
        };
        let (authority, path) = match rest.find(['/', '?', '#']) {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        if !path.bytes().all(|b| b.is_ascii_graphic()) {
            return Err("its path has characters that no URL has".to_owned());
        }
        if authority.contains('@') {
            return Err("it names a user; send credentials as headers instead".to_owned());
        }
        let (host, port) = split_port(authority)?;
        let port = port.unwrap_or(if is_https { 443 } else { 80 });
        Ok(Self {
            is_https,
            host: host.to_owned(),
            port,
            path: path.to_owned(),
            appended: if is_exact { "" } else { signal_path },
        })
    }

    /// The protocol that the port stands for.
    pub(crate) fn usual_protocol(&self) -> Protocol {
        if self.port == 4317 {
            Protocol::Grpc
        } else {
            Protocol::HttpProtobuf
        }
    }

    /// `scheme://host:port`.
    pub(crate) fn origin(&self) -> String {
        let scheme = if self.is_https { "https" } else { "http" };
        format!("{scheme}://{}:{}", self.host, self.port)
    }

    /// The host without the brackets of an IPv6 address, as a resolver wants it.
    pub(crate) fn bare_host(&self) -> &str {
        self.host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'))
            .unwrap_or(&self.host)
    }

    /// Where requests are posted over HTTP.
    pub(crate) fn url(&self) -> String {
        let path = match self.appended {
            "" if self.path.is_empty() => "/",
            "" => &self.path,
            _ => self.path.trim_end_matches('/'),
        };
        format!("{}{path}{}", self.origin(), self.appended)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A query may hold a key, and this is shown.
        let path = redaction::masked(self.path.clone());
        write!(f, "{}{path}", self.origin())
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn split_port(authority: &str) -> Result<(&str, Option<u16>), String> {
    let (host, port) = match authority.rfind(']') {
        Some(end) => authority.split_at(end + 1),
        None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
    };
    let is_host_byte = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let is_address_byte = |b: u8| b.is_ascii_hexdigit() || b":.".contains(&b);
    let is_host = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(address) => !address.is_empty() && address.bytes().all(is_address_byte),
        None => !host.is_empty() && host.bytes().all(is_host_byte),
    };
    if !is_host {
        return Err("it names no host; write it as http://host:port".to_owned());
    }
    match port.strip_prefix(':') {
        None if port.is_empty() => Ok((host, None)),
        Some(digits) => match digits.parse() {
            Ok(port) if port > 0 => Ok((host, Some(port))),
            _ => Err("its port is not a number from 1 to 65535".to_owned()),
        },
        None => Err("it names no host; write it as http://host:port".to_owned()),
    }
}
