//! A backend that is much slower than the application makes spans.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tta_core::{
    ActiveSpan, Level, LogRecord, Parent, Recorder, TraceId, TraceNotes, WorkflowContext,
    install_recorder, step, uninstall_recorder,
};
use tta_telemetry::opentelemetry::global;
use tta_telemetry::opentelemetry::trace::{Span, Tracer};
use tta_telemetry::{DropReason, Protocol};
use tta_testkit::faults::{percentile, report};
use tta_testkit::otlp::{OtlpReceiver, Reply};

use crate::signals::endpoint;
use crate::support::{alone, assert_balanced, block_on, traces_only};
use crate::throughput::waited_for_a_processor;

/// Where nothing is optimised the account is looked at alone.
const SPANS: usize = if cfg!(debug_assertions) {
    40_000
} else {
    1_000_000
};

/// One batch of 512 in 20 ms, ten times over.
const SPANS_A_SECOND: f64 = 10.0 * 512.0 / 0.020;

/// Ends spans at the rate, so many at a time, and answers how long each end took, without the time
/// in which somebody else had the processor.
async fn paced(at_a_time: usize, mut end: impl AsyncFnMut() -> Duration) -> Vec<Duration> {
    let began = Instant::now();
    let count = SPANS / at_a_time;
    let mut took = Vec::with_capacity(count);
    let mut waited = waited_for_a_processor();
    for index in 0..count {
        if index % 32 == 0 {
            let made = (index * at_a_time) as f64;
            let due = began + Duration::from_secs_f64(made / SPANS_A_SECOND);
            while Instant::now() < due {
                std::hint::spin_loop();
            }
            waited = waited_for_a_processor();
        }
        let mut one = end().await;
        if one > Duration::from_micros(200) {
            let now = waited_for_a_processor();
            one = one.saturating_sub(now.saturating_sub(waited));
            waited = now;
        }
        took.push(one);
    }
    took
}

fn report_ends(part: &str, mut took: Vec<Duration>) {
    if cfg!(debug_assertions) {
        return;
    }
    let p99 = percentile(&mut took, 0.99);
    let most = took.last().copied().unwrap_or_default();
    report(
        7,
        &format!("{part}, p99"),
        "span end p99 <= 1 us",
        format!("{p99:.1?}"),
        p99 <= Duration::from_micros(1),
    );
    report(
        7,
        &format!("{part}, longest"),
        "span end <= 1 ms",
        format!("{most:.1?}"),
        most <= Duration::from_millis(1),
    );
}

/// Times how long telemetry keeps who hands over the spans of a workflow.
struct Timed {
    inner: Arc<dyn Recorder>,
    took: Mutex<Duration>,
}

impl Recorder for Timed {
    fn ambient_parent(&self) -> Option<Parent> {
        self.inner.ambient_parent()
    }

    fn sample(&self, trace_id: TraceId, parent: Option<&Parent>) -> bool {
        self.inner.sample(trace_id, parent)
    }

    fn record(&self, trace: TraceNotes) {
        let began = Instant::now();
        self.inner.record(trace);
        *self.took.lock().unwrap() = began.elapsed();
    }

    fn log_level(&self) -> Option<Level> {
        None
    }

    fn log(&self, record: &LogRecord<'_>) {
        self.inner.log(record);
    }

    fn wants_scope(&self) -> bool {
        self.inner.wants_scope()
    }

    fn scope(&self, span: &ActiveSpan<'_>, poll: &mut dyn FnMut()) {
        self.inner.scope(span, poll);
    }
}

#[test]
fn fault_7_a_slow_backend_under_ten_times_its_load_is_never_waited_for() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    receiver.set_default(Reply::Delay(Duration::from_millis(20)));
    let guard = traces_only()
        .with_otlp_endpoint(endpoint(&receiver, Protocol::HttpProtobuf))
        .with_otlp_protocol(Protocol::HttpProtobuf)
        .with_batch_size(512)
        .with_queue_size(2_048)
        .with_shutdown_timeout(Duration::from_secs(30))
        .init();

    let tracer = global::tracer("slow");
    let of_opentelemetry = block_on(paced(1, async || {
        let mut span = tracer.start("work");
        let began = Instant::now();
        span.end();
        began.elapsed()
    }));
    assert_balanced(&guard);

    // The installed one is put back when it has been taken out.
    let inner = uninstall_recorder().unwrap();
    let timed = Arc::new(Timed {
        inner: Arc::clone(&inner),
        took: Mutex::default(),
    });
    install_recorder(inner);
    let work = step("work", async |n: u32| Ok(n));
    let per_workflow = 2;
    let of_workflows = block_on(paced(per_workflow, async || {
        let recorder = Arc::clone(&timed) as Arc<dyn Recorder>;
        let ctx = WorkflowContext::builder().recorder(recorder).build();
        work.execute(1, &ctx).await.unwrap();
        *timed.took.lock().unwrap()
    }));
    assert_balanced(&guard);

    let account = guard.shutdown().ledger.traces;
    let overflow = account.dropped_for(DropReason::QueueFull);
    let arrived = receiver.span_count() as u64;
    report(
        7,
        "ledger",
        "made = delivered + overflow, delivered = arrived",
        format!(
            "{} = {} + {overflow}, {arrived} arrived",
            account.created, account.delivered
        ),
        account.created == 2 * SPANS as u64
            && account.created == account.delivered + overflow
            && account.delivered == arrived
            && overflow > 0,
    );
    report_ends("spans of OpenTelemetry", of_opentelemetry);
    report_ends("workflows of 2 spans", of_workflows);
}
