//! What observing a step costs here and now.

use std::time::Instant;

use tta::prelude::*;

/// Nanoseconds that an observed step takes when its trace is not sampled.
///
/// # Errors
///
/// Never; the steps that are run cannot fail.
pub async fn nanos_per_step() -> Result<f64> {
    let probe = || {
        step("overhead_probe", async |n: u64| {
            Ok(std::hint::black_box(n) + 1)
        })
    };
    let flow = probe() >> probe() >> probe() >> probe() >> probe();
    let flow = flow.named("overhead_probe");
    // Unsampled: the probe is to be seen in the metrics under its name, and to fill no queue.
    let ctx = WorkflowContext::builder().sampled(false).build();
    let begun = Instant::now();
    for n in 0..ROUNDS {
        flow.execute(n, &ctx).await?;
    }
    // The workflow around the five steps costs about as much as one of them.
    Ok(begun.elapsed().as_secs_f64() * 1e9 / (ROUNDS * 6) as f64)
}

const ROUNDS: u64 = 2_000;
