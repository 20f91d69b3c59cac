//! The demonstration, going through an incident.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant, SystemTime};

use serde_json::Value;
use tempfile::TempDir;
use tta_testkit::http;

/// The demonstration, until it is dropped.
pub(crate) struct Demo {
    child: Child,
    metrics: SocketAddr,
    folder: TempDir,
    begun: Instant,
    begun_at: SystemTime,
    ended: Arc<AtomicBool>,
}

impl Demo {
    /// Starts it with its metrics on this port, and waits until they can be scraped.
    pub(crate) fn start(port: u16, redis: &str, otlp: &str) -> Result<Self, String> {
        let mut demo = Self::launch(port, redis, otlp);
        demo.wait_for_metrics().map(|()| demo)
    }

    fn launch(port: u16, redis: &str, otlp: &str) -> Self {
        let program = program();
        assert!(
            program.is_file(),
            "no {}; run `cargo xtask verify-ops`, which builds it",
            program.display()
        );
        let folder = TempDir::new().unwrap();
        let mut child = Command::new(program)
            .args(["--metrics-port", &port.to_string(), "--redis", redis, "--json"])
            .arg(folder.path().join("summary.json"))
            .args(LOAD)
            .args(incident())
            .env("TTA_METRIC_ALIASES", "true")
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", otlp)
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
            .env("OTEL_BSP_SCHEDULE_DELAY", "200")
            // Room for about two seconds of spans, so that an outage soon loses some.
            .env("OTEL_BSP_MAX_QUEUE_SIZE", "512")
            .env("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "256")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let ended = Arc::new(AtomicBool::new(false));
        let output = BufReader::new(child.stdout.take().unwrap());
        let has_ended = Arc::clone(&ended);
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if line.starts_with("checked") {
                    has_ended.store(true, Ordering::Release);
                }
            }
        });
        Self {
            child,
            metrics: (Ipv4Addr::LOCALHOST, port).into(),
            folder,
            begun: Instant::now(),
            begun_at: SystemTime::now(),
            ended,
        }
    }

    fn wait_for_metrics(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            if http::get(self.metrics, "/metrics").is_ok_and(|page| page.status() == 200) {
                (self.begun, self.begun_at) = (Instant::now(), SystemTime::now());
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("the demonstration ended with {status}"));
            }
            if Instant::now() > deadline {
                return Err("the demonstration shows no metrics".to_owned());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn metrics(&self) -> SocketAddr {
        self.metrics
    }

    /// How long it has run; its first request came no earlier.
    pub(crate) fn running_for(&self) -> Duration {
        self.begun.elapsed()
    }

    /// From its start until now.
    pub(crate) fn span(&self) -> (SystemTime, SystemTime) {
        (self.begun_at, SystemTime::now())
    }

    /// Whether its load has ended and its own count agrees with its metrics.
    pub(crate) fn has_ended(&mut self) -> bool {
        let gone = self.child.try_wait().unwrap();
        assert!(gone.is_none(), "the demonstration ended early: {gone:?}");
        let too_long = self.running_for() > Duration::from_mins(3);
        assert!(!too_long, "the demonstration does not end");
        self.ended.load(Ordering::Acquire)
    }

    /// What it counted itself.
    pub(crate) fn summary(&self) -> Value {
        let text = std::fs::read_to_string(self.folder.path().join("summary.json")).unwrap();
        serde_json::from_str(&text).unwrap()
    }

    /// Ends it in the middle of whatever it does.
    pub(crate) fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The program beside the test's own folder, where cargo puts it.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.ancestors().nth(2).unwrap().join("assistant")
}

/// Well at first. Then the cheap model's provider is down, the premium model is slow, and all ask what
/// no cache has; then nothing answers any more. The test stops Redis and the collector at the same
/// time.
fn incident() -> impl Iterator<Item = String> {
    let begin = FAULTS_BEGIN.as_secs();
    let (worse, end) = (begin + 20, begin + 40);
    [
        format!("cheap-down={begin}..{end}"),
        format!("premium-slow={begin}..{worse}"),
        format!("premium-down={worse}..{end}"),
        format!("apology-down={worse}..{end}"),
        format!("new-questions={begin}..{end}"),
    ]
    .into_iter()
    .flat_map(|fault| ["--inject".to_owned(), fault])
}

/// 16 requests a second for 65 seconds, and no failure but those of the incident.
const LOAD: [&str; 7] = [
    "--no-failures",
    "--requests",
    "1040",
    "--rate",
    "1.6",
    "--speed",
    "10",
];

/// When the incident begins.
pub(crate) const FAULTS_BEGIN: Duration = Duration::from_secs(25);

/// Time between two scrapes.
pub(crate) const SCRAPE_INTERVAL: Duration = Duration::from_secs(1);
