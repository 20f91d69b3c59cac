//! Spans of OpenTelemetry and `tracing` and our own are one trace.

mod support;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use support::{Act, Scripted, alone, block_on, eventually, traces_only};
use tta_core::{WorkflowContext, step, step_with};
use tta_telemetry::opentelemetry::trace::{
    FutureExt, SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, Tracer,
};
use tta_telemetry::opentelemetry::{Context, KeyValue, global};
use tta_telemetry::opentelemetry_sdk::trace::SpanData;
use tta_telemetry::{ObservabilityGuard, Sampler, SpanSink};

type Spans = HashMap<String, SpanData>;

/// Runs work with telemetry on, and answers its spans by name.
fn spans_of(work: impl FnOnce(&ObservabilityGuard)) -> Spans {
    let _alone = alone();
    let sink = Scripted::new(|_| Act::Take);
    let guard = traces_only()
        .with_span_sink(Arc::clone(&sink) as Arc<dyn SpanSink>)
        .init();
    work(&guard);
    assert!(guard.flush(Duration::from_secs(5)));
    let account = guard.ledger().traces;
    assert!(account.is_balanced());
    assert_eq!(account.delivered, account.created);
    let spans = sink.spans();
    let count = spans.len();
    let by_name: Spans = spans.into_iter().map(|s| (s.name.to_string(), s)).collect();
    assert_eq!(by_name.len(), count);
    by_name
}

#[track_caller]
fn assert_child(spans: &Spans, child: &str, parent: &str) {
    let (child, parent) = (&spans[child], &spans[parent]);
    assert_eq!(
        child.span_context.trace_id(),
        parent.span_context.trace_id()
    );
    assert_eq!(child.parent_span_id, parent.span_context.span_id());
    assert!(!child.parent_span_is_remote);
}

#[test]
fn a_span_of_opentelemetry_inside_a_step_is_its_child_across_an_await() {
    let spans = spans_of(|_| {
        block_on(async {
            let outer = step("outer", async |()| {
                tokio::task::yield_now().await;
                let tracer = global::tracer("user");
                tracer.in_span("inside", |cx| {
                    cx.span().set_attribute(KeyValue::new("mine", true));
                });
                Ok(())
            });
            outer.execute((), &WorkflowContext::new()).await.unwrap();
        });
    });
    assert_child(&spans, "inside", "outer.execute");
    assert_child(&spans, "outer.execute", "workflow.execute");
    assert_eq!(spans["inside"].instrumentation_scope.name(), "user");
}

#[test]
fn a_span_of_tracing_inside_a_step_is_its_child() {
    let spans = spans_of(|_| {
        block_on(async {
            let outer = step("outer", async |()| {
                let span = tracing::info_span!("inside");
                let _entered = span.enter();
                tracing::info!("something happened");
                Ok(())
            });
            outer.execute((), &WorkflowContext::new()).await.unwrap();
        });
    });
    assert_child(&spans, "inside", "outer.execute");
    let events: Vec<_> = spans["inside"]
        .events
        .iter()
        .map(|e| e.name.as_ref())
        .collect();
    assert_eq!(events, ["something happened"]);
}

#[test]
fn a_span_of_opentelemetry_around_a_workflow_is_its_parent() {
    let spans = spans_of(|_| {
        let tracer = global::tracer("user");
        let cx = Context::current_with_span(tracer.start("around"));
        let work = async {
            let inner = step("inner", async |()| Ok(()));
            inner.execute((), &WorkflowContext::new()).await.unwrap();
            Context::current().span().end();
        };
        block_on(work.with_context(cx));
    });
    assert_child(&spans, "workflow.execute", "around");
    assert_child(&spans, "inner.execute", "workflow.execute");
}

#[test]
fn a_span_of_tracing_around_a_workflow_is_its_parent() {
    let spans = spans_of(|_| {
        tracing::info_span!("around").in_scope(|| {
            block_on(async {
                let inner = step("inner", async |()| Ok(()));
                inner.execute((), &WorkflowContext::new()).await.unwrap();
            });
        });
    });
    assert_child(&spans, "workflow.execute", "around");
}

#[test]
fn a_remote_span_around_a_workflow_is_its_remote_parent() {
    let spans = spans_of(|_| {
        let remote = SpanContext::new(
            TraceId::from_bytes([7; 16]),
            SpanId::from_bytes([9; 8]),
            TraceFlags::SAMPLED,
            true,
            TraceState::NONE,
        );
        let _attached = Context::new().with_remote_span_context(remote).attach();
        block_on(async {
            let inner = step("inner", async |()| Ok(()));
            inner.execute((), &WorkflowContext::new()).await.unwrap();
        });
    });
    let root = &spans["workflow.execute"];
    assert!(root.parent_span_is_remote);
    assert_eq!(root.parent_span_id, SpanId::from_bytes([9; 8]));
    assert_eq!(root.span_context.trace_id(), TraceId::from_bytes([7; 16]));
    assert!(!spans["inner.execute"].parent_span_is_remote);
}

#[test]
fn attributes_and_events_set_through_opentelemetry_reach_the_step() {
    let spans = spans_of(|_| {
        block_on(async {
            let outer = step("outer", async |()| {
                let cx = Context::current();
                cx.span()
                    .set_attribute(KeyValue::new("route_selected", "cheap"));
                cx.span()
                    .add_event("route_decision_made", vec![KeyValue::new("n", 3)]);
                Ok(())
            });
            outer.execute((), &WorkflowContext::new()).await.unwrap();
        });
    });
    let outer = &spans["outer.execute"];
    assert!(
        outer
            .attributes
            .contains(&KeyValue::new("route_selected", "cheap"))
    );
    assert_eq!(outer.events.events[0].name, "route_decision_made");
    assert_eq!(outer.events.events[0].attributes, [KeyValue::new("n", 3)]);
}

#[test]
fn what_a_library_has_kept_of_a_step_adds_to_that_step_from_a_step_further_in() {
    let spans = spans_of(|_| {
        block_on(async {
            let outer = step("outer", async |(), ctx: &WorkflowContext| {
                let kept = Context::current();
                let inner = step_with("inner", kept, async |kept: &Context, ()| {
                    kept.span().set_attribute(KeyValue::new("mine", true));
                    kept.span().add_event("seen", Vec::new());
                    Ok(())
                });
                inner.execute((), ctx).await
            });
            outer.execute((), &WorkflowContext::new()).await.unwrap();
        });
    });
    let outer = &spans["outer.execute"];
    assert!(outer.attributes.contains(&KeyValue::new("mine", true)));
    assert_eq!(outer.events.events[0].name, "seen");
    assert!(spans["inner.execute"].events.events.is_empty());
}

#[test]
fn a_link_made_through_opentelemetry_reaches_the_step() {
    const TRACE: TraceId = TraceId::from_bytes([7; 16]);
    const SPAN: SpanId = SpanId::from_bytes([9; 8]);
    let spans = spans_of(|_| {
        block_on(async {
            let outer = step("outer", async |()| {
                let to = SpanContext::new(TRACE, SPAN, TraceFlags::SAMPLED, true, TraceState::NONE);
                Context::current().span().add_link(to, Vec::new());
                Ok(())
            });
            outer.execute((), &WorkflowContext::new()).await.unwrap();
        });
    });
    let link = &spans["outer.execute"].links.links[0].span_context;
    assert_eq!((link.trace_id(), link.span_id()), (TRACE, SPAN));
}

#[test]
fn a_step_says_whether_its_trace_is_sampled_and_that_its_identifier_is_random() {
    let spans = spans_of(|_| {
        block_on(async {
            let outer = step("outer", async |()| {
                let flags = Context::map_current(|cx| cx.span().span_context().trace_flags());
                Ok(i64::from(flags.to_u8()))
            });
            let flags = outer.execute((), &WorkflowContext::new()).await;
            assert_eq!(flags.unwrap(), 0b11);
            let off = WorkflowContext::builder().sampled(false).build();
            assert_eq!(outer.execute((), &off).await.unwrap(), 0b10);
        });
    });
    assert_eq!(spans.len(), 2);
}

#[test]
fn a_part_of_a_sampled_workflow_that_is_not_traced_takes_the_spans_inside_it_along() {
    let spans = spans_of(|_| {
        block_on(async {
            let outer = step("outer", async |(), ctx: &WorkflowContext| {
                let routine = ctx.child();
                routine.enable_tracing(false);
                let inner = step("inner", async |()| {
                    global::tracer("user").in_span("inside", |_| {});
                    tracing::info_span!("inside too").in_scope(|| {});
                    Ok(())
                });
                inner.execute((), &routine).await
            });
            outer.execute((), &WorkflowContext::new()).await.unwrap();
        });
    });
    let mut names: Vec<_> = spans.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["outer.execute", "workflow.execute"]);
}

#[test]
fn nothing_is_recorded_where_telemetry_is_suppressed() {
    let spans = spans_of(|_| {
        let _suppressed = Context::enter_telemetry_suppressed_scope();
        block_on(async {
            let inner = step("inner", async |()| Ok(()));
            inner.execute((), &WorkflowContext::new()).await.unwrap();
        });
    });
    assert!(spans.is_empty(), "{spans:?}");
}

#[test]
fn an_unsampled_workflow_takes_the_spans_inside_it_along() {
    let _alone = alone();
    let sink = Scripted::new(|_| Act::Take);
    let guard = traces_only()
        .with_span_sink(Arc::clone(&sink) as Arc<dyn SpanSink>)
        .with_sampler(Sampler::ParentBasedAlwaysOff)
        .init();
    block_on(async {
        let outer = step("outer", async |()| {
            global::tracer("user").in_span("inside", |_| {});
            tracing::info_span!("inside too").in_scope(|| {});
            Ok(())
        });
        outer.execute((), &WorkflowContext::new()).await.unwrap();
    });
    assert!(guard.flush(Duration::from_secs(5)));
    assert_eq!(guard.ledger().traces.created, 0);
    assert!(sink.spans().is_empty());
}

#[test]
fn spans_of_opentelemetry_go_to_the_present_initialisation() {
    let tracer = {
        let _alone = alone();
        drop(
            traces_only()
                .with_span_sink(Scripted::new(|_| Act::Take))
                .init(),
        );
        global::tracer("made before")
    };
    let spans = spans_of(|guard| {
        tracer.in_span("later", |_| {});
        eventually("it is there", || guard.ledger().traces.created == 1);
    });
    assert!(spans.contains_key("later"));
}

/// An exporter whose own libraries make spans.
struct Chatty(std::sync::atomic::AtomicUsize);

impl SpanSink for Chatty {
    fn protocol(&self) -> &'static str {
        "chatty"
    }

    fn export<'a>(&'a self, _batch: &'a [SpanData]) -> tta_telemetry::Exporting<'a> {
        Box::pin(async {
            tracing::info_span!("its own").in_scope(|| {});
            global::tracer("its own").in_span("its own", |_| {});
            self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Ok(tta_telemetry::Exported::default())
        })
    }
}

#[test]
fn what_the_exporter_itself_does_is_not_traced() {
    let _alone = alone();
    let sink = Arc::new(Chatty(std::sync::atomic::AtomicUsize::new(0)));
    let guard = traces_only()
        .with_span_sink(Arc::clone(&sink) as Arc<dyn SpanSink>)
        .init();
    support::run_workflow().unwrap();
    assert!(guard.flush(Duration::from_secs(5)));
    assert_eq!(sink.0.load(std::sync::atomic::Ordering::SeqCst), 1);
    let account = guard.shutdown().ledger.traces;
    assert_eq!((account.created, account.delivered), (3, 3));
}
