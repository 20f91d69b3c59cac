//! What a line of log costs its caller: off, and as JSON with four fields, outside and inside a step,
//! beside `tracing-subscriber`'s own JSON.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run has nothing to report"
)]

use std::hint::black_box;
use std::io::{self, Write};
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

use criterion::{Criterion, criterion_group, criterion_main};
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, fmt};
use tta_core::{Level, WorkflowContext, step};
use tta_telemetry::LogFormat;
use tta_telemetry::logs::{LogOptions, LogWriter, log_layer};

/// Takes every line and forgets it.
#[derive(Clone, Copy)]
struct Nowhere;

impl Write for Nowhere {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(black_box(bytes).len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn ours() -> Dispatch {
    let layer = log_layer(LogOptions {
        service: "bench".to_owned(),
        filter: Level::Info.into(),
        format: LogFormat::Json,
        writer: LogWriter::new(Nowhere).unwrap(),
    });
    tracing_subscriber::registry().with(layer).into()
}

fn theirs() -> Dispatch {
    let layer = fmt::layer().json().with_writer(|| Nowhere);
    let filter = EnvFilter::new("info");
    tracing_subscriber::registry()
        .with(filter)
        .with(layer)
        .into()
}

fn line(order: u64) {
    tracing::info!(
        order,
        amount = 12.5,
        is_paid = true,
        customer = "c-81",
        "order placed"
    );
}

fn off(order: u64) {
    tracing::debug!(
        order,
        amount = 12.5,
        is_paid = true,
        customer = "c-81",
        "order seen"
    );
}

/// Calls from inside a step, so that lines have its ids.
fn in_step(work: impl FnMut()) {
    let work = std::sync::Mutex::new(Some(work));
    let ctx = WorkflowContext::new();
    let inside = async {
        if let Some(mut work) = work.lock().unwrap().take() {
            work();
        }
        Ok::<_, tta_core::Error>(())
    };
    let mut workflow = pin!(ctx.workflow("lines", inside));
    match workflow
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(result) => result.unwrap(),
        Poll::Pending => unreachable!("it never waits"),
    }
}

fn measure(criterion: &mut Criterion) {
    // Keeps the measured steps from being left out of the program.
    let _step = step("unused", async |n: u64| Ok(n));
    let mut group = criterion.benchmark_group("log_line");
    for (who, dispatch) in [("ours", ours()), ("tracing-subscriber", theirs())] {
        tracing::dispatcher::with_default(&dispatch, || {
            group.bench_function(format!("{who}/json"), |b| b.iter(|| line(black_box(7))));
            group.bench_function(format!("{who}/off"), |b| b.iter(|| off(black_box(7))));
            in_step(|| {
                group.bench_function(format!("{who}/json_in_step"), |b| {
                    b.iter(|| line(black_box(7)));
                });
            });
        });
    }
    group.finish();
    ratio();
}

/// The medians of rounds in turns, so that whatever else the machine does is all the same to both.
fn ratio() {
    const LINES: u32 = 2_000;
    let both = [ours(), theirs()];
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..101 {
        for (dispatch, times) in both.iter().zip(&mut times) {
            tracing::dispatcher::with_default(dispatch, || {
                let began = Instant::now();
                (0..LINES).for_each(|order| line(u64::from(order)));
                times.push(began.elapsed() / LINES);
            });
        }
    }
    let [ours, theirs] = times.map(|mut times| {
        times.sort();
        times.get(50).copied().unwrap_or_default()
    });
    let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
    println!("a line: ours {ours:?}, tracing-subscriber {theirs:?}, {ratio:.2} x ours");
}

criterion_group!(benches, measure);
criterion_main!(benches);
