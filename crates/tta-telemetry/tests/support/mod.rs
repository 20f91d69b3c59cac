//! What the tests of the whole pipeline share: one initialisation at a time, and sinks to order.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test program uses a part of it"
)]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tta_core::{Result, WorkflowContext, step};
use tta_telemetry::opentelemetry_sdk::trace::SpanData;
use tta_telemetry::{
    ExportError, Exported, Exporting, ObservabilityConfig, ObservabilityGuard, SpanSink,
};

/// Telemetry is one in a process, so tests that initialise it take turns.
pub fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Traces alone: no port, no lines, and batches that do not wait for long.
pub fn traces_only() -> ObservabilityConfig {
    ObservabilityConfig::new("test")
        .with_prometheus(false)
        .with_logs(false)
        .with_batch_delay(Duration::from_millis(20))
}

/// Runs a workflow of a root and two steps, three spans in all.
pub fn run_workflow() -> Result<u32> {
    block_on(async {
        let double = step("double", async |n: u32| Ok(n * 2));
        let increment = step("increment", async |n: u32| Ok(n + 1));
        (double >> increment)
            .execute(20, &WorkflowContext::new())
            .await
    })
}

pub fn run_workflows(count: usize) {
    for _ in 0..count {
        assert_eq!(run_workflow().unwrap(), 41);
    }
}

pub const SPANS: u64 = 3;

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(future)
}

pub fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let began = Instant::now();
    let value = work();
    (value, began.elapsed())
}

/// Asks again and again until it is so, up to the deadline.
pub fn eventually(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < until, "never came to pass: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub fn assert_balanced(guard: &ObservabilityGuard) {
    let account = guard.ledger().traces;
    assert!(account.is_balanced(), "{account:?}");
    assert!(tta_telemetry::ledger().traces.is_balanced());
}

/// Keeps spans, after doing what a test wants at each attempt.
pub struct Scripted<F> {
    attempts: AtomicUsize,
    script: F,
    kept: Mutex<Vec<SpanData>>,
}

/// What a [`Scripted`] sink does with a batch.
pub enum Act {
    Take,
    Panic,
    Fail(ExportError),
    Hang,
}

impl<F: Fn(usize) -> Act + Send + Sync + 'static> Scripted<F> {
    /// A sink that asks the script, with the number of the attempt, what to do.
    pub fn new(script: F) -> std::sync::Arc<Self> {
        std::sync::Arc::new(Self {
            attempts: AtomicUsize::new(0),
            script,
            kept: Mutex::default(),
        })
    }

    pub fn attempts(&self) -> usize {
        self.attempts.load(Ordering::SeqCst)
    }

    pub fn spans(&self) -> Vec<SpanData> {
        self.kept.lock().unwrap().clone()
    }
}

impl<F: Fn(usize) -> Act + Send + Sync + 'static> SpanSink for Scripted<F> {
    fn protocol(&self) -> &'static str {
        "test"
    }

    fn export<'a>(&'a self, batch: &'a [SpanData]) -> Exporting<'a> {
        Box::pin(async move {
            let attempt = self.attempts.fetch_add(1, Ordering::SeqCst);
            match (self.script)(attempt) {
                Act::Take => {
                    self.kept.lock().unwrap().extend_from_slice(batch);
                    Ok(Exported::default())
                }
                Act::Panic => panic!("as the test told it"),
                Act::Fail(error) => Err(error),
                Act::Hang => std::future::pending().await,
            }
        })
    }
}
