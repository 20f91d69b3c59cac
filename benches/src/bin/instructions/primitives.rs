//! Primitives around a step that is ready at once.

use std::hint::black_box;
use std::time::Duration;

use tta_core::{Error, step};
use tta_timeout::TimeoutExt as _;

use crate::workflow::{context, done, now};

/// A timeout and the step inside it.
pub(crate) fn timeout(rounds: usize, operations: usize) {
    let ready = step("ready", async |n: u64| Ok(black_box(n) + 1));
    let flow = done(ready.timeout(Duration::from_mins(1)));
    for _ in 0..rounds {
        let ctx = context(None);
        let calls = async {
            for _ in 0..operations {
                black_box(flow.execute(1, &ctx).await?);
            }
            Ok::<_, Error>(())
        };
        done(now(ctx.workflow("calls", calls)));
    }
}
