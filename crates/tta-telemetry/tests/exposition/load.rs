//! Scrapes while the application measures a million times a second.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tta_core::{Histogram, MetricSpec, Unit, registry};
use tta_metrics_server::MetricsServer;
use tta_telemetry::exposition::{ExpositionOptions, PrometheusExposition};
use tta_testkit::faults::report;
use tta_testkit::http;

use crate::own::{declared, lines};

#[test]
fn fault_36_scrapes_under_load_are_whole_and_cost_the_application_nothing() {
    let spec = MetricSpec::histogram("loaded_wait_seconds", Unit::Seconds, "Waits.");
    let histogram = registry()
        .histogram(declared(spec.bounds(&[0.1, 1.0])), &[])
        .unwrap();
    let exposition = PrometheusExposition::new(ExpositionOptions::default());
    let server = MetricsServer::new(exposition).with_port(0).start().unwrap();
    let load = Load::start(&histogram);

    let began = Instant::now();
    let (mut scrapes, mut whole, mut before) = (0, 0, 0);
    while began.elapsed() < MEASURED || scrapes < 20 {
        let (buckets, count) = scrape(server.local_addr());
        let grows = buckets.is_sorted() && count >= before;
        whole += u32::from(grows && buckets.last() == Some(&count));
        before = count;
        scrapes += 1;
    }
    let rate = load.updates() as f64 / began.elapsed().as_secs_f64();
    let cost = cfg!(not(debug_assertions)).then(|| cost(&load, server.local_addr()));
    let updates = load.stop();
    assert_eq!(scrape(server.local_addr()).1, updates, "none is lost");
    report(
        36,
        "bucket sum = count",
        "in every scrape",
        format!("in {whole} of {scrapes}, at {:.1} M updates/s", rate / 1e6),
        whole == scrapes,
    );
    if let Some((loss, waits)) = cost {
        // Below nothing is noise.
        let measured = format!("{:.2} %, {waits} waits of updates", loss.max(0.0) * 100.0);
        let goal = "throughput loss <= 1 % at a scrape a second, no update waits";
        report(
            36,
            "throughput",
            goal,
            measured,
            loss <= 0.01 && waits == 0 && rate >= 1e6,
        );
    }
}

/// What a scrape a second adds to the processor time of an update, the server's own included, and
/// how often an update had to wait for something: the median of pairs of seconds, in turns.
///
/// Processor time, because on a machine that others use as well, the time on the clock is theirs.
fn cost(load: &Load, server: SocketAddr) -> (f64, u64) {
    let second = |scrapes: bool| {
        let (updates, used, waits) = (load.updates(), processor_time(), Load::waits());
        let until = Instant::now() + Duration::from_secs(1);
        if scrapes {
            scrape(server);
        }
        thread::sleep(until.saturating_duration_since(Instant::now()));
        let used = processor_time().saturating_sub(used);
        let per_update = used.as_nanos() as f64 / (load.updates() - updates) as f64;
        (per_update, Load::waits() - waits)
    };
    let mut losses = Vec::new();
    let mut waits = 0;
    for _ in 0..PAIRS {
        let (without, _) = second(false);
        let (with, waited) = second(true);
        losses.push(with / without - 1.0);
        waits += waited;
    }
    losses.sort_by(f64::total_cmp);
    let median = losses.get(PAIRS / 2).copied();
    (median.unwrap_or(f64::NAN), waits)
}

/// Threads that do nothing but measure.
struct Load {
    is_over: Arc<AtomicBool>,
    updates: Arc<[AtomicU64; THREADS]>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Load {
    fn start(histogram: &Histogram) -> Self {
        let is_over = Arc::new(AtomicBool::new(false));
        let updates: Arc<[AtomicU64; THREADS]> = Arc::default();
        let run = |number: usize| {
            let (is_over, updates) = (Arc::clone(&is_over), Arc::clone(&updates));
            let histogram = histogram.clone();
            let work = move || {
                let mut done = 0;
                while !is_over.load(Ordering::Relaxed) {
                    for value in [0.05, 0.5, 5.0, 0.05] {
                        histogram.record_value(value);
                    }
                    done += 4;
                    if let Some(own) = updates.get(number) {
                        own.store(done, Ordering::Relaxed);
                    }
                }
            };
            let name = format!("load-{number}");
            thread::Builder::new().name(name).spawn(work).unwrap()
        };
        Self {
            threads: (0..THREADS).map(run).collect(),
            is_over,
            updates,
        }
    }

    fn updates(&self) -> u64 {
        let all = self.updates.iter();
        all.map(|updates| updates.load(Ordering::Relaxed)).sum()
    }

    /// How often its threads gave up the processor of themselves, as one does that waits for a lock.
    fn waits() -> u64 {
        let mut waits = 0;
        each_thread(|name, folder| {
            if name.starts_with("load-") {
                let status = std::fs::read_to_string(format!("{folder}/status")).unwrap();
                let line = status
                    .lines()
                    .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
                waits += line.unwrap().trim().parse::<u64>().unwrap();
            }
        });
        waits
    }

    fn stop(self) -> u64 {
        self.is_over.store(true, Ordering::Relaxed);
        for thread in self.threads {
            thread.join().unwrap();
        }
        self.updates
            .iter()
            .map(|it| it.load(Ordering::Relaxed))
            .sum()
    }
}

/// What the application and the server have used; not the scraper, which is elsewhere as a rule.
fn processor_time() -> Duration {
    let mut nanos = 0;
    each_thread(|name, folder| {
        if name.starts_with("load-") || name.starts_with("metrics-") {
            let used = std::fs::read_to_string(format!("{folder}/schedstat")).unwrap();
            nanos += used.split(' ').next().unwrap().parse::<u64>().unwrap();
        }
    });
    Duration::from_nanos(nanos)
}

fn each_thread(mut visit: impl FnMut(&str, &str)) {
    for task in std::fs::read_dir("/proc/self/task").unwrap() {
        let folder = task.unwrap().path().display().to_string();
        // A thread of another test may have ended meanwhile.
        if let Ok(name) = std::fs::read_to_string(format!("{folder}/comm")) {
            visit(name.trim(), &folder);
        }
    }
}

/// The cumulative buckets of the histogram, and its count.
fn scrape(server: SocketAddr) -> (Vec<u64>, u64) {
    let page = http::get(server, "/metrics").unwrap().text();
    let value = |line: &str| line.rsplit_once(' ').unwrap().1.parse().unwrap();
    let own = lines(&page, "loaded_wait_seconds");
    let buckets = own.iter().filter(|line| line.contains("_bucket"));
    let count = own.iter().find(|line| line.contains("_count")).unwrap();
    (buckets.map(|line| value(line)).collect(), value(count))
}

const THREADS: usize = 2;
const PAIRS: usize = 9;
const MEASURED: Duration = Duration::from_millis(500);
