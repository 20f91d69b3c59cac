//! Row 27: the wall clock jumps by a day, and what has a time to live or to wait takes no notice.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant, SystemTime};

use tta::prelude::*;
use tta::{CacheConfig, CircuitBreakerConfig, CircuitState, Scope};
use tta_testkit::faults::report;

const LIVES: Duration = Duration::from_millis(400);
const OPEN: Duration = Duration::from_millis(400);

#[test]
fn fault_27_ages_and_breakers_take_no_notice_of_a_wall_clock_that_jumps() {
    if std::env::var_os(CHILD).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        return runtime.unwrap().block_on(sees_it_jump());
    }
    let Some(library) = library() else {
        let required = std::env::var("TTA_REQUIRE_SERVICES").is_ok_and(|it| it == "1");
        assert!(!required, "`faketime` is not installed; cargo xtask setup");
        println!("SKIPPED: `faketime` is not installed; cargo xtask setup");
        return;
    };
    let file = std::env::temp_dir().join(format!("tta-ages-{}", std::process::id()));
    std::fs::write(&file, "+0d\n").unwrap();
    let test = "clock::fault_27_ages_and_breakers_take_no_notice_of_a_wall_clock_that_jumps";
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, "1")
        .env("LD_PRELOAD", library)
        .env(FILE, &file)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
        .status()
        .unwrap();
    let _ = std::fs::remove_file(&file);
    assert!(status.success());
}

async fn sees_it_jump() {
    static COMPUTED: AtomicU32 = AtomicU32::new(0);
    let compute = step("computes", async |n: u32| {
        COMPUTED.fetch_add(1, Ordering::Relaxed);
        Ok(n)
    });
    let cache = compute
        .cached(
            CacheConfig::of_input(Scope::Global)
                .with_ttl(LIVES)
                .with_ttl_jitter(0.0),
        )
        .unwrap();
    let fails = step("fails", async |_: u32| Err::<u32, _>(Error::msg("no")));
    let breaker = CircuitBreakerConfig::new()
        .with_consecutive_failures(1)
        .with_wait(OPEN);
    let guarded = fails.circuit_breaker(breaker).unwrap();

    let mut kept = 0;
    let mut recomputed = 0;
    let mut stayed_open = 0;
    let mut reopened = 0;
    for offset in ["+1d", "-1d"] {
        let before = SystemTime::now();
        guarded
            .execute(1, &WorkflowContext::new())
            .await
            .unwrap_err();
        let began = Instant::now();
        cache.execute(1, &WorkflowContext::new()).await.unwrap();
        let computed = COMPUTED.load(Ordering::Relaxed);
        jump(offset);
        let after = SystemTime::now();
        let jumped = after
            .duration_since(before)
            .unwrap_or_else(|error| error.duration());
        assert!(jumped > Duration::from_hours(23), "{jumped:?}");

        cache.execute(1, &WorkflowContext::new()).await.unwrap();
        let is_kept = COMPUTED.load(Ordering::Relaxed) == computed;
        let is_open = guarded.breaker().state() == CircuitState::Open;
        // A machine that stood still so long says nothing about either.
        let in_time = began.elapsed() < LIVES / 2;
        kept += u32::from(is_kept || !in_time);
        stayed_open += u32::from(is_open || !in_time);

        tokio::time::sleep(LIVES.max(OPEN) + Duration::from_millis(100)).await;
        cache.execute(1, &WorkflowContext::new()).await.unwrap();
        recomputed += u32::from(COMPUTED.load(Ordering::Relaxed) == computed + 1);
        // The probe is let through, and fails: it reaches the step and is not turned away.
        let error = guarded.execute(1, &WorkflowContext::new()).await;
        reopened += u32::from(error.unwrap_err().kind() == ErrorKind::Other);
        tokio::time::sleep(OPEN + Duration::from_millis(100)).await;
    }
    report(
        27,
        "a cached value, a day ahead and two back",
        "neither dropped before its time nor kept beyond it",
        format!("kept {kept} of 2, computed anew after its time {recomputed} of 2"),
        (kept, recomputed) == (2, 2),
    );
    report(
        27,
        "an open breaker, a day ahead and two back",
        "neither closed before its time nor open beyond it",
        format!("stayed open {stayed_open} of 2, probed after its time {reopened} of 2"),
        (stayed_open, reopened) == (2, 2),
    );
}

/// Sets the offset of the wall clock.
fn jump(offset: &str) {
    let file = std::env::var(FILE).unwrap();
    let next = format!("{file}.next");
    std::fs::write(&next, format!("{offset}\n")).unwrap();
    std::fs::rename(next, file).unwrap();
}

/// Where Debian's `faketime` has the library that a process is started with.
fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?;
    let mut all =
        folders.filter_map(|it| Some(it.ok()?.path().join("faketime/libfaketimeMT.so.1")));
    all.find(|path| path.is_file())
}

const FILE: &str = "FAKETIME_TIMESTAMP_FILE";
const CHILD: &str = "TTA_TEST_CLOCK";
