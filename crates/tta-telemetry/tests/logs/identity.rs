//! Which ids a line carries.

use serde_json::Value;
use tta_core::{SpanId, WorkflowContext, step};
use tta_testkit::recording::RecordingRecorder;

use crate::captured::{block_on, objects_of};

#[test]
fn a_line_inside_a_step_carries_the_ids_of_the_step_and_one_outside_has_none() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.builder().correlation_id("order-7").build();
    let objects = objects_of(|| {
        tracing::info!("before");
        let flow = step("outer", async |n: u32, ctx: &WorkflowContext| {
            tracing::info!("in the outer step");
            let inner = step("inner", async |n: u32| {
                tracing::info!("in the inner step");
                tokio::task::yield_now().await;
                tracing::info!("after a wait");
                Ok(n)
            });
            inner.execute(n, ctx).await
        });
        block_on(flow.execute(1, &ctx)).unwrap();
        tracing::info!("after");
    });
    let span = |name: &str| recorder.span(name).span_id;
    let expected = [
        ("before", None),
        ("in the outer step", Some(span("outer.execute"))),
        ("in the inner step", Some(span("inner.execute"))),
        ("after a wait", Some(span("inner.execute"))),
        ("after", None),
    ];
    assert_eq!(objects.len(), expected.len());
    for (line, (message, span)) in objects.iter().zip(expected) {
        assert_eq!(line["message"], message);
        match span {
            Some(span) => assert_ids(line, &ctx, "order-7", span),
            None => {
                for id in ["correlation_id", "trace_id", "span_id"] {
                    assert_eq!(line.get(id), None, "{line}");
                }
            }
        }
    }
}

#[test]
fn steps_of_two_workflows_on_one_thread_keep_their_own_ids() {
    let (one, two) = (WorkflowContext::new(), WorkflowContext::new());
    let objects = objects_of(|| {
        let chat = step("chat", async |(): ()| {
            for _ in 0..3 {
                tracing::info!("a word");
                tokio::task::yield_now().await;
            }
            Ok(())
        });
        block_on(async {
            let (one, two) = tokio::join!(chat.execute((), &one), chat.execute((), &two));
            one.unwrap();
            two.unwrap();
        });
    });
    let of = |ctx: &WorkflowContext| {
        let trace = ctx.trace_id().to_string();
        let own = objects
            .iter()
            .filter(|line| line["trace_id"] == trace.as_str());
        own.filter(|line| line["correlation_id"] == ctx.correlation_id())
            .count()
    };
    assert_eq!((of(&one), of(&two), objects.len()), (3, 3, 6));
}

#[cfg(feature = "otlp")]
#[test]
fn a_span_of_opentelemetry_inside_a_step_is_the_innermost_and_one_around_it_is_not() {
    use tta_core::Parent;

    let parent = Parent::local(tta_core::TraceId::from_u128(5), SpanId::from_u64(6), true).unwrap();
    let ctx = WorkflowContext::builder().parent(parent).build();
    let objects = objects_of(|| {
        let _around = foreign(5, 6).attach();
        tracing::info!("around");
        let flow = step("work", async |(): ()| {
            tracing::info!("in the step");
            let _inside = foreign(5, 7).attach();
            tracing::info!("in the span inside");
            Ok(())
        });
        block_on(flow.execute((), &ctx)).unwrap();
    });
    let spans: Vec<_> = objects
        .iter()
        .map(|line| line["span_id"].as_str().unwrap())
        .collect();
    assert_eq!(spans[0], "0000000000000006");
    assert!(spans[1] != spans[0] && spans[1] != spans[2], "{spans:?}");
    assert_eq!(spans[2], "0000000000000007");
    assert_eq!(objects[0].get("correlation_id"), None);
    assert_eq!(objects[2]["correlation_id"], ctx.correlation_id());
    assert!(
        objects
            .iter()
            .all(|line| line["trace_id"] == "00000000000000000000000000000005")
    );
}

/// Ids that are remembered from the line before must be those of this one.
#[cfg(feature = "otlp")]
#[test]
fn lines_of_the_same_span_keep_the_correlation_of_their_own_workflow() {
    let long = "c".repeat(200);
    let ids = ["one", "two", "", &long, "", &long, &long[..160], "two"];
    let mut expected = Vec::new();
    let objects = objects_of(|| {
        for id in ids {
            let ctx = WorkflowContext::builder().correlation_id(id).build();
            let flow = step("work", async |(): ()| {
                // The same for all of them.
                let _inside = foreign(5, 7).attach();
                tracing::info!("first");
                tracing::info!("second");
                Ok(())
            });
            block_on(flow.execute((), &ctx)).unwrap();
            expected.extend([
                ctx.correlation_id().to_owned(),
                ctx.correlation_id().to_owned(),
            ]);
        }
    });
    assert_eq!(objects.len(), 2 * ids.len());
    for (line, expected) in objects.iter().zip(expected) {
        assert_eq!(line["span_id"], "0000000000000007");
        let shown = line["correlation_id"].as_str().unwrap();
        match shown.strip_suffix('…') {
            Some(beginning) => {
                assert!(
                    expected.len() > 160 && expected.starts_with(beginning),
                    "{line}"
                );
            }
            None => assert_eq!(shown, expected),
        }
    }
}

#[cfg(feature = "otlp")]
#[test]
fn every_digit_of_an_id_is_shown() {
    for (trace, span) in [
        (
            0x0123_4567_89ab_cdef_fedc_ba98_7654_3210,
            0xf0e1_d2c3_b4a5_9687,
        ),
        (u128::MAX, u64::MAX),
        (1, 0x0a00_0000_0000_0009),
    ] {
        let objects = objects_of(|| {
            let _around = foreign(trace, span).attach();
            tracing::info!("here");
        });
        assert_eq!(objects[0]["trace_id"], format!("{trace:032x}"));
        assert_eq!(objects[0]["span_id"], format!("{span:016x}"));
    }
}

#[cfg(feature = "otlp")]
fn foreign(trace: u128, span: u64) -> opentelemetry::Context {
    use opentelemetry::trace::{SpanContext, TraceContextExt as _, TraceFlags, TraceState};

    let (trace, span) = (trace.into(), span.into());
    let span = SpanContext::new(trace, span, TraceFlags::SAMPLED, false, TraceState::NONE);
    opentelemetry::Context::new().with_remote_span_context(span)
}

fn assert_ids(line: &Value, ctx: &WorkflowContext, correlation: &str, span: SpanId) {
    assert_eq!(line["correlation_id"], correlation, "{line}");
    assert_eq!(line["trace_id"], ctx.trace_id().to_string(), "{line}");
    assert_eq!(line["span_id"], span.to_string(), "{line}");
}
