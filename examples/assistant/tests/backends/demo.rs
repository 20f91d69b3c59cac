//! The demonstration as a process.

use std::io::{BufRead as _, BufReader, Lines};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const REQUESTS: usize = 400;

/// The demonstration, running; its metrics page stays up until it is dropped.
pub(crate) struct Demo {
    child: Child,
    /// Held open: the program has more to say than the test reads.
    _output: Lines<BufReader<ChildStdout>>,
    pub(crate) metrics: SocketAddr,
    pub(crate) summary: Value,
}

impl Demo {
    /// Runs it to the end of its load, with an OTLP endpoint and these further arguments.
    pub(crate) fn run(endpoint: &str, protocol: &str, arguments: &[&str]) -> Self {
        Self::start(endpoint, protocol, arguments).wait()
    }

    /// Begins to run it.
    pub(crate) fn start(endpoint: &str, protocol: &str, arguments: &[&str]) -> Starting {
        let folder = TempDir::new().unwrap();
        let json = folder.path().join("out.json");
        let child = Command::new(env!("CARGO_BIN_EXE_assistant"))
            .args(["--requests", &REQUESTS.to_string(), "--metrics-port", "0"])
            .args(arguments)
            .arg("--json")
            .arg(&json)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
            .env("OTEL_BSP_SCHEDULE_DELAY", "200")
            .env("OTEL_BSP_MAX_QUEUE_SIZE", "100000")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Starting {
            child,
            folder,
            json,
        }
    }

    pub(crate) fn count(&self, pointer: &str) -> usize {
        let count = self
            .summary
            .pointer(pointer)
            .and_then(Value::as_u64)
            .unwrap();
        count.try_into().unwrap()
    }

    pub(crate) fn number(&self, pointer: &str) -> f64 {
        self.summary
            .pointer(pointer)
            .and_then(Value::as_f64)
            .unwrap()
    }
}

/// The demonstration, under way.
pub(crate) struct Starting {
    child: Child,
    folder: TempDir,
    json: PathBuf,
}

impl Starting {
    /// Waits for the end of its load.
    pub(crate) fn wait(mut self) -> Demo {
        let mut url = None;
        let mut output = BufReader::new(self.child.stdout.take().unwrap()).lines();
        for line in output.by_ref() {
            let line = line.unwrap();
            if let Some(rest) = line.strip_prefix("metrics ") {
                url = Some(rest.trim().to_owned());
            }
            if line.starts_with("checked") {
                break;
            }
        }
        let url = url.unwrap();
        let port: u16 = url
            .rsplit(':')
            .next()
            .unwrap()
            .split('/')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let summary = std::fs::read_to_string(&self.json).unwrap();
        let summary = serde_json::from_str(&summary).unwrap();
        drop(self.folder);
        Demo {
            child: self.child,
            _output: output,
            metrics: SocketAddr::from(([127, 0, 0, 1], port)),
            summary,
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
