//! Contexts that are made and given back while their workflow is being polled.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tta_core::{Error, WorkflowContext};
use tta_testkit::immediate::now;

/// Makes a context with a deadline and gives it back, as a timeout does.
fn lend(ctx: &WorkflowContext) -> WorkflowContext {
    let soon = ctx.with_deadline(Instant::now() + Duration::from_mins(1));
    assert!(soon.deadline().is_some() && soon.trace_id() == ctx.trace_id());
    soon
}

/// Does the work inside a workflow of the context.
fn inside(ctx: &WorkflowContext, work: impl FnOnce() + Send) {
    let work = async {
        work();
        Ok::<_, Error>(())
    };
    now(ctx.workflow("lends", work)).unwrap();
}

#[test]
fn a_context_that_was_given_back_keeps_nothing_of_its_workflow_when_the_poll_is_over() {
    let ctx = WorkflowContext::new();
    let shared = Arc::new(());
    ctx.put(Arc::clone(&shared));
    inside(&ctx, || {
        for _ in 0..3 {
            lend(&ctx).give_back();
        }
        let (one, other) = (lend(&ctx), lend(&ctx));
        one.give_back();
        other.give_back();
    });
    drop(ctx);
    assert_eq!(Arc::strong_count(&shared), 1);
}

#[test]
fn one_that_is_given_back_outside_of_any_poll_is_dropped_there_and_then() {
    let ctx = WorkflowContext::new();
    let shared = Arc::new(());
    ctx.put(Arc::clone(&shared));
    let soon = lend(&ctx);
    drop(ctx);
    soon.give_back();
    assert_eq!(Arc::strong_count(&shared), 1);
}

#[test]
fn workflows_inside_one_another_are_not_taken_for_each_other() {
    let outer = WorkflowContext::new();
    let inner = WorkflowContext::new();
    let shared = Arc::new(());
    inner.put(Arc::clone(&shared));
    inside(&outer, || {
        lend(&outer).give_back();
        inside(&inner, || {
            lend(&inner).give_back();
            lend(&outer).give_back();
            lend(&inner).give_back();
        });
        lend(&outer).give_back();
        drop(inner);
        assert_eq!(Arc::strong_count(&shared), 1);
    });
}
