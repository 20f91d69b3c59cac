//! What a line of log costs its caller: off, and as JSON with four fields, outside and inside a step,
//! beside `tracing-subscriber`'s own JSON.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run has nothing to report"
)]

use std::hint::black_box;
use std::io::{self, Write};

use tracing::Dispatch;
use tracing::dispatcher::with_default;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::{EnvFilter, fmt};
use tta_benches::{Bencher, Group, now};
use tta_core::{Error, Level, WorkflowContext};
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

// A call, as the function that it is held against is one.
#[inline(never)]
fn off(order: u64) {
    let order = black_box(order);
    tracing::debug!(
        order,
        amount = 12.5,
        is_paid = true,
        customer = "c-81",
        "order seen"
    );
}

/// What [`off`] is without its event.
#[inline(never)]
fn nothing(order: u64) {
    black_box(order);
}

fn main() {
    let mut group = Group::new("log_line");
    // The loop and the call, which cost as much as an event that is off.
    group.bench("no event", |b| b.iter(|| nothing(black_box(7))));
    for (who, dispatch) in [("tta", ours()), ("tracing-subscriber", theirs())] {
        let one = dispatch.clone();
        group.bench(&format!("{who}, JSON"), move |b| {
            with_default(&one, || b.iter(|| line(black_box(7))));
        });
        let one = dispatch.clone();
        group.bench(&format!("{who}, off"), move |b| {
            with_default(&one, || b.iter(|| off(black_box(7))));
        });
        group.bench(&format!("{who}, JSON in a step"), move |b| {
            with_default(&dispatch, || in_a_step(b));
        });
    }
    group.finish();
}

/// Lines that have a step's ids.
fn in_a_step(b: &mut Bencher<'_>) {
    let ctx = WorkflowContext::new();
    let lines = async {
        b.iter(|| line(black_box(7)));
        Ok::<_, Error>(())
    };
    now(ctx.workflow("lines", lines)).unwrap();
}
