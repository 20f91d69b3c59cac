//! What a further step costs on one thread, and on each of two at once: the same step and so the same
//! histogram, in rounds that take turns, so that a busy machine slows all of them alike.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a benchmark that cannot run has nothing to report"
)]

use std::hint::black_box;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::{Duration, Instant};

use tta_benches::now;
use tta_core::{
    Attribute, DURATION_BOUNDS, Flow, MetricKind, MetricSpec, Operand, Parent, Recorder, TraceId,
    TraceRecords, Unit, WorkflowContext, registry, step,
};

/// Takes everything and drops it.
struct Discard {
    sampled: bool,
}

impl Recorder for Discard {
    fn sample(&self, _: TraceId, _: Option<&Parent>) -> bool {
        self.sampled
    }

    fn record(&self, trace: TraceRecords) {
        drop(black_box(trace));
    }
}

fn with_attributes() -> Flow<impl Operand<Input = u64, Output = u64>> {
    step("attributes", async |n: u64, ctx: &WorkflowContext| {
        ctx.set_attributes([
            Attribute::new("model", "small"),
            Attribute::new("prompt_tokens", n),
            Attribute::new("cost_usd", 0.25),
            Attribute::new("cached", false),
        ]);
        Ok(black_box(n) + 1)
    })
}

fn eleven() -> Flow<impl Operand<Input = u64, Output = u64>> {
    let five = || {
        with_attributes()
            >> with_attributes()
            >> with_attributes()
            >> with_attributes()
            >> with_attributes()
    };
    five() >> five() >> with_attributes()
}

fn workflows<P: Operand<Input = u64, Output = u64>>(
    flow: &Flow<P>,
    recorder: Option<&Arc<dyn Recorder>>,
) {
    for _ in 0..WORKFLOWS {
        let mut builder = WorkflowContext::builder();
        if let Some(recorder) = recorder {
            builder = builder.recorder(Arc::clone(recorder));
        }
        let ctx = builder.build();
        black_box(now(flow.execute(1, &ctx)).unwrap());
    }
}

/// Nanoseconds for one call of `work`, per thread.
fn time(threads: usize, work: &(dyn Fn() + Sync)) -> f64 {
    let start = Barrier::new(threads);
    let timed = || {
        start.wait();
        let begun = Instant::now();
        work();
        begun.elapsed()
    };
    let longest = thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(timed)).collect();
        let mine = timed();
        let others = others.into_iter().map(|other| other.join().unwrap());
        others.fold(mine, Duration::max)
    });
    longest.as_nanos() as f64
}

/// One subject: what a round of it does, and how many operations it is taken for.
struct Subject<'a> {
    name: &'static str,
    more: Box<dyn Fn() + Sync + 'a>,
    less: Box<dyn Fn() + Sync + 'a>,
    operations: f64,
}

fn main() {
    let (one, eleven) = (with_attributes(), eleven());
    let unsampled: Arc<dyn Recorder> = Arc::new(Discard { sampled: false });
    let sampled: Arc<dyn Recorder> = Arc::new(Discard { sampled: true });
    let histogram = registry().histogram(&DURATIONS, &[]).unwrap();
    let steps = |name, recorder: Option<&Arc<dyn Recorder>>| {
        let (recorder, again) = (recorder.cloned(), recorder.cloned());
        let (one, eleven) = (&one, &eleven);
        Subject {
            name,
            more: Box::new(move || workflows(eleven, recorder.as_ref())),
            less: Box::new(move || workflows(one, again.as_ref())),
            operations: 10.0 * WORKFLOWS as f64,
        }
    };
    let subjects = [
        Subject {
            name: "two readings of the clock",
            more: Box::new(|| repeat(|| (Instant::now(), Instant::now()))),
            less: Box::new(|| {}),
            operations: REPEATED as f64,
        },
        steps("step, statistics", None),
        steps("step, unsampled", Some(&unsampled)),
        steps("step, sampled with 4 attributes", Some(&sampled)),
        Subject {
            name: "histogram record",
            more: Box::new(|| repeat(|| histogram.record(black_box(Duration::from_micros(7))))),
            less: Box::new(|| {}),
            operations: REPEATED as f64,
        },
    ];
    let rounds = if std::env::args().any(|arg| arg == "--quick") {
        QUICK_ROUNDS
    } else {
        ROUNDS
    };
    let mut times = vec![[Vec::new(), Vec::new()]; subjects.len()];
    for _ in 0..rounds {
        for (subject, times) in subjects.iter().zip(&mut times) {
            for (threads, times) in (1..).zip(times) {
                let taken = time(threads, &*subject.more) - time(threads, &*subject.less);
                times.push(taken / subject.operations);
            }
        }
    }
    let clock = median(&mut times[0][0].clone());
    println!("| | one thread, ns | of the clock | each of two, ns | two over one |");
    println!("|---|---:|---:|---:|---:|");
    for (subject, [one, two]) in subjects.iter().zip(&mut times) {
        // The ratio of each round, as both halves of it saw the same machine.
        let mut ratios: Vec<f64> = one.iter().zip(&*two).map(|(one, two)| two / one).collect();
        let (one, two, ratio) = (median(one), median(two), median(&mut ratios));
        let name = subject.name;
        println!(
            "| {name} | {one:.1} | {:.2} | {two:.1} | {ratio:.2} |",
            one / clock
        );
    }
}

fn repeat<T>(mut work: impl FnMut() -> T) {
    for _ in 0..REPEATED {
        black_box(work());
    }
}

fn median(values: &mut [f64]) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

static DURATIONS: MetricSpec = MetricSpec {
    name: "benched_seconds",
    help: "What two threads record at once.",
    kind: MetricKind::Histogram,
    unit: Unit::Seconds,
    labels: &[],
    bounds: DURATION_BOUNDS,
    aliases: &[],
};

const WORKFLOWS: usize = 200;
const REPEATED: usize = 2_000;
const ROUNDS: usize = 1_000;
const QUICK_ROUNDS: usize = 100;
