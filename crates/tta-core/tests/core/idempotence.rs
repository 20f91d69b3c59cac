//! Whatever holds a step that must not run twice must not run twice either.

use tta_core::{
    Error, Flow, NonIdempotent, Primitive, conditional, fallback, if_else, parallel_all, saga,
    sequence_all, step, switch,
};
use tta_testkit::recording::RecordingRecorder;

use super::double;

fn charge() -> Flow<NonIdempotent<impl Primitive<Input = u64, Output = u64>>> {
    step("charge", async |n: u64| Ok(n)).non_idempotent()
}

/// Whether a flow may be repeated.
fn repeats<P: Primitive>(flow: Flow<P>) -> bool {
    flow.into_primitive().is_idempotent()
}

#[test]
fn a_step_may_run_again_unless_it_is_marked() {
    assert!(repeats(double("a")));
    assert!(!repeats(charge()));
}

#[test]
fn a_name_keeps_the_mark() {
    assert!(!repeats(charge().named("order")));
    assert!(repeats(double("a").named("order")));
}

#[test]
fn an_observed_primitive_keeps_the_mark() {
    assert!(!repeats(Flow::new(charge().into_primitive())));
}

#[test]
fn a_sequence_keeps_the_mark_of_each_step() {
    assert!(!repeats(charge() >> double("b")));
    assert!(!repeats(double("a") >> charge()));
    assert!(repeats(double("a") >> double("b")));
}

#[test]
fn a_parallel_keeps_the_mark_of_each_branch() {
    assert!(!repeats(charge() | double("b")));
    assert!(!repeats(double("a") | charge()));
    assert!(!repeats(double("a") | double("b") | charge()));
    assert!(repeats(double("a") | double("b") | double("c")));
}

#[test]
fn a_parallel_made_at_run_time_keeps_the_mark_of_each_branch() {
    let boxed = |charges: bool| {
        if charges {
            charge().boxed().unwrap()
        } else {
            double("a").boxed().unwrap()
        }
    };
    assert!(!repeats(parallel_all([boxed(false), boxed(true)]).unwrap()));
    assert!(repeats(parallel_all([boxed(false), boxed(false)]).unwrap()));
}

#[test]
fn boxing_keeps_the_mark_of_steps_and_sequences() {
    assert!(!repeats(charge().boxed().unwrap()));
    assert!(!repeats((double("a") >> charge()).boxed().unwrap()));
    let marked = (double("a") >> double("b")).non_idempotent();
    let all = sequence_all([double("c").boxed().unwrap(), marked.boxed().unwrap()]);
    let all = all.unwrap();
    assert!(!repeats(all.clone()));
    assert!(!repeats(all));
    assert!(repeats(double("a").boxed().unwrap()));
}

#[test]
fn a_condition_keeps_the_mark_of_each_branch() {
    let any = |_: &u64, _: &_| true;
    assert!(!repeats(conditional(any, charge())));
    assert!(!repeats(if_else(any, double("a"), charge())));
    assert!(!repeats(if_else(any, charge(), double("a"))));
    assert!(repeats(if_else(any, double("a"), double("b"))));
}

#[test]
fn a_switch_keeps_the_mark_of_each_case_and_of_the_default() {
    let key = |_: &u64, _: &_| Ok::<_, Error>("a");
    let build = |case: bool, default: bool| {
        let mut switch = switch(key).case("b", double("b"));
        switch = if case {
            switch.case("a", charge())
        } else {
            switch.case("a", double("a"))
        };
        switch = if default {
            switch.default(charge())
        } else {
            switch.default(double("c"))
        };
        repeats(switch.build().unwrap())
    };
    assert!(!build(true, false));
    assert!(!build(false, true));
    assert!(build(false, false));
}

#[test]
fn a_fallback_and_a_saga_keep_the_mark_of_both_parts() {
    assert!(!repeats(fallback(charge(), double("a"))));
    assert!(!repeats(fallback(double("a"), charge())));
    assert!(repeats(fallback(double("a"), double("b"))));
    assert!(!repeats(saga(charge(), double("a"))));
    assert!(!repeats(saga(double("a"), charge())));
    assert!(repeats(saga(double("a"), double("b"))));
}

#[tokio::test]
async fn the_mark_changes_nothing_but_the_mark() {
    let recorder = RecordingRecorder::new();
    let marked = (double("a") >> double("b")).non_idempotent();
    let named = double("c").named("inner").non_idempotent();
    let flow = (marked >> named).boxed().unwrap();
    assert_eq!(flow.execute(1, &recorder.context()).await.unwrap(), 8);
    let spans = recorder.spans();
    assert_eq!(spans.len(), 5, "{spans:?}");
    assert_eq!(charge().into_primitive().name(), "charge");
    assert_eq!(charge().into_primitive().primitive_type(), "StepPrimitive");
    assert_eq!(
        double("c")
            .named("x")
            .non_idempotent()
            .into_primitive()
            .depth(),
        2
    );
}

#[test]
fn an_error_says_what_it_was_told_of_trying_again_and_nothing_else() {
    let error = || Error::msg("no");
    assert_eq!(error().marked_retryable(), None);
    assert_eq!(
        error().with_retryable(false).marked_retryable(),
        Some(false)
    );
    assert_eq!(error().with_retryable(true).marked_retryable(), Some(true));
}
