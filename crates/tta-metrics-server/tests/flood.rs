//! Ten thousand clients at once, and a real scrape among them.
//!
//! The server and the flood each run in a process of their own, so that memory can be told apart
//! and the flood may have all the file descriptors that the system allows. The
//! structure is asserted everywhere, times and memory as a row of the table of faults.

#![expect(
    clippy::expect_used,
    reason = "what a test's helper cannot do fails the test, and the figures are for the reader"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tta_metrics_server::{Exposition, HealthReport, HealthStatus, MetricsServer};
use tta_testkit::faults::report;

#[test]
fn fault_31_a_scrape_is_answered_among_ten_thousand_silent_clients() {
    flood("silent");
}

#[test]
fn fault_31_a_scrape_is_answered_among_ten_thousand_half_sent_requests() {
    flood("half-sent");
}

#[test]
fn fault_31_a_scrape_is_answered_among_ten_thousand_scrapes_that_nobody_reads() {
    flood("unread");
}

fn flood(kind: &str) {
    match env::var(ROLE).as_deref() {
        Ok("server") => serve(),
        Ok(_) => flood_and_scrape(kind),
        Err(_) => {
            let _one_at_a_time = TURN.lock();
            let script = "ulimit -n $(ulimit -Hn); exec \"$0\" \"$1\" --exact --nocapture";
            let mut command = Command::new("sh");
            command.args(["-c", script]);
            let status = run_this_test(command, "flood")
                .wait()
                .expect("it was started");
            assert!(status.success(), "the output above says why");
        }
    }
}

/// Starts this very test again, in another role.
fn run_this_test(mut command: Command, role: &str) -> Child {
    let test = thread::current()
        .name()
        .expect("a test runs on a named thread")
        .to_owned();
    command
        .arg(env::current_exe().expect("this program has a path"))
        .arg(test)
        .env(ROLE, role)
        .spawn()
        .expect("a shell runs")
}

fn serve() {
    let server = MetricsServer::new(LargePage)
        .with_port(0)
        .start()
        .expect("it starts");
    eprintln!("ADDRESS {}", server.local_addr());
    // The end of the input is the end of the flood.
    let _end = std::io::stdin().read_to_end(&mut Vec::new());
    let stats = server.stats();
    eprintln!("{stats:?}");
    assert!(
        stats.connections_peak <= 64,
        "more places were taken than there are"
    );
    assert!(stats.connections_accepted >= 64, "that was no flood");
    assert_eq!(stats.render_panics, 0);
}

fn flood_and_scrape(kind: &str) {
    let script = "exec \"$0\" \"$1\" --exact --nocapture";
    let mut command = Command::new("sh");
    command
        .args(["-c", script])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped());
    let mut server = run_this_test(command, "server");
    let mut output = BufReader::new(server.stderr.take().expect("it is piped"));
    let mut line = String::new();
    output.read_line(&mut line).expect("it says its address");
    let address = line
        .trim()
        .strip_prefix("ADDRESS ")
        .expect("the address")
        .parse()
        .expect("one");

    for _ in 0..20 {
        scrape(address).expect("there is no flood yet");
    }
    let quiet = memory(server.id(), "VmRSS");
    let kind_owned = kind.to_owned();
    thread::spawn(move || run_flood(address, &kind_owned));
    // The flood goes on for as long as it is measured; its beginning counts as well. A machine with
    // other work answers few in that time, of which one that fails is not yet a share.
    let begun = Instant::now();
    let (mut times, mut failures) = (Vec::new(), 0);
    while begun.elapsed() < FLOOD_TIME || (times.len() < ENOUGH && begun.elapsed() < MOST_TIME) {
        let start = Instant::now();
        match scrape(address) {
            Ok(()) => times.push(start.elapsed()),
            Err(_) => failures += 1,
        }
        thread::sleep(Duration::from_millis(10));
    }
    let peak = memory(server.id(), "VmHWM");
    drop(server.stdin.take());
    let mut rest = String::new();
    output
        .read_to_string(&mut rest)
        .expect("it says what it did");
    times.sort();
    let percentile = |share: usize| {
        times
            .get(times.len() * share / 100)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "{kind}: {} scrapes answered, {failures} failed; p50 {:?}, p99 {:?}, max {:?}; \
         memory {quiet} kB before, {peak} kB at most; {rest}",
        times.len(),
        percentile(50),
        percentile(99),
        times.last().copied().unwrap_or_default(),
    );
    assert!(
        server.wait().expect("it was started").success(),
        "the server failed: {rest}"
    );
    assert!(times.len() > 10 * failures, "too few scrapes were answered");
    let open: usize = rest
        .split_once("connections_peak: ")
        .and_then(|(_, rest)| rest.split_once(','))
        .and_then(|(peak, _)| peak.parse().ok())
        .expect("the server says its peak");
    report(
        31,
        &format!("{kind}, open at once"),
        "<= 64",
        open,
        open <= 64,
    );
    let grown = peak.saturating_sub(quiet);
    let measured = format!("+{:.1} MB", grown as f64 / 1e3);
    report(
        31,
        &format!("{kind}, RSS"),
        "+<= 8 MB",
        measured,
        grown <= 8_000,
    );
    // A build that is not optimised has no processor left for the scraper beside the flood.
    if cfg!(not(debug_assertions)) {
        let p99 = percentile(99);
        let met = p99 <= Duration::from_millis(200);
        report(
            31,
            &format!("{kind}, scrape"),
            "p99 <= 200 ms",
            format!("{p99:.1?}"),
            met,
        );
    }
}

/// As many clients as descriptors allow, each coming back about a second after it is thrown out.
fn run_flood(address: SocketAddr, kind: &str) {
    let bytes: &'static [u8] = match kind {
        "silent" => b"",
        "half-sent" => b"GET /metrics HTTP/1.1\r\nHost: flood\r\nX-Half",
        _ => b"GET /metrics HTTP/1.1\r\nHost: flood\r\n\r\n",
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.expect("a runtime").block_on(async {
        for client in 0..CLIENTS {
            tokio::spawn(async move {
                loop {
                    if let Ok(mut stream) = tokio::net::TcpStream::connect(address).await
                        && stream.write_all(bytes).await.is_ok()
                    {
                        if bytes.ends_with(b"\r\n\r\n") {
                            tokio::time::sleep(FLOOD_TIME).await;
                        }
                        let _thrown_out = stream.read(&mut [0; 16]).await;
                    }
                    // All at once is how it begins; they come back one by one.
                    let pause = 500 + client * 7919 % 1000;
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
            });
        }
        tokio::time::sleep(MOST_TIME * 2).await;
    });
}

/// One whole scrape over a connection of its own.
fn scrape(address: SocketAddr) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: scraper\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    if answer.len() < PAGE_LINES * LINE.len() {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(())
}

/// A figure in kB from what the kernel knows about a process.
fn memory(process: u32, figure: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).expect("Linux");
    let line = status
        .lines()
        .find(|line| line.starts_with(figure))
        .expect("the figure");
    line.split_whitespace()
        .nth(1)
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

/// About as large as a thousand series.
struct LargePage;

impl Exposition for LargePage {
    fn metrics(&self, _content_type: &'static str) -> Vec<u8> {
        LINE.repeat(PAGE_LINES).into_bytes()
    }

    fn health(&self) -> HealthReport {
        HealthReport::new(HealthStatus::Healthy, "{}")
    }
}

const LINE: &str =
    "primitive_executions_total{primitive=\"assistant\",status=\"success\"} 1234567\n";
const PAGE_LINES: usize = 1000;
const CLIENTS: u64 = 10_000;
const FLOOD_TIME: Duration = Duration::from_secs(4);
const MOST_TIME: Duration = Duration::from_mins(1);
/// Scrapes of which a tenth may fail.
const ENOUGH: usize = 50;
const ROLE: &str = "TTA_TEST_FLOOD_ROLE";
/// Floods that run at the same time would measure each other.
static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
