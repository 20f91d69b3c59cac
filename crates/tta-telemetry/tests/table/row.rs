//! A row of the table: variables, and what must be seen of them.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use tta_testkit::certificates::Authority;
use tta_testkit::http;
use tta_testkit::network::ClosedPort;
use tta_testkit::otlp::{OtlpReceiver, ReceivedMetric, ReceivedSpan, Reply, opentelemetry_proto};

/// Variables, and what must be seen of them.
///
/// In a value, `{http}` and `{grpc}` stand for the backend's endpoints, `{address}` for its address
/// without a scheme, `{closed}` for an endpoint where nobody listens and `{port}` for a free port.
/// `{tls}` is the endpoint of one that speaks TLS, `{ca}` the file of the authority that vouches for it
/// and for clients, `{certificate}` and `{key}` those of an identity, and `{password}` a file with one.
pub(crate) struct Row {
    name: String,
    variables: Vec<(String, String)>,
    reply: Reply,
    has_terminal: bool,
    until: Option<Check<bool>>,
    sees: Check<()>,
}

type Check<T> = Box<dyn Fn(&Seen) -> T + Send + Sync>;

impl Row {
    pub(crate) fn new(variables: &[(&str, &str)]) -> Self {
        let shown: Vec<_> = variables
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        Self {
            name: shown.join(" "),
            variables: variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            reply: Reply::Ok,
            has_terminal: false,
            until: None,
            sees: Box::new(|_| ()),
        }
    }

    /// The backend answers so.
    pub(crate) fn replying(mut self, reply: Reply) -> Self {
        self.reply = reply;
        self
    }

    /// Standard output is a terminal.
    pub(crate) fn on_a_terminal(mut self) -> Self {
        self.has_terminal = true;
        self
    }

    /// The program goes on until it is so.
    pub(crate) fn until(mut self, is_so: impl Fn(&Seen) -> bool + Send + Sync + 'static) -> Self {
        self.until = Some(Box::new(is_so));
        self
    }

    /// What must be seen when it has ended; what it served is what it served last.
    pub(crate) fn sees(mut self, check: impl Fn(&Seen) + Send + Sync + 'static) -> Self {
        self.sees = Box::new(check);
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn variables(&self) -> impl Iterator<Item = &str> {
        self.variables.iter().map(|(name, _)| name.as_str())
    }

    /// Runs the program and looks.
    pub(crate) fn check(&self) {
        let is_over_tls = self.variables.iter().any(|(_, value)| value == "{tls}");
        let authority = Authority::new().unwrap();
        let identity = authority.issue(&["localhost", "127.0.0.1"]).unwrap();
        let receiver = if is_over_tls {
            OtlpReceiver::start_with_tls(&identity, Some(&authority))
        } else {
            OtlpReceiver::start()
        };
        let receiver = receiver.unwrap();
        let password = authority.certificate_file().with_file_name("password");
        std::fs::write(&password, "s3cret\n").unwrap();
        receiver.set_default(self.reply.clone());
        let closed = ClosedPort::reserve().unwrap();
        let mut variables: HashMap<String, String> = HashMap::from([
            // What a row says nothing about is as fast, and as much out of the way, as can be.
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "{http}"),
            ("OTEL_EXPORTER_PROMETHEUS_PORT", "0"),
        ])
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        variables.extend(self.variables.iter().cloned());
        let grpc = receiver.grpc_endpoint();
        let tls = format!("https://localhost:{}", receiver.grpc_address().port());
        let text = |path: &Path| path.to_str().unwrap().to_owned();
        for value in variables.values_mut() {
            *value = value
                .replace("{http}", &receiver.http_endpoint())
                .replace("{grpc}", &grpc)
                .replace("{address}", &receiver.grpc_address().to_string())
                .replace("{closed}", &closed.endpoint())
                .replace("{tls}", &tls)
                .replace("{ca}", &text(&authority.certificate_file()))
                .replace("{certificate}", &text(identity.certificate_file()))
                .replace("{key}", &text(identity.key_file()))
                .replace("{password}", &text(&password))
                .replace("{port}", &closed.address().port().to_string());
        }
        drop(closed);
        let mut program = Program::start(&variables, self.has_terminal);
        let mut seen = Seen {
            receiver,
            text_page: String::new(),
            open_page: String::new(),
            health: String::new(),
            url: program.wait_until_ready(),
            output: Arc::clone(&program.output),
        };
        seen.scrape();
        if let Some(is_so) = &self.until {
            let deadline = Instant::now() + PATIENCE;
            while !is_so(&seen) {
                assert!(
                    Instant::now() < deadline,
                    "it never came to that; at the end:\n{}\n{}",
                    seen.health,
                    seen.output()
                );
                std::thread::sleep(Duration::from_millis(10));
                seen.scrape();
            }
        }
        program.end();
        (self.sees)(&seen);
    }
}

/// What was seen of a program.
pub(crate) struct Seen {
    pub(crate) receiver: OtlpReceiver,
    /// `/metrics`, in each format.
    pub(crate) text_page: String,
    pub(crate) open_page: String,
    pub(crate) health: String,
    pub(crate) url: Option<String>,
    output: Arc<Output>,
}

impl Seen {
    /// What stands on standard output and standard error.
    pub(crate) fn output(&self) -> String {
        self.output.text.lock().unwrap().0.clone()
    }

    /// The lines of JSON among it.
    pub(crate) fn lines(&self) -> Vec<serde_json::Value> {
        let output = self.output();
        let lines = output.lines().filter(|line| line.starts_with('{'));
        lines
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    }

    /// How often a message was logged.
    pub(crate) fn count(&self, message: &str) -> usize {
        let lines = self.lines();
        lines
            .iter()
            .filter(|line| line["message"] == message)
            .count()
    }

    /// The spans of a name.
    pub(crate) fn spans(&self, name: &str) -> Vec<ReceivedSpan> {
        let spans = self.receiver.spans().into_iter();
        spans.filter(|span| span.span.name == name).collect()
    }

    /// The one span of a name.
    #[track_caller]
    pub(crate) fn span(&self, name: &str) -> ReceivedSpan {
        let mut spans = self.spans(name);
        assert_eq!(spans.len(), 1, "spans named {name}\n{}", self.output());
        spans.remove(0)
    }

    /// The metrics of a name, as OTLP brought them.
    pub(crate) fn metrics(&self, name: &str) -> Vec<ReceivedMetric> {
        let metrics = self.receiver.metrics().into_iter();
        metrics
            .filter(|metric| metric.metric.name == name)
            .collect()
    }

    /// An attribute of the process, as spans bring it.
    pub(crate) fn resource(&self, key: &str) -> Option<Value> {
        let spans = self.receiver.spans();
        spans.first()?.resource_attribute(key).cloned()
    }

    /// The same, where it is text.
    pub(crate) fn resource_text(&self, key: &str) -> Option<String> {
        match self.resource(key)? {
            Value::StringValue(text) => Some(text),
            other => Some(format!("{other:?}")),
        }
    }

    /// How long the shutdown took.
    pub(crate) fn shutdown_millis(&self) -> u64 {
        let output = self.output();
        let after = output.split("ended after ").nth(1);
        let digits = after.and_then(|text| text.split(' ').next());
        digits.unwrap_or_default().parse().unwrap()
    }

    /// What the program serves there to who asks so, in clear; nothing where it does not.
    pub(crate) fn get(&self, path: &str, header: (&str, &str)) -> String {
        let Some(address) = self.address() else {
            return String::new();
        };
        let answer = http::request(address, "GET", path, &[header], &[]);
        answer.map(|answer| answer.text()).unwrap_or_default()
    }

    fn scrape(&mut self) {
        self.text_page = self.get("/metrics", ("Accept", "text/plain"));
        self.open_page = self.get("/metrics", ("Accept", "application/openmetrics-text"));
        self.health = self.get("/health", ("Accept", "*/*"));
    }

    fn address(&self) -> Option<SocketAddr> {
        let url = self.url.as_deref()?;
        let address = url.split_once("://")?.1.strip_suffix("/metrics")?;
        address.parse().ok()
    }
}

/// What a program has written so far.
#[derive(Default)]
struct Output {
    /// The text, and how many of its streams have ended.
    text: Mutex<(String, usize)>,
    changed: Condvar,
}

impl Output {
    fn read(self: &Arc<Self>, from: impl Read + Send + 'static) {
        let own = Arc::clone(self);
        std::thread::spawn(move || {
            let mut from = BufReader::new(from);
            let mut line = String::new();
            // A terminal whose other side is closed answers an error.
            while from.read_line(&mut line).is_ok_and(|read| read > 0) {
                own.text.lock().unwrap().0.push_str(&line.replace('\r', ""));
                own.changed.notify_all();
                line.clear();
            }
            own.text.lock().unwrap().1 += 1;
            own.changed.notify_all();
        });
    }

    /// Waits until it is so.
    fn wait(&self, is_so: impl Fn(&(String, usize)) -> bool) {
        let text = self.text.lock().unwrap();
        let waiting = self
            .changed
            .wait_timeout_while(text, PATIENCE, |text| !is_so(text));
        let (text, timeout) = waiting.unwrap();
        assert!(!timeout.timed_out(), "it wrote but this:\n{}", text.0);
    }
}

struct Program {
    child: Child,
    input: Option<ChildStdin>,
    output: Arc<Output>,
}

impl Program {
    fn start(variables: &HashMap<String, String>, has_terminal: bool) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "--nocapture", "child::program"])
            .env_clear()
            // On a busy machine two seconds may be too few for what is to arrive.
            .env("TTA_SHUTDOWN_TIMEOUT", "10000")
            .envs(variables)
            .env(IS_PROGRAM, "true")
            .stdin(Stdio::piped())
            .stderr(Stdio::piped());
        let output = Arc::<Output>::default();
        if has_terminal {
            let (ours, theirs) = terminal();
            command.stdout(theirs);
            output.read(ours);
        } else {
            command.stdout(Stdio::piped());
        }
        let mut child = command.spawn().unwrap();
        // The other side of a terminal is the child's alone from now on.
        drop(command);
        if let Some(stdout) = child.stdout.take() {
            output.read(stdout);
        }
        output.read(child.stderr.take().unwrap());
        let input = child.stdin.take();
        Self {
            child,
            input,
            output,
        }
    }

    /// Where it serves its metrics, if it does.
    fn wait_until_ready(&self) -> Option<String> {
        self.output
            .wait(|(text, ended)| text.contains("\nready ") || *ended == 2);
        let text = self.output.text.lock().unwrap().0.clone();
        let ready = text.split("\nready ").nth(1);
        let ready = ready.unwrap_or_else(|| panic!("it never was ready:\n{text}"));
        let url = ready.lines().next().unwrap_or_default().trim();
        (url != "-").then(|| url.to_owned())
    }

    fn end(&mut self) {
        drop(self.input.take());
        self.output.wait(|(_, ended)| *ended == 2);
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{}", self.output.text.lock().unwrap().0);
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A terminal: our side of it, and a program's.
fn terminal() -> (File, File) {
    use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&ours).unwrap();
    unlockpt(&ours).unwrap();
    let name = ptsname(&ours, Vec::new()).unwrap();
    let theirs = File::options()
        .read(true)
        .write(true)
        .open(name.to_str().unwrap())
        .unwrap();
    (File::from(ours), theirs)
}

/// Tells the child what it is.
pub(crate) const IS_PROGRAM: &str = "TTA_TABLE_PROGRAM";

const PATIENCE: Duration = Duration::from_mins(1);
