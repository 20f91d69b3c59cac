//! The rows of the table of faults that a cache is to withstand.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking, as it does"
)]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tta_cache::{
    CacheConfig, CacheExt, Fetched, Json, Kept, Lock, LockToken, Remote, RemoteFuture, RemoteKey,
    Removed, Scope, SharedConfig,
};
use tta_core::{ErrorKind, Result, WorkflowContext, step, step_with};
use tta_testkit::faults::report;
use tta_testkit::measured::measured;

/// Gives back what it was told to, whatever it is asked for, and keeps what it was given last.
#[derive(Clone, Debug, Default)]
struct Liar(Arc<Mutex<Said>>);

#[derive(Debug, Default)]
struct Said {
    says: Vec<u8>,
    was_given: Vec<u8>,
    removed: usize,
}

impl Remote for Liar {
    fn tier(&self) -> &'static str {
        "liar"
    }

    fn fetch<'a>(&'a self, _: &'a RemoteKey, _: usize) -> RemoteFuture<'a, Fetched> {
        let says = self.0.lock().unwrap().says.clone();
        Box::pin(std::future::ready(Fetched::Found(says)))
    }

    fn store<'a>(
        &'a self,
        _: &'a RemoteKey,
        bytes: &'a [u8],
        _: Option<Duration>,
        _: &'a [Arc<str>],
    ) -> RemoteFuture<'a, Kept> {
        self.0.lock().unwrap().was_given = bytes.to_vec();
        Box::pin(std::future::ready(Kept::Yes))
    }

    fn remove<'a>(&'a self, _: &'a RemoteKey) -> RemoteFuture<'a, Removed> {
        self.0.lock().unwrap().removed += 1;
        Box::pin(std::future::ready(Removed::Entries(1)))
    }

    fn remove_tag<'a>(&'a self, _: &'a str, _: &'a str) -> RemoteFuture<'a, Removed> {
        Box::pin(std::future::ready(Removed::Entries(0)))
    }

    fn clear<'a>(&'a self, _: &'a str) -> RemoteFuture<'a, Removed> {
        Box::pin(std::future::ready(Removed::Entries(0)))
    }

    fn lock<'a>(&'a self, _: &'a RemoteKey, _: Duration) -> RemoteFuture<'a, Lock> {
        Box::pin(std::future::ready(Lock::Unavailable))
    }

    fn renew<'a>(&'a self, _: &'a RemoteKey, _: LockToken, _: Duration) -> RemoteFuture<'a, Lock> {
        Box::pin(std::future::ready(Lock::Unavailable))
    }

    fn unlock<'a>(&'a self, _: &'a RemoteKey, _: LockToken) -> RemoteFuture<'a, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// Reproducible noise.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}

/// Reads of a text other than the one that is asked for, or of bytes that are no text at all.
const READS: usize = 1_000_000;

#[tokio::test]
async fn fault_43_a_million_fuzzed_reads_give_no_wrong_value() -> Result<()> {
    let liar = Liar::default();
    let echo = |version| {
        let shared = SharedConfig::new("answers", liar.clone(), Json)
            .with_version(version)
            .without_lock();
        step("echo", async |(_, text): (String, String)| Ok(text)).cached(
            CacheConfig::new(
                Scope::Tenant("tenant_id".into()),
                |(question, _): &(String, String), _, key| {
                    key.text(question);
                },
            )
            .with_shared(shared)
            .without_memory(),
        )
    };
    let tenant = |name: &str| {
        WorkflowContext::builder()
            .metadata("tenant_id", name)
            .build()
    };
    let ada = tenant("ada");
    let flow = echo(2)?.with_name("fuzzed");

    // What a tier may hold: an answer to another question, of another tenant, of an older version.
    let mut held = Vec::new();
    for (flow, ctx, question) in [
        (&echo(2)?, &ada, "another question"),
        (&echo(2)?, &tenant("bob"), "the question"),
        (&echo(1)?, &ada, "the question"),
        (&echo(2)?, &ada, "the question"),
    ] {
        let wrong = ("x".repeat(100) + " wrong", question);
        flow.execute((question.to_owned(), wrong.0), ctx).await?;
        held.push(liar.0.lock().unwrap().was_given.clone());
    }
    let (right, foreign) = held.split_last().unwrap();

    // Nothing was there for those who gave the tier something to hold.
    liar.0.lock().unwrap().removed = 0;
    let mut noise = Noise(0x9E37_79B9_7F4A_7C15);
    let mut wrong = 0;
    let begun = Instant::now();
    for read in 0..READS {
        let mut bytes = match read % 8 {
            // The right envelope, to be damaged; the others may stay whole.
            0..4 => right.clone(),
            other => foreign[other % foreign.len()].clone(),
        };
        match noise.below(6) {
            0 => {
                let (place, bit) = (noise.below(bytes.len()), noise.below(8));
                bytes[place] ^= 1 << bit;
            }
            1 => bytes.truncate(noise.below(bytes.len())),
            2 => {
                let place = noise.below(bytes.len());
                let garbage = noise.next().to_le_bytes();
                bytes.splice(place..place, garbage);
            }
            3 => {
                let (from, to) = (noise.below(bytes.len()), noise.below(bytes.len()));
                bytes.swap(from, to);
                bytes[from] ^= 0x55;
            }
            // The key of one value written over that of another, as a collision of hashes would.
            4 => {
                let other = &held[noise.below(held.len())];
                bytes[10..42].copy_from_slice(&other[10..42]);
                bytes.rotate_left(1 + noise.below(7));
            }
            _ if read % 8 < 4 => {
                bytes = (0..noise.below(300))
                    .map(|_| noise.next().to_le_bytes()[0])
                    .collect();
            }
            _ => {}
        }
        liar.0.lock().unwrap().says = bytes;
        let question = ("the question".to_owned(), "computed".to_owned());
        if flow.execute(question, &ada).await? != "computed" {
            wrong += 1;
        }
    }
    let removed = liar.0.lock().unwrap().removed;
    let found = format!(
        "{wrong} wrong values in {READS} reads, {removed} removed, {:.1} s",
        begun.elapsed().as_secs_f64()
    );
    assert_eq!(flow.stats().misses, READS as u64);
    assert_eq!(removed, READS);
    report(
        43,
        "fuzzed reads: bits, cuts, noise, other keys, tenants and versions",
        "0 wrong values in 1M fuzzed reads",
        found,
        wrong == 0,
    );
    Ok(())
}

#[derive(Clone, Copy, PartialEq)]
enum Leader {
    Answers,
    Panics,
    IsDropped,
}

async fn stampede(leader: Leader) -> Result<(usize, usize)> {
    let calls = Arc::new(AtomicUsize::new(0));
    let flow = step_with(
        "model",
        (Arc::clone(&calls), leader),
        async |(calls, leader): &(Arc<AtomicUsize>, Leader), _: String| {
            let call = calls.fetch_add(1, Ordering::Relaxed) + 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert!(call > 1 || *leader != Leader::Panics, "the leader panics");
            Ok(call)
        },
    )
    .cached(CacheConfig::of_input(Scope::Global))?;
    let flow = Arc::new(flow);
    let mut callers = Vec::new();
    for _ in 0..10_000 {
        let flow = Arc::clone(&flow);
        callers.push(tokio::spawn(async move {
            flow.run("q".to_owned()).await.is_ok()
        }));
    }
    if leader == Leader::IsDropped {
        while calls.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        // Whoever leads: the first to be let in, which need not be the first of the list.
        let first = callers.remove(0);
        first.abort();
    }
    let mut answered = 0;
    for caller in callers {
        answered += usize::from(caller.await?);
    }
    Ok((calls.load(Ordering::Relaxed), answered))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_46_ten_thousand_callers_of_one_key_compute_once() -> Result<()> {
    let (computed, answered) = stampede(Leader::Answers).await?;
    let found = format!("{computed} computation, {answered} answered");
    let met = computed == 1 && answered == 10_000;
    report(46, "10,000 callers, one key", "computes = 1", found, met);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_46_a_leader_that_panics_is_replaced_once() -> Result<()> {
    let (computed, answered) = stampede(Leader::Panics).await?;
    let found = format!("{computed} computations, {answered} answered");
    let met = computed == 2 && answered == 9_999;
    report(46, "the leader panics", "computes = 2", found, met);
    Ok(())
}

#[tokio::test]
async fn fault_46_a_leader_that_is_cancelled_is_replaced_once() -> Result<()> {
    let (computed, answered) = stampede(Leader::IsDropped).await?;
    let found = format!("{computed} computations, {answered} answered");
    let met = computed == 2 && answered == 9_999;
    report(46, "the leader is cancelled", "computes = 2", found, met);
    Ok(())
}

#[tokio::test]
async fn fault_46_no_waiter_waits_past_its_deadline() -> Result<()> {
    let flow = step("model", async |_: String| {
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(1)
    })
    .cached(CacheConfig::of_input(Scope::Global))?;
    let flow = Arc::new(flow);
    let leader = {
        let flow = Arc::clone(&flow);
        tokio::spawn(async move { flow.run("q".to_owned()).await })
    };
    tokio::task::yield_now().await;
    let limit = Duration::from_millis(200);
    let mut callers = Vec::new();
    for _ in 0..10_000 {
        let flow = Arc::clone(&flow);
        callers.push(tokio::spawn(async move {
            let deadline = Instant::now() + limit;
            let ctx = WorkflowContext::builder().deadline(deadline).build();
            let ended = flow.execute("q".to_owned(), &ctx).await;
            (ended.map_err(|error| error.kind()), deadline.elapsed())
        }));
    }
    let mut late = Duration::ZERO;
    for caller in callers {
        let (ended, after) = caller.await?;
        assert_eq!(ended, Err(ErrorKind::Timeout));
        late = late.max(after);
    }
    leader.abort();
    // A second of ten thousand timers and tasks on one busy thread is the machine, not the cache.
    let found = format!("latest {} ms after it, of 10,000", late.as_millis());
    let met = late < Duration::from_secs(1);
    report(
        46,
        "waiters' deadlines",
        "no waiter past its deadline",
        found,
        met,
    );
    Ok(())
}

/// Where something is to panic.
#[derive(Clone, Copy, Debug)]
struct Place(&'static str);

/// A value whose parts panic when they are told to.
#[derive(Debug)]
struct Trap(&'static str);

static ARMED: AtomicBool = AtomicBool::new(true);

impl Clone for Trap {
    fn clone(&self) -> Self {
        assert!(
            self.0 != "clone" || !ARMED.load(Ordering::Relaxed),
            "clone panics"
        );
        Self(self.0)
    }
}

impl Drop for Trap {
    fn drop(&mut self) {
        let armed = self.0 == "drop" && ARMED.load(Ordering::Relaxed) && !std::thread::panicking();
        assert!(!armed, "drop panics");
    }
}

impl Serialize for Trap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert!(self.0 != "encode", "encode panics");
        serializer.serialize_str("trap")
    }
}

impl<'de> Deserialize<'de> for Trap {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("decode panics")
    }
}

#[tokio::test]
async fn fault_49_what_panics_in_a_users_callback_is_an_error_of_that_call_alone() -> Result<()> {
    let places = [
        "key",
        "tags",
        "value_tags",
        "verdict",
        "weigher",
        "clone",
        "step",
        "drop",
        "encode",
    ];
    let panics = |place: &'static str| move |at: &str| assert!(at != place, "{place} panics");
    let (key, tags, value_tags, verdict, weigher) = (
        panics("key"),
        panics("tags"),
        panics("value_tags"),
        panics("verdict"),
        panics("weigher"),
    );
    let config = CacheConfig::new(Scope::Global, move |place: &Place, _, builder| {
        key(place.0);
        builder.text(place.0);
    })
    .with_tags(move |place: &Place| {
        tags(place.0);
        Vec::new()
    })
    .with_value_tags(move |value: &Trap| {
        value_tags(value.0);
        Vec::new()
    })
    .with_store_if(move |value: &Trap| {
        verdict(value.0);
        true
    })
    // Room for one: each value that comes in drops the one before it.
    .with_capacity(1)
    .with_capacity_bytes(1_000, move |value: &Trap| {
        weigher(value.0);
        10
    })
    .with_shared(SharedConfig::new("traps", Liar::default(), Json).without_lock());
    let flow = step("model", async |place: Place| {
        assert!(place.0 != "step", "step panics");
        Ok(Trap(place.0))
    })
    .cached(config)?
    .with_name("traps")
    .boxed()?;
    let flow = Arc::new(flow);
    let mut wrong = Vec::new();
    for place in places {
        for _ in 0..3 {
            let ended = flow.run(Place(place)).await.map(|value| {
                // Its destructor is to panic where the cache drops its own, and not here.
                std::mem::forget(value);
                place
            });
            let ended = ended.map_err(|error| error.kind());
            // A destructor and a serialiser do not stand between the caller and its value.
            let gets_its_value = matches!(place, "drop" | "encode");
            if ended != gets_its_value.then_some(place).ok_or(ErrorKind::Panic) {
                wrong.push((place, format!("{ended:?}")));
            }
        }
        let fine = flow.run(Place("fine")).await.map(|value| value.0);
        if fine.ok() != Some("fine") {
            wrong.push((place, "wedged".to_owned()));
        }
    }
    // Many who wait for a value that cannot be cloned do not compute one after the other.
    let mut callers = Vec::new();
    for _ in 0..100 {
        let flow = Arc::clone(&flow);
        callers.push(tokio::spawn(async move {
            flow.run(Place("clone")).await.is_err()
        }));
    }
    for caller in callers {
        assert!(caller.await?);
    }
    let in_flight = measured("primitive_executions_in_flight", &["traps"]);
    assert!(in_flight.abs() < 1e-9, "{in_flight}");
    ARMED.store(false, Ordering::Relaxed);
    let found = format!("{} places, wrong: {wrong:?}, 0 aborts", places.len());
    report(
        49,
        "cache: key, tags, verdict, weigher, clone, drop, codec, step",
        "0 aborts; no poisoned lock",
        found,
        wrong.is_empty(),
    );
    Ok(())
}
