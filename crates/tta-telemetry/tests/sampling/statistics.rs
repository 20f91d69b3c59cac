//! What is counted and timed never depends on what is sampled.

use tta_core::{Error, WorkflowContext, step};
use tta_telemetry::Sampler;
use tta_testkit::measured::measured;

use super::support::{Act, Scripted, alone, block_on, traces_only};

#[test]
fn counters_and_durations_are_the_same_whatever_is_sampled() {
    let _alone = alone();
    let flow = step("counted_whatever", async |n: u32| {
        if n.is_multiple_of(4) {
            Err(Error::msg("no"))
        } else {
            Ok(n)
        }
    })
    .named("counted_workflow");
    let mut expected = 0.0;
    for (sampler, tail) in [
        (Sampler::AlwaysOn, false),
        (Sampler::AlwaysOff, false),
        (Sampler::AlwaysOff, true),
        (Sampler::Ratio(0.5), false),
        (Sampler::RateLimited(1.0), true),
    ] {
        let guard = traces_only()
            .with_span_sink(Scripted::new(|_| Act::Take))
            .with_sampler(sampler)
            .with_tail_keep(tail)
            .with_workflow_sampler("counted_workflow", sampler)
            .init();
        block_on(async {
            for n in 0..40 {
                let ctx = WorkflowContext::new();
                if n < 2 {
                    ctx.enable_tracing(n == 0);
                }
                let _ = flow.execute(n, &ctx).await;
            }
        });
        drop(guard);
        expected += 10.0;
        let failed = ["counted_workflow", "error"];
        assert_eq!(measured("workflow_executions_total", &failed), expected);
        let succeeded = ["counted_workflow", "success"];
        let successes = measured("workflow_executions_total", &succeeded);
        assert_eq!(successes, 3.0 * expected);
        let timed = measured("workflow_duration_seconds", &["counted_workflow"]);
        assert_eq!(timed, 4.0 * expected, "{sampler}");
        let errors = measured(
            "primitive_execution_errors_total",
            &["counted_whatever", "other"],
        );
        assert_eq!(errors, expected);
    }
}
