//! A limit for each call.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::support::{MS, context, counted, operation, times_out};
use tta_core::{Result, WorkflowContext, step};
use tta_timeout::{Ending, LimitPolicy, TimeoutConfig, TimeoutExt};

#[tokio::test(start_paused = true)]
async fn a_closure_reads_the_input_and_the_context() -> Result<()> {
    let limit = |n: &u64, ctx: &WorkflowContext| {
        let patient = ctx.has_tag("patient");
        MS * u32::try_from(*n).unwrap_or(1) * if patient { 10 } else { 1 }
    };
    let flow = operation(20).timeout(TimeoutConfig::from_policy(limit))?;
    for (input, patient, in_time) in [(30, false, true), (3, false, false), (3, true, true)] {
        let ctx = context();
        if patient {
            ctx.add_tag("patient");
        }
        let result = flow.execute(input, &ctx).await;
        assert_eq!(result.is_ok(), in_time, "{input} {patient}");
        if !in_time {
            assert_eq!(ctx.elapsed(), 3 * MS);
            assert!(result.unwrap_err().to_string().contains("3ms"));
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_zero_for_one_call_starts_nothing_even_with_grace() -> Result<()> {
    let limit = |_: &u64, _: &WorkflowContext| Duration::ZERO;
    let config = TimeoutConfig::from_policy(limit).with_grace(10 * MS);
    let flow = operation(1).timeout(config)?.with_name("zero_call");
    let error = flow.execute(1, &context()).await.unwrap_err();
    assert!(error.to_string().contains("not started"), "{error}");
    assert_eq!(counted("zero_call"), [0, 0, 1, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_of_the_closure_is_an_error_of_that_call_alone() -> Result<()> {
    let limit = |n: &u64, _: &WorkflowContext| {
        assert!(*n > 0, "no limit for nothing");
        10 * MS
    };
    let flow = operation(1).timeout(TimeoutConfig::from_policy(limit))?;
    let error = flow.execute(0, &context()).await.unwrap_err();
    assert_eq!(error.kind(), tta_core::ErrorKind::Panic);
    assert_eq!(flow.execute(1, &context()).await?, 1);
    Ok(())
}

/// Writes down what it is told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<(Duration, Ending)>>>);

impl LimitPolicy<u64> for Told {
    fn limit(&self, _: &u64, _: &WorkflowContext) -> Duration {
        10 * MS
    }

    fn observe(&self, took: Duration, ending: Ending) {
        self.0.lock().unwrap().push((took, ending));
    }
}

#[tokio::test(start_paused = true)]
async fn a_policy_hears_how_each_call_that_was_started_ended() -> Result<()> {
    let told = Told::default();
    let config = TimeoutConfig::from_policy(told.clone()).with_grace(5 * MS);
    let flow = step("operation", async |ms: u64| {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        if ms == 3 {
            return Err(tta_core::Error::msg("three"));
        }
        Ok(ms)
    })
    .timeout(config)?;
    for ms in [2, 12, 3, 50] {
        let _ = flow.execute(ms, &context()).await;
    }
    let ctx = context();
    assert!(times_out(
        flow.execute(50, &ctx.with_deadline(ctx.now() + 7 * MS))
            .await
    ));
    assert!(times_out(flow.execute(50, &ctx).await));
    let _ = tokio::time::timeout(MS, flow.execute(50, &context())).await;
    let heard = told.0.lock().unwrap().clone();
    assert_eq!(
        heard,
        [
            (2 * MS, Ending::Success),
            (12 * MS, Ending::Success),
            (3 * MS, Ending::Error),
            (15 * MS, Ending::PastLimit),
            (7 * MS, Ending::PastDeadline),
            (15 * MS, Ending::PastLimit),
        ]
    );
    Ok(())
}
