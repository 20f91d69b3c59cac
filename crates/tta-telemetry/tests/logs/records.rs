//! The core's own records as events.

use std::sync::Arc;

use tta_core::{Catalog, Level, LogField, LogRecord, LogSpec, Recorder, WorkflowContext, step};
use tta_telemetry::LogFormat;
use tta_telemetry::logs::{DECLARED_FIELDS, emit, enabled_level};

use crate::captured::{block_on, lines_of, objects_of};

/// A telemetry layer reduced to its logs.
struct Emitting;

impl Recorder for Emitting {
    fn log_level(&self) -> Option<Level> {
        enabled_level()
    }

    fn log(&self, record: &LogRecord<'_>) {
        emit(record);
    }
}

#[test]
fn a_step_and_its_workflow_are_logged_with_their_own_ids() {
    let mut ctx = None;
    let objects = objects_of(|| {
        let made = WorkflowContext::builder()
            .recorder(Arc::new(Emitting))
            .build();
        let double = step("double", async |n: u32| {
            tracing::info!("inside");
            Ok(n * 2)
        });
        block_on(double.execute(2, &made)).unwrap();
        ctx = Some(made);
    });
    let ctx = ctx.unwrap();
    let line = |message: &str| {
        let found = objects.iter().find(|line| line["message"] == message);
        found.unwrap_or_else(|| panic!("no {message} in {objects:?}"))
    };
    let (inside, step) = (line("inside"), line("primitive_execution_complete"));
    assert_eq!(step["primitive"], "double");
    assert_eq!(step["status"], "success");
    assert_eq!(step["level"], "debug");
    assert_eq!(step["target"], "tta");
    assert!(step["duration_ms"].as_f64().unwrap() >= 0.0);
    assert_eq!(step.get("error_type"), None);
    assert_eq!(step["span_id"], inside["span_id"]);
    let workflow = line("workflow_executed");
    assert_eq!(workflow["level"], "info");
    for line in [inside, step, workflow] {
        assert_eq!(line["trace_id"], ctx.trace_id().to_string());
        assert_eq!(line["correlation_id"], ctx.correlation_id());
    }
}

#[cfg(feature = "otlp")]
#[test]
fn the_record_of_a_step_has_its_own_span_whatever_else_is_active() {
    use opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceFlags, TraceState};

    let objects = objects_of(|| {
        let ctx = WorkflowContext::builder()
            .recorder(Arc::new(Emitting))
            .build();
        let flow = step("outer", async |(): (), ctx: &WorkflowContext| {
            let (trace, flags) = (5_u128.into(), TraceFlags::SAMPLED);
            let foreign = SpanContext::new(trace, 7_u64.into(), flags, false, TraceState::NONE);
            let around = opentelemetry::Context::new().with_remote_span_context(foreign);
            let inner = step("inner", async |(): ()| Ok(()));
            let mut inner = std::pin::pin!(inner.execute((), ctx));
            std::future::poll_fn(|cx| {
                let _around = around.clone().attach();
                inner.as_mut().poll(cx)
            })
            .await
        });
        block_on(flow.execute((), &ctx)).unwrap();
    });
    let inner = objects.iter().find(|line| line["primitive"] == "inner");
    let inner = inner.unwrap();
    assert!(inner["span_id"].is_string(), "{inner}");
    assert_ne!(inner["span_id"], "0000000000000007");
}

#[test]
fn nothing_is_emitted_below_the_level_that_is_wanted() {
    let lines = lines_of(Level::Info, LogFormat::Json, || {
        let ctx = WorkflowContext::builder()
            .recorder(Arc::new(Emitting))
            .build();
        block_on(step("quiet", async |(): ()| Ok(())).execute((), &ctx)).unwrap();
    });
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(lines.contains("workflow_executed"), "{lines}");
}

#[test]
fn fields_of_an_application_s_own_events_are_flat_too() {
    static RESTOCKED: LogSpec = LogSpec {
        name: "restocked",
        help: "Goods arrived.",
        fields: &["shelf", "items", "reason"],
    };
    let objects = objects_of(|| {
        let fields = [
            LogField::new("shelf", "a\n7"),
            LogField::new("items", 12_u64),
            LogField::new("reason", "order"),
        ];
        emit(&LogRecord::new(&RESTOCKED, Level::Warn, &fields));
        tracing::info!(details = "mine", "another");
    });
    let line = objects[0].as_object().unwrap();
    assert_eq!(line["message"], "restocked");
    assert_eq!(line["shelf"], "a\n7");
    assert_eq!(line["items"], 12);
    assert_eq!(line["reason"], "order");
    assert_eq!(line.get("details"), None);
    assert_eq!(line.get("trace_id"), None);
    assert_eq!(objects[1]["details"], "mine");
}

#[test]
fn every_declared_field_of_the_core_and_of_this_crate_is_a_field_of_the_event() {
    for Catalog {
        crate_name, logs, ..
    } in [tta_core::CATALOG, tta_telemetry::CATALOG]
    {
        for log in logs {
            for field in log.fields {
                assert!(
                    DECLARED_FIELDS.contains(field),
                    "{crate_name}: {}: {field} is missing in `declared_fields!`",
                    log.name
                );
            }
        }
    }
}
