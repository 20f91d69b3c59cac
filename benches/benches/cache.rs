//! A hit in memory with a key of text: the whole primitive of ours, beside caches that are no more
//! than a map, on one thread and on two that ask for the same entry.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run has nothing to report"
)]

use std::hint::black_box;
use std::sync::{Arc, Mutex};

use cached::{Cached as _, LruCache};
use tta_benches::{Bencher, Group, now};
use tta_cache::{CacheConfig, CacheExt as _, Scope};
use tta_core::{Error, WorkflowContext, step};

fn main() {
    let mut group = Group::new("cache");
    ours(&mut group);
    let cache = Arc::new(quick_cache::sync::Cache::new(ENTRIES));
    for (question, answer) in entries() {
        cache.insert(question, answer);
    }
    group.bench_threads("quick_cache", move |b| {
        b.iter(|| cache.get(black_box(QUESTION)).unwrap());
    });
    let cache = moka::sync::Cache::new(ENTRIES as u64);
    for (question, answer) in entries() {
        cache.insert(question, answer);
    }
    group.bench_threads("moka", move |b: &mut Bencher<'_>| {
        b.iter(|| cache.get(black_box(QUESTION)).unwrap());
    });
    foyer(&mut group);
    let mut lru = LruCache::builder().max_size(ENTRIES).build().unwrap();
    for (question, answer) in entries() {
        lru.cache_set(question, answer);
    }
    let lru = Arc::new(Mutex::new(lru));
    group.bench_threads("cached in a mutex", move |b| {
        b.iter(|| {
            lru.lock()
                .unwrap()
                .cache_get(black_box(QUESTION))
                .cloned()
                .unwrap()
        });
    });
    group.finish();
}

fn ours(group: &mut Group<'_>) {
    let model = step("model", async |question: &'static str| {
        Ok(Arc::<str>::from(question))
    });
    let config = CacheConfig::new(Scope::Global, |question: &&'static str, _, key| {
        key.text(question);
    });
    let flow = Arc::new(model.cached(config.with_capacity(ENTRIES as u64)).unwrap());
    let ctx = WorkflowContext::new();
    for (question, _) in entries() {
        now(flow.execute(question.leak(), &ctx)).unwrap();
    }
    group.bench_threads("tta", move |b: &mut Bencher<'_>| {
        let ctx = WorkflowContext::new();
        let hits = async {
            b.iter(|| now(flow.execute(*black_box(&QUESTION), &ctx)).unwrap());
            Ok::<_, Error>(())
        };
        now(ctx.workflow("hits", hits)).unwrap();
    });
}

fn foyer(group: &mut Group<'_>) {
    use foyer_memory::{Cache, CacheBuilder, CacheProperties, S3FifoConfig};

    let builder = CacheBuilder::new(ENTRIES).with_eviction_config(S3FifoConfig::default());
    let cache: Cache<String, Arc<str>, _, CacheProperties> = builder.build();
    for (question, answer) in entries() {
        cache.insert(question, answer);
    }
    group.bench_threads("foyer, S3-FIFO", move |b: &mut Bencher<'_>| {
        b.iter(|| cache.get(black_box(QUESTION)).unwrap().value().clone());
    });
}

/// What every cache holds.
fn entries() -> impl Iterator<Item = (String, Arc<str>)> {
    let others = (1..100).map(|n| format!("what ails engine number {n}?"));
    std::iter::once(QUESTION.to_owned())
        .chain(others)
        .map(|question| (question, Arc::from("nothing")))
}

const QUESTION: &str = "what ails the engine today?";
const ENTRIES: usize = 1_000;
