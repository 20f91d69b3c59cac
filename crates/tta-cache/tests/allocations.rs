//! What a hit of a cache allocates: nothing, where nothing is sampled.
//!
//! The counting allocator is the whole process's, so this is a test binary of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use allocation_counter::measure;
use tta_cache::{CacheConfig, CacheExt, Scope};
use tta_core::{WorkflowContext, step};
use tta_testkit::immediate::{now, still};

/// Allocations of one run, after others have made what is made once.
fn allocations(mut run: impl FnMut()) -> u64 {
    for _ in 0..3 {
        run();
    }
    measure(run).count_total
}

fn of_a_hit(config: CacheConfig<&'static str, u64>) -> u64 {
    let model = step(
        "allocates",
        async |text: &'static str| Ok(text.len() as u64),
    );
    let flow = model.cached(config.with_clock(still)).unwrap();
    let builder = WorkflowContext::builder()
        .clock(still)
        .session_id("session");
    let ctx = builder.build();
    allocations(|| assert_eq!(now(flow.execute("question", &ctx)).unwrap(), 8))
}

fn by_text(scope: Scope) -> CacheConfig<&'static str, u64> {
    CacheConfig::new(
        scope,
        |text: &&'static str, _: &WorkflowContext, key: &mut _| {
            tta_cache::KeyBuilder::text(key, text);
        },
    )
}

#[test]
fn a_hit_in_memory_allocates_nothing() {
    let minute = Duration::from_mins(1);
    assert_eq!(of_a_hit(by_text(Scope::Global)), 0);
    assert_eq!(of_a_hit(by_text(Scope::Session).with_ttl(minute)), 0);
}

#[test]
fn the_key_of_a_whole_text_allocates_nothing_after_the_first() {
    assert_eq!(of_a_hit(CacheConfig::of_input(Scope::Global)), 0);
}

#[test]
fn the_room_for_a_large_key_is_given_back() {
    let text: &'static str = "long ".repeat(20_000).leak();
    let model = step("allocates_much", async |text: &'static str| Ok(text.len()));
    let config = CacheConfig::of_input(Scope::Global).with_clock(still);
    let flow = model.cached(config).unwrap();
    let ctx = WorkflowContext::builder().clock(still).build();
    let run = || assert_eq!(now(flow.execute(text, &ctx)).unwrap(), 100_000);
    let left = measure(|| (0..3).for_each(|_| run())).bytes_current;
    assert!(left < 64 << 10, "{left} bytes are kept");
}
