//! What a fault costs the application, against a backend that is well.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tta_core::{WorkflowContext, step};
use tta_telemetry::{ObservabilityConfig, Protocol, SpanSink};
use tta_testkit::faults::report;
use tta_testkit::network::{BlackHole, ClosedPort};
use tta_testkit::otlp::{OtlpReceiver, Reply};

use crate::signals::{await_that, endpoint};
use crate::support::{Act, Scripted, alone, block_on, traces_only};

/// For how long this thread has waited for a processor that somebody else had.
pub(crate) fn waited_for_a_processor() -> Duration {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    let nanos = stat.split_whitespace().nth(1).unwrap().parse().unwrap();
    Duration::from_nanos(nanos)
}

/// What of the throughput is lost with `fault` instead of `well`: the median of so many pairs of
/// runs, one after the other.
///
/// A run's time is all of it but that in which somebody else had the processor: what telemetry
/// makes the application wait for is part of it, and what else runs on the machine is not.
pub(crate) fn loss(well: &dyn Fn() -> Duration, fault: &dyn Fn() -> Duration) -> f64 {
    // Once before, so that what is made once is no part of it.
    well();
    fault();
    let mut losses: Vec<f64> = (0..PAIRS)
        .map(|pair| {
            // In turns, so that a machine that gets slower is no loss of one of them.
            let (well, fault) = if pair % 2 == 0 {
                let well = well();
                (well, fault())
            } else {
                let fault = fault();
                (well(), fault)
            };
            1.0 - well.as_secs_f64() / fault.as_secs_f64()
        })
        .collect();
    losses.sort_by(f64::total_cmp);
    losses[PAIRS / 2]
}

/// How long so many sampled workflows of three steps take, with telemetry as configured. Nothing is
/// timed before `is_ready`.
fn run(config: ObservabilityConfig, is_ready: impl Fn(&tta_telemetry::Status) -> bool) -> Duration {
    let guard = config.with_shutdown_timeout(Duration::ZERO).init();
    let read = |name| {
        step(name, async |page: Arc<str>| {
            let words = page.split_whitespace().map(str::to_lowercase);
            std::hint::black_box(words.filter(|word| word.len() > 3).count());
            Ok(page)
        })
    };
    let flow = read("read_a") >> read("read_b") >> read("read_c");
    let page: Arc<str> = "The quick brown fox jumps over the lazy dog. "
        .repeat(20)
        .into();
    let work = async |count: usize| {
        for _ in 0..count {
            let ctx = WorkflowContext::new();
            flow.execute(Arc::clone(&page), &ctx).await.unwrap();
        }
    };
    let took = block_on(async {
        work(WARM_UP).await;
        await_that("the fault is there", || is_ready(&guard.status()));
        let (began, waited) = (Instant::now(), waited_for_a_processor());
        work(WORKFLOWS).await;
        began
            .elapsed()
            .saturating_sub(waited_for_a_processor().saturating_sub(waited))
    });
    drop(guard);
    took
}

fn degraded(status: &tta_telemetry::Status) -> bool {
    status.part("traces").unwrap().reason.is_some()
}

fn to(endpoint: impl Into<String>) -> ObservabilityConfig {
    traces_only()
        .with_otlp_endpoint(endpoint)
        .with_otlp_protocol(Protocol::Grpc)
        .with_otlp_timeout(Duration::from_millis(50))
}

fn row(number: u8, part: &str, fault: &dyn Fn() -> Duration) {
    let receiver = OtlpReceiver::start().unwrap();
    let well = || {
        receiver.forget();
        run(to(endpoint(&receiver, Protocol::Grpc)), |_| true)
    };
    let loss = loss(&well, fault) * 100.0;
    report(
        number,
        &format!("{part}, {PAIRS} pairs of {WORKFLOWS} sampled workflows"),
        "throughput loss <= 1 %",
        format!("{loss:.1} %"),
        loss <= 1.0,
    );
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "a figure of optimised code: cargo xtask faults --row 1"
)]
fn fault_1_a_collector_that_is_down_costs_no_throughput() {
    let _alone = alone();
    let closed = ClosedPort::reserve().unwrap();
    row(1, "throughput", &|| run(to(closed.endpoint()), degraded));
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "a figure of optimised code: cargo xtask faults --row 2"
)]
fn fault_2_a_collector_that_dies_costs_no_throughput() {
    let _alone = alone();
    row(2, "throughput", &|| {
        let receiver = OtlpReceiver::start().unwrap();
        run(to(endpoint(&receiver, Protocol::Grpc)), |status| {
            if status.ledger.traces.delivered > 0 {
                receiver.stop();
            }
            // What waited when it died is what notices.
            degraded(status) || status.ledger.traces.queued + status.ledger.traces.in_flight == 0
        })
    });
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "a figure of optimised code: cargo xtask faults --row 5"
)]
fn fault_5_a_collector_that_never_answers_costs_no_throughput() {
    let _alone = alone();
    let hole = BlackHole::open().unwrap();
    row(5, "throughput", &|| run(to(hole.endpoint()), degraded));
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "a figure of optimised code: cargo xtask faults --row 7"
)]
fn fault_7_a_slow_collector_costs_no_throughput() {
    let _alone = alone();
    row(7, "throughput", &|| {
        let receiver = OtlpReceiver::start().unwrap();
        receiver.set_default(Reply::Delay(Duration::from_millis(20)));
        run(to(endpoint(&receiver, Protocol::Grpc)), |_| true)
    });
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "a figure of optimised code: cargo xtask faults --row 13"
)]
fn fault_13_a_name_that_is_none_costs_no_throughput() {
    let _alone = alone();
    row(13, "throughput, a name that is none", &|| {
        run(to("http://collector.invalid:4317"), degraded)
    });
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "a figure of optimised code: cargo xtask faults --row 15"
)]
fn fault_15_an_exporter_that_always_panics_costs_no_throughput() {
    let _alone = alone();
    let hook = std::panic::take_hook();
    // A backtrace for each panic would be what is measured.
    std::panic::set_hook(Box::new(|_| {}));
    row(15, "throughput, panics always", &|| {
        let sink: Arc<dyn SpanSink> = Scripted::new(|_| Act::Panic);
        run(traces_only().with_span_sink(sink), degraded)
    });
    std::panic::set_hook(hook);
}

const PAIRS: usize = 15;
const WORKFLOWS: usize = 6_000;
const WARM_UP: usize = 500;
