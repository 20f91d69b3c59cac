//! A real OTLP collector that is not ours: rotel.

use std::ffi::OsString;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::Path;
use std::time::{Duration, Instant};

use super::missing::{StartError, program};
use super::process::Process;
use crate::http;

/// What the collector writes to its output in detail. It decodes all three signals whichever it
/// writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum DebugSignal {
    /// Resource, scope and every field of each span.
    Traces,
    /// Resource, scope and every data point.
    Metrics,
    /// Resource, scope and every log record.
    Logs,
}

/// An OTLP collector with a gRPC and an HTTP port, which prints what it receives.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use tta_testkit::require;
/// use tta_testkit::servers::{DebugSignal, OtlpCollector};
///
/// # fn example() {
/// let collector = require!(OtlpCollector::start(DebugSignal::Traces));
/// // … export to `collector.grpc_endpoint()` or `collector.http_endpoint()` …
/// let output = collector.wait_for_output("checkout.execute", Duration::from_secs(5)).unwrap();
/// # }
/// ```
#[derive(Debug)]
pub struct OtlpCollector {
    process: Process,
    grpc: SocketAddr,
    http: SocketAddr,
}

impl OtlpCollector {
    /// Starts one and waits until both ports accept.
    ///
    /// # Errors
    ///
    /// [`StartError::Missing`] where no `rotel-agent` is installed.
    pub fn start(signal: DebugSignal) -> Result<Self, StartError> {
        let program = program("rotel-agent", "TTA_ROTEL_AGENT").map_err(StartError::Missing)?;
        let (process, [grpc, http]) = Process::launch(
            &program,
            |[grpc, http], folder| Ok(args(grpc, http, folder, signal)),
            |[grpc, http]| ready(loopback(grpc), loopback(http)),
        )?;
        Ok(Self {
            process,
            grpc: loopback(grpc),
            http: loopback(http),
        })
    }

    /// For OTLP over gRPC.
    pub fn grpc_endpoint(&self) -> String {
        format!("http://{}", self.grpc)
    }

    /// For OTLP over HTTP, without the path of a signal.
    pub fn http_endpoint(&self) -> String {
        format!("http://{}", self.http)
    }

    /// All it has written: its own log, and what it received of the debugged signal.
    pub fn output(&self) -> String {
        self.process.output()
    }

    /// Waits until its output contains `text`, and answers the output.
    ///
    /// # Errors
    ///
    /// With what it has written instead, at the deadline.
    pub fn wait_for_output(&self, text: &str, deadline: Duration) -> io::Result<String> {
        let end = Instant::now() + deadline;
        loop {
            let output = self.output();
            if output.contains(text) {
                return Ok(output);
            }
            if Instant::now() > end {
                let message = format!("no `{text}` after {deadline:?} in:\n{output}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            }
            // Another process's output file gives no event.
            std::thread::sleep(POLL);
        }
    }

    /// Ends it. Connections are refused until [`OtlpCollector::restart`].
    pub fn stop(&self) {
        self.process.stop();
    }

    /// Starts it again on the same ports; the output goes on.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn restart(&self) -> io::Result<()> {
        self.process.restart(|| ready(self.grpc, self.http))
    }

    /// Stops it in its tracks (SIGSTOP): connections open and nothing is answered.
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets it go on after [`OtlpCollector::pause`].
    pub fn resume(&self) {
        self.process.resume();
    }

    /// Its process, while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.process.id()
    }
}

fn args(grpc: u16, http: u16, folder: &Path, signal: DebugSignal) -> Vec<OsString> {
    let debug = match signal {
        DebugSignal::Traces => "traces",
        DebugSignal::Metrics => "metrics",
        DebugSignal::Logs => "logs",
    };
    let mut args: Vec<OsString> = vec!["start".into()];
    let mut option = |name: &str, value: OsString| args.extend([name.into(), value]);
    option("--otlp-grpc-endpoint", loopback(grpc).to_string().into());
    option("--otlp-http-endpoint", loopback(http).to_string().into());
    option("--exporter", "blackhole".into());
    option("--debug-log", debug.into());
    option("--debug-log-verbosity", "detailed".into());
    option("--pid-file", folder.join("rotel.pid").into());
    option("--log-file", folder.join("rotel.log").into());
    args
}

fn ready(grpc: SocketAddr, http: SocketAddr) -> io::Result<()> {
    TcpStream::connect(grpc)?;
    let headers = [("Content-Type", "application/x-protobuf")];
    // No bytes are a valid request: one with no spans.
    match http::request(http, "POST", "/v1/traces", &headers, &[])?.status() {
        200 => Ok(()),
        status => Err(io::Error::other(format!("it answers {status}"))),
    }
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

const POLL: Duration = Duration::from_millis(20);
