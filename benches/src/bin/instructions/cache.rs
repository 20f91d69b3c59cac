//! A cache that has the answer in memory.

use std::hint::black_box;

use tta_cache::{CacheConfig, CacheExt as _, Scope};
use tta_core::{Error, step};

use crate::workflow::{context, done, now};

/// A hit, the whole primitive, with a key of text.
pub(crate) fn hit(rounds: usize, operations: usize) {
    let answer = step("answer", async |question: String| Ok(question.len() as u64));
    let flow = done(answer.cached(CacheConfig::of_input(Scope::Global)));
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
