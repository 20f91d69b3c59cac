//! What the variables of sampling do, seen at what is recorded and not at the setting.

use std::time::Duration;

use tta_core::{Error, Parent, SpanId, TraceId, WorkflowContext, step};
use tta_telemetry::{ObservabilityConfig, Origin};

use super::support::{Act, Scripted, alone, block_on};

type Variables<'a> = &'a [(&'a str, &'a str)];

fn config(variables: Variables<'_>) -> ObservabilityConfig {
    let lookup = |name: &str| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    ObservabilityConfig::from_env_with("test", lookup)
        .with_prometheus(false)
        .with_logs(false)
        .with_batch_delay(Duration::from_millis(20))
        .with_span_sink(Scripted::new(|_| Act::Take))
}

/// How many of a hundred traces are sampled: without a parent, and with one that says yes or no.
fn sampled(variables: Variables<'_>) -> [usize; 3] {
    let guard = config(variables).init();
    assert!(guard.status().warnings.is_empty(), "{variables:?}");
    let parents = [None, Some(true), Some(false)];
    let counts = parents.map(|parent| {
        let is_sampled = || {
            let mut builder = WorkflowContext::builder();
            if let Some(sampled) = parent {
                let parent = Parent::remote(TraceId::random(), SpanId::random(), sampled);
                builder = builder.parent(parent.unwrap());
            }
            builder.build().is_sampled()
        };
        (0..100).filter(|_| is_sampled()).count()
    });
    drop(guard);
    counts
}

#[test]
fn each_sampler_is_chosen_by_its_name() {
    let _alone = alone();
    for (name, argument, expected) in [
        ("always_on", "", [100, 100, 100]),
        ("always_off", "", [0, 0, 0]),
        ("traceidratio", "1", [100, 100, 100]),
        ("TraceIdRatio", "0", [0, 0, 0]),
        ("parentbased_always_on", "", [100, 100, 0]),
        ("parentbased_always_off", "", [0, 100, 0]),
        ("parentbased_traceidratio", "0", [0, 100, 0]),
        ("parentbased_traceidratio", "1.0", [100, 100, 0]),
        ("ratelimited", "0", [0, 0, 0]),
        ("parentbased_ratelimited", "1000000", [100, 100, 0]),
        ("parentbased_ratelimited", "0.000001", [1, 100, 0]),
    ] {
        let variables = [
            ("OTEL_TRACES_SAMPLER", name),
            ("OTEL_TRACES_SAMPLER_ARG", argument),
        ];
        assert_eq!(sampled(&variables), expected, "{name} {argument}");
    }
    assert_eq!(sampled(&[]), [100, 100, 0], "the default");
}

#[test]
fn a_share_that_is_no_share_or_a_rate_that_is_no_rate_is_ignored_with_a_warning() {
    let _alone = alone();
    for (sampler, argument) in [
        ("traceidratio", "1.5"),
        ("ratelimited", "-1"),
        ("ratelimited", "often"),
        ("ratelimited", "inf"),
    ] {
        let guard = config(&[
            ("OTEL_TRACES_SAMPLER", sampler),
            ("OTEL_TRACES_SAMPLER_ARG", argument),
        ])
        .init();
        let status = guard.status();
        assert_eq!(status.warnings.len(), 1, "{sampler} {argument}");
        let setting = status.setting("OTEL_TRACES_SAMPLER_ARG").unwrap();
        assert_eq!(setting.origin, Origin::Default);
    }
}

#[test]
fn tail_keep_is_set_by_variables() {
    let _alone = alone();
    let kept = |variables: Variables<'_>| {
        let off = ("OTEL_TRACES_SAMPLER", "always_off");
        let guard = config(&[&[off], variables].concat()).init();
        block_on(async {
            for fails in [true, false] {
                let flow = step("may_fail", async |fails: bool| {
                    if fails { Err(Error::msg("no")) } else { Ok(()) }
                });
                let _ = flow.execute(fails, &WorkflowContext::new()).await;
            }
        });
        guard.shutdown().ledger.traces.delivered
    };
    assert_eq!(kept(&[]), 0);
    assert_eq!(kept(&[("TTA_TAIL_KEEP", "false")]), 0);
    assert_eq!(kept(&[("TTA_TAIL_KEEP", "true")]), 2);
    assert_eq!(
        kept(&[("TTA_TAIL_KEEP", "true"), ("TTA_TAIL_SLOW", "0")]),
        4
    );
}

#[test]
fn each_setting_says_where_its_value_comes_from() {
    let _alone = alone();
    for (variable, value, shown) in [
        (
            "TTA_WORKFLOW_SAMPLERS",
            "a=0.5,b=always_on",
            "a=0.5,b=always_on",
        ),
        ("TTA_TAIL_KEEP", "TRUE", "true"),
        ("TTA_TAIL_SLOW", "250", "250"),
        ("TTA_TAIL_TRACES", "7", "7"),
        ("TTA_TAIL_BYTES", "4096", "4096"),
        (
            "OTEL_TRACES_SAMPLER",
            "parentbased_ratelimited",
            "parentbased_ratelimited",
        ),
    ] {
        let guard = config(&[(variable, value)]).init();
        let status = guard.status();
        let setting = status.setting(variable).unwrap();
        assert_eq!(setting.value, shown);
        assert_eq!(setting.origin, Origin::Environment(variable));
    }
}
