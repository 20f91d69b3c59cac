//! Processes that are given too little: no thread, no file descriptor, no memory.

use std::fs::File;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tta_core::{WorkflowContext, step};
use tta_telemetry::{ObservabilityConfig, Sampler, State};
use tta_testkit::faults::report;
use tta_testkit::http::get;
use tta_testkit::network::BlackHole;
use tta_testkit::otlp::OtlpReceiver;

use super::child::{ENDPOINT, Running, say, scenario, share_of_a_core, told};
use super::support::eventually;

fn everything() -> ObservabilityConfig {
    ObservabilityConfig::from_env_with("child", |name| {
        (name == "OTEL_METRICS_EXPORTER").then(|| "prometheus,otlp".to_owned())
    })
    .with_otlp_endpoint(told(ENDPOINT))
    .with_prometheus_port(0)
    .with_tail_keep(true)
    .with_batch_delay(Duration::from_millis(50))
    .with_metric_interval(Duration::from_millis(500))
    .with_shutdown_timeout(Duration::from_secs(1))
}

/// Runs workflows of steps that never wait, which need no runtime.
fn run_workflows(count: usize) {
    let flow = step("now", async |n: u32| Ok(n + 1)) >> step("too", async |n: u32| Ok(n * 2));
    for _ in 0..count {
        assert_eq!(
            at_once(flow.execute(20, &WorkflowContext::new())).unwrap(),
            42
        );
    }
}

fn at_once<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut cx = Context::from_waker(Waker::noop());
    match future.as_mut().poll(&mut cx) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the future waits"),
    }
}

fn say_how_it_went(guard: &tta_telemetry::ObservabilityGuard) {
    let status = guard.status();
    say("state", status.state.as_str());
    say("share", share_of_a_core(Duration::from_secs(2)));
    let report = guard.shutdown();
    say("balanced", report.ledger.all().is_balanced());
}

pub(crate) fn has_no_threads() {
    let refused = std::thread::Builder::new().spawn(|| {}).is_err();
    say("refused", refused);
    let guard = everything().init();
    run_workflows(1_000);
    say_how_it_went(&guard);
}

pub(crate) fn has_no_descriptors() {
    let before = told("TTA_TEST_BEFORE") == "true";
    let mut hoard = Vec::new();
    let mut take_all = || {
        while let Ok(file) = File::open("/dev/null") {
            hoard.push(file);
        }
        say("refused", hoard.len() < 64);
    };
    let config = everything();
    if before {
        take_all();
        let guard = config.init();
        run_workflows(1_000);
        say_how_it_went(&guard);
    } else {
        let guard = config.init();
        run_workflows(10);
        let url = guard.status().metrics_url.unwrap();
        let address = url
            .trim_start_matches("http://")
            .trim_end_matches("/metrics")
            .parse()
            .unwrap();
        // A client whose connection cannot be accepted: its own descriptor is taken first.
        let socket = TcpListener::bind("127.0.0.1:0").unwrap();
        take_all();
        drop(socket);
        let client = TcpStream::connect(address).unwrap();
        run_workflows(50);
        say("share", share_of_a_core(Duration::from_secs(2)));
        drop((client, hoard));
        eventually("it is scraped again", || get(address, "/metrics").is_ok());
        eventually("it exports again", || {
            run_workflows(1);
            guard.flush(Duration::from_secs(1)) && guard.status().state == State::Healthy
        });
        say("state", guard.status().state.as_str());
        say("balanced", guard.shutdown().ledger.all().is_balanced());
    }
}

pub(crate) fn has_little_memory() {
    let guard = everything().with_sampler(Sampler::Ratio(0.5)).init();
    // What the application needs for itself, beside what telemetry would like to keep.
    let mut own = Vec::new();
    let flow = step("wordy", async |n: usize, ctx: &WorkflowContext| {
        ctx.set_attribute("text", "x".repeat(2_000));
        ctx.child().event("noted", Vec::new());
        Ok(vec![u8::try_from(n % 251).unwrap(); 1_000])
    });
    for n in 0..80_000 {
        own.push(at_once(flow.execute(n, &WorkflowContext::new())).unwrap());
    }
    let sum: u64 = own.iter().flatten().map(|byte| u64::from(*byte)).sum();
    say("sum", sum);
    say("state", guard.status().state.as_str());
    let account = guard.ledger().traces;
    say("dropped", account.dropped());
    let report = guard.shutdown();
    say("balanced", report.ledger.all().is_balanced());
}

/// How to run something as a user whose processes are counted: the superuser's are not.
struct Stranger {
    program: PathBuf,
    is_copy: bool,
}

impl Stranger {
    fn new() -> Self {
        let program = std::env::current_exe().unwrap();
        if !is_root() {
            return Self {
                program,
                is_copy: false,
            };
        }
        // Where the program lies others may not be allowed to look.
        let copy = std::env::temp_dir().join(format!("tta-processes-{}", std::process::id()));
        std::fs::copy(&program, &copy).unwrap();
        Self {
            program: copy,
            is_copy: true,
        }
    }

    /// The scenario with so many threads, its first one among them.
    fn scenario(&self, name: &str, threads: u32) -> Command {
        let limit = format!("--nproc={threads}:{threads}");
        let around = if self.is_copy {
            let user = ["setpriv", "--reuid=54321", "--clear-groups", "prlimit"];
            [&user[..], &[limit.as_str()]].concat()
        } else {
            vec!["prlimit", limit.as_str()]
        };
        let command = scenario(name, &around);
        // The same command with the program where others may look.
        let mut moved = Command::new(command.get_program());
        let own = std::env::current_exe().unwrap();
        moved.args(command.get_args().map(|argument| {
            if Path::new(argument) == own {
                self.program.as_os_str()
            } else {
                argument
            }
        }));
        for (name, value) in command.get_envs() {
            moved.env(name, value.unwrap());
        }
        moved.stdout(std::process::Stdio::piped());
        moved
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        if self.is_copy {
            let _ = std::fs::remove_file(&self.program);
        }
    }
}

fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"))
}

/// Runs a command, and holds what the scenario said against the row.
fn goes_on(part: &str, state: State, mut command: Command, endpoint: String) {
    command.env(ENDPOINT, endpoint);
    let (said, status) = Running::start(command).end();
    assert!(status.success(), "{part}: {status} {said:?}");
    assert_eq!(
        said.get("refused").map(String::as_str),
        Some("true"),
        "{part}"
    );
    assert_eq!(
        said.get("state").map(String::as_str),
        Some(state.as_str()),
        "{part}"
    );
    assert_eq!(
        said.get("balanced").map(String::as_str),
        Some("true"),
        "{part}"
    );
    let share: f64 = said.get("share").unwrap().parse().unwrap();
    let panics = said.get("panics").unwrap();
    let measured = format!(
        "{}, {panics} panics, {:.1} %",
        state.as_str(),
        share * 100.0
    );
    report(
        26,
        part,
        "0 panics, <= 5 % of a core",
        measured,
        share <= 0.05 && panics == "0",
    );
}

#[test]
fn fault_26_without_threads_telemetry_is_degraded_and_the_application_works() {
    let receiver = OtlpReceiver::start().unwrap();
    let stranger = Stranger::new();
    let command = stranger.scenario("has_no_threads", 1);
    goes_on(
        "no thread can be started",
        State::Degraded,
        command,
        receiver.http_endpoint(),
    );
}

#[test]
fn fault_26_without_descriptors_telemetry_is_degraded_and_the_application_works() {
    for (part, before, state) in [
        ("no descriptor is left before init", "true", State::Degraded),
        // It is scraped again when there are some.
        ("no descriptor is left for a while", "false", State::Healthy),
    ] {
        let receiver = OtlpReceiver::start().unwrap();
        let mut command = scenario("has_no_descriptors", &["prlimit", "--nofile=64:64"]);
        command.env("TTA_TEST_BEFORE", before);
        goes_on(part, state, command, receiver.http_endpoint());
    }
}

#[test]
fn fault_28_with_little_memory_telemetry_is_given_up_and_the_application_finishes() {
    for megabytes in [256_u64, 640] {
        let hole = BlackHole::open().unwrap();
        let limit = format!("--as={}", megabytes << 20);
        let mut command = scenario("has_little_memory", &["prlimit", &limit]);
        command.env(ENDPOINT, hole.endpoint());
        let (said, status) = Running::start(command).end();
        assert!(status.success(), "{status} {said:?}");
        assert_eq!(said.get("balanced").map(String::as_str), Some("true"));
        let expected: u64 = (0..80_000_u64).map(|n| n % 251 * 1_000).sum();
        let is_right = said.get("sum") == Some(&expected.to_string());
        let (state, dropped) = (said.get("state").unwrap(), said.get("dropped").unwrap());
        // Where there is no room nothing is recorded; where there is, the queue has its bounds.
        let is_bounded = (megabytes == 256 && state == "degraded") || dropped != "0";
        report(
            28,
            &format!("{megabytes} MB, a backend that hangs, 80 MB of the application's own"),
            "the application finishes, telemetry is given up first",
            format!("finished, telemetry {state}, {dropped} spans dropped"),
            is_right && is_bounded,
        );
    }
}
