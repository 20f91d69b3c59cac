//! A cache in front of a model that counts its calls.

#![allow(dead_code, reason = "each of two executables uses a part of it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tta_cache::{
    CacheConfig, CacheExt, CachePrimitive, Json, RedisConfig, RedisState, RedisTier, Scope,
    SharedConfig,
};
use tta_core::{Flow, Observed, Primitive, step_with};
use tta_testkit::resp::{Command, Reply};

/// How often the model was called.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(Arc<AtomicUsize>);

impl Calls {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

pub(crate) fn tier(url: &str) -> RedisTier {
    RedisTier::new(RedisConfig::new(url).unwrap()).unwrap()
}

/// A tier that waits, for tests of what it does and not of how long.
pub(crate) fn patient(url: &str) -> RedisTier {
    patient_with(RedisConfig::new(url).unwrap())
}

pub(crate) fn patient_with(config: RedisConfig) -> RedisTier {
    connecting_within(config, Duration::from_secs(10))
}

/// The same, which takes no longer than this to open a connection.
pub(crate) fn connecting_within(config: RedisConfig, timeout: Duration) -> RedisTier {
    let config = config.with_budget(Duration::from_secs(10));
    let config = config.with_patience(Duration::from_hours(1));
    RedisTier::new(config.with_connection_timeout(timeout)).unwrap()
}

/// Values in Redis alone, so that each question asks it.
pub(crate) fn config(tier: &RedisTier) -> CacheConfig<String, String> {
    let shared = SharedConfig::new("answers", tier.clone(), Json);
    by_text().with_shared(shared).without_memory()
}

pub(crate) fn by_text() -> CacheConfig<String, String> {
    CacheConfig::new(Scope::Global, |question: &String, _, key| {
        key.text(question);
    })
}

pub(crate) fn answer(question: &str) -> String {
    format!("the answer to {question}")
}

pub(crate) fn model(
    calls: &Calls,
) -> Flow<impl Primitive<Input = String, Output = String> + use<>> {
    step_with(
        "model",
        calls.clone(),
        async |calls: &Calls, question: String| {
            calls.0.fetch_add(1, Ordering::Relaxed);
            Ok(answer(&question))
        },
    )
}

/// A flow whose answers are kept by `tier`.
pub(crate) fn cached(
    tier: &RedisTier,
    calls: &Calls,
) -> Flow<Observed<CachePrimitive<impl Primitive<Input = String, Output = String> + use<>>>> {
    model(calls).cached(config(tier)).unwrap()
}

/// Waits until `tier` is asked.
pub(crate) async fn until(tier: &RedisTier, state: RedisState, within: Duration) -> Duration {
    let begun = Instant::now();
    while tier.state() != state {
        assert!(
            begun.elapsed() < within,
            "{:?} is not {state:?}",
            tier.state()
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    begun.elapsed()
}

/// Waits until something has come to pass.
pub(crate) async fn wait_for(condition: impl Fn() -> bool) {
    let begun = Instant::now();
    while !condition() {
        assert!(begun.elapsed() < PATIENCE, "it does not come to pass");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Runs one question, which must be answered rightly, and tells how long it took.
pub(crate) async fn timed<P>(flow: &Flow<P>, question: &str) -> Duration
where
    P: Primitive<Input = String, Output = String>,
{
    let begun = Instant::now();
    let answered = flow.run(question.to_owned()).await.unwrap();
    assert_eq!(answered, answer(question));
    begun.elapsed()
}

/// Asks one new question after the other for a while; how long each took, in order.
pub(crate) async fn ask_for<P>(flow: &Flow<P>, time: Duration, pause: Duration) -> Vec<Duration>
where
    P: Primitive<Input = String, Output = String>,
{
    let begun = Instant::now();
    let mut took = Vec::new();
    while begun.elapsed() < time {
        took.push(timed(flow, &format!("question {}", took.len())).await);
        tokio::time::sleep(pause).await;
    }
    took
}

/// The 99th percentile, in a readable form for a report.
pub(crate) fn p99(took: &[Duration]) -> Duration {
    tta_testkit::faults::percentile(&mut took.to_vec(), 0.99)
}

/// A server that takes everything and has nothing.
pub(crate) fn nothing_kept(command: &Command) -> Reply {
    match command.name() {
        "GETRANGE" => Reply::value(""),
        "EVAL" => Reply::bytes(":1\r\n"),
        "ROLE" => Reply::bytes("*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"),
        _ => Reply::ok(),
    }
}

/// Whether the background asks, as it does before callers may and every few seconds.
pub(crate) fn is_probe(command: &Command) -> bool {
    command.argument(1).ends_with(":probe")
}

/// No test waits longer than this for what does not come.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
