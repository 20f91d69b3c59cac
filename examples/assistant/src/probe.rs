//! `assistant --probe`: asks the assistant that runs on this machine whether it is ready, for images
//! without a shell or curl to ask with.

use std::error::Error;
use std::net::IpAddr;
use std::time::Duration;

/// Where `/health/ready` is, from what would have the metrics served there; a host that stands for all
/// addresses is asked on this machine's own.
///
/// ```
/// use assistant::probe::url;
///
/// let lookup = |name: &str| (name == "PROMETHEUS_PORT").then(|| "9999".to_owned());
/// assert_eq!(url(None, lookup), "http://localhost:9999/health/ready");
/// ```
pub fn url(port: Option<u16>, lookup: impl Fn(&str) -> Option<String>) -> String {
    let first = |names: [&str; 2]| {
        let values = names.into_iter().filter_map(&lookup);
        values
            .map(|value| value.trim().to_owned())
            .find(|value| !value.is_empty())
    };
    let host = first(["OTEL_EXPORTER_PROMETHEUS_HOST", "PROMETHEUS_HOST"]);
    let host = match host.as_deref().map(str::parse::<IpAddr>) {
        Some(Ok(IpAddr::V4(address))) if address.is_unspecified() => "127.0.0.1".to_owned(),
        Some(Ok(IpAddr::V6(address))) if address.is_unspecified() => "[::1]".to_owned(),
        Some(Ok(IpAddr::V6(address))) => format!("[{address}]"),
        _ => host.unwrap_or_else(|| "localhost".to_owned()),
    };
    let port = port.map(|port| port.to_string());
    let port = port
        .or_else(|| first(["OTEL_EXPORTER_PROMETHEUS_PORT", "PROMETHEUS_PORT"]))
        .unwrap_or_else(|| "9464".to_owned());
    format!("http://{host}:{port}/health/ready")
}

/// Asks there.
///
/// # Errors
///
/// When nothing answers, or it is not ready.
pub fn ask(url: &str) -> Result<(), Box<dyn Error + Send + Sync>> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .timeout_global(Some(PATIENCE))
        .build()
        .into();
    agent.get(url).call()?;
    Ok(())
}

/// Less than a health check waits usually.
const PATIENCE: Duration = Duration::from_secs(2);
