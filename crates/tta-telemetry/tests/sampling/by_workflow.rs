//! Samplers of single workflows.

use std::time::Duration;

use tta_core::{Parent, SpanId, TraceId, WorkflowContext, step};
use tta_telemetry::{ObservabilityConfig, Sampler};
use tta_testkit::measured::measured;

use super::support::{Act, Scripted, alone, block_on, traces_only};

/// The names of the workflows of which spans arrive.
fn recorded(config: ObservabilityConfig, parent: Option<&Parent>) -> Vec<String> {
    let sink = Scripted::new(|_| Act::Take);
    let guard = config.with_span_sink(sink.clone()).init();
    block_on(async {
        for name in ["checkout", "health_check", "other"] {
            let flow = step("work", async |n: u32| Ok(n)).named(name);
            let mut builder = WorkflowContext::builder();
            if let Some(parent) = parent {
                builder = builder.parent(parent.clone());
            }
            flow.execute(1, &builder.build()).await.unwrap();
        }
    });
    assert!(guard.flush(Duration::from_secs(30)));
    drop(guard);
    let spans = sink.spans();
    let workflows = spans.iter().filter(|span| span.name != "work.execute");
    workflows.map(|span| span.name.to_string()).collect()
}

fn two_of_their_own() -> ObservabilityConfig {
    traces_only()
        .with_workflow_sampler("checkout", Sampler::AlwaysOn)
        .with_workflow_sampler("health_check", Sampler::AlwaysOff)
}

#[test]
fn a_workflow_with_a_sampler_of_its_own_is_sampled_by_it() {
    let _alone = alone();
    let counted = || {
        measured(
            "telemetry_sampling_decisions_total",
            &["sampled", "workflow"],
        )
    };
    let none = two_of_their_own().with_sample_ratio(0.0);
    assert_eq!(recorded(none, None), ["checkout.execute"]);
    let before = counted();
    let all = two_of_their_own().with_sample_ratio(1.0);
    assert_eq!(recorded(all, None), ["checkout.execute", "other.execute"]);
    assert_eq!(counted() - before, 1.0);
}

#[test]
fn a_parent_that_decides_decides_for_every_workflow() {
    let _alone = alone();
    let parent = |sampled| Parent::remote(TraceId::random(), SpanId::random(), sampled).unwrap();
    let config = || two_of_their_own().with_sampler(Sampler::ParentBasedAlwaysOn);
    assert_eq!(recorded(config(), Some(&parent(true))).len(), 3);
    assert!(recorded(config(), Some(&parent(false))).is_empty());
    let alone = two_of_their_own().with_sampler(Sampler::AlwaysOn);
    let names = recorded(alone, Some(&parent(false)));
    assert_eq!(names, ["checkout.execute", "other.execute"]);
}

#[test]
fn a_variable_names_workflows_and_shares_and_the_program_goes_before_it() {
    let _alone = alone();
    let lookup = |name: &str| match name {
        "TTA_WORKFLOW_SAMPLERS" => Some("checkout=0, other=always_off".to_owned()),
        "OTEL_TRACES_SAMPLER" => Some("always_on".to_owned()),
        _ => None,
    };
    let config = || {
        ObservabilityConfig::from_env_with("test", lookup)
            .with_prometheus(false)
            .with_logs(false)
    };
    assert_eq!(recorded(config(), None), ["health_check.execute"]);
    let with_code = config().with_workflow_sampler("checkout", Sampler::AlwaysOn);
    let names = recorded(with_code, None);
    assert_eq!(names, ["checkout.execute", "health_check.execute"]);
}

#[test]
fn a_list_of_workflows_that_is_none_is_ignored_with_a_warning() {
    let _alone = alone();
    for wrong in ["checkout", "checkout=2", "checkout=often"] {
        let lookup = |name: &str| (name == "TTA_WORKFLOW_SAMPLERS").then(|| wrong.to_owned());
        let guard = ObservabilityConfig::from_env_with("test", lookup)
            .with_prometheus(false)
            .with_logs(false)
            .init();
        let warnings = guard.status().warnings.join("\n");
        assert!(warnings.contains("name=share pairs"), "{wrong}: {warnings}");
    }
}
