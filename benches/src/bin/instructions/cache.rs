//! A cache that has the answer in memory.

use std::hint::black_box;

use tta_cache::{CacheConfig, CacheExt as _, Scope};
use tta_core::{Error, step};

use crate::workflow::{context, done, now, ticking};

/// A hit, the whole primitive, with a key of text. The cache and the context go by one clock, as they
/// do unless one of them was given another.
pub(crate) fn hit(rounds: usize, operations: usize) {
    let answer = step("answer", async |question: String| Ok(question.len() as u64));
    let config = CacheConfig::of_input(Scope::Global).with_clock(ticking);
    let flow = done(answer.cached(config));
    for _ in 0..rounds {
        let ctx = context(None);
        let hits = async {
            for _ in 0..operations {
                let question = "what ails the engine today?".to_owned();
                black_box(flow.execute(question, &ctx).await?);
            }
            Ok::<_, Error>(())
        };
        done(now(ctx.workflow("hits", hits)));
    }
}
