use std::time::Duration;

use tta_core::{
    BoxFlow, Error, ErrorKind, Flow, conditional, if_else, parallel_all, sequence_all, step,
};
use tta_testkit::conformance::tokio_clock;
use tta_testkit::recording::RecordingRecorder;

use super::{double, down};

#[tokio::test]
async fn a_sequence_gives_each_step_what_the_one_before_returned() {
    let flow = step("parse", async |text: &'static str| Ok(text.parse::<u64>()?))
        >> double("double")
        >> step("show", async |n: u64| Ok(format!("<{n}>")));
    assert_eq!(flow.run("21").await.unwrap(), "<42>");
}

#[tokio::test]
async fn method_twins_do_what_the_operators_do() {
    let operators = double("a") >> (double("b") | double("c"));
    let methods = double("a").then(double("b").join(double("c")));
    assert_eq!(operators.run(1).await.unwrap(), (4, 4));
    assert_eq!(methods.run(1).await.unwrap(), (4, 4));
}

#[tokio::test]
async fn a_sequence_stops_at_the_first_error() {
    let recorder = RecordingRecorder::new();
    let flow = double("before") >> down("broken") >> double("after");
    let error = flow.execute(1, &recorder.context()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert!(recorder.spans_named("after.execute").is_empty());
}

#[tokio::test]
async fn branches_of_branches_make_one_flat_tuple() {
    let flow = double("a") | double("b") | double("c") | double("d");
    let (a, b, c, d): (u64, u64, u64, u64) = flow.run(3).await.unwrap();
    assert_eq!([a, b, c, d], [6; 4]);
}

#[tokio::test]
async fn nested_sequences_give_one_level_of_spans() {
    let recorder = RecordingRecorder::new();
    let flow = (double("a") >> double("b")) >> (double("c") >> double("d"));
    assert_eq!(flow.execute(1, &recorder.context()).await.unwrap(), 16);
    let root = recorder.span("workflow.execute").span_id;
    let names: Vec<_> = recorder
        .spans()
        .into_iter()
        .filter(|span| span.parent_id == root)
        .map(|span| span.name.as_str().to_owned())
        .collect();
    assert_eq!(names, ["a.execute", "b.execute", "c.execute", "d.execute"]);
}

#[test]
fn an_empty_sequence_is_refused() {
    let error = sequence_all(Vec::<BoxFlow<u64, u64>>::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

#[test]
fn an_empty_parallel_is_refused() {
    let error = parallel_all(Vec::<BoxFlow<u64, u64>>::new()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

#[tokio::test]
async fn flows_made_at_run_time_run_in_the_order_given() {
    let steps = (1..=3).map(|n| {
        let append = async |digit: &u64, sum: u64| Ok(sum * 10 + digit);
        tta_core::step_with("append", n, append).boxed().unwrap()
    });
    assert_eq!(sequence_all(steps).unwrap().run(0).await.unwrap(), 123);
}

#[tokio::test(start_paused = true)]
async fn results_are_the_same_with_a_recorder_and_without() {
    let flow = || {
        let slow = step("slow", async |n: u64| {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Ok(n + 1)
        });
        (slow | double("fast")) >> step("sum", async |(a, b): (u64, u64)| Ok(a + b))
    };
    let recorder = RecordingRecorder::new();
    let ctx = recorder.builder().clock(tokio_clock).build();
    let (quiet, observed) = (flow().run(7).await, flow().execute(7, &ctx).await);
    assert_eq!((quiet.unwrap(), observed.unwrap()), (22, 22));
}

#[tokio::test]
async fn a_conditional_without_an_else_passes_its_input_through_and_logs_it() {
    let recorder = RecordingRecorder::new();
    let flow = conditional(|n: &u64, _| *n > 10, double("large")).with_name("if_large");
    assert_eq!(flow.execute(3, &recorder.context()).await.unwrap(), 3);
    let lines = recorder.logs();
    let passed: Vec<_> = lines
        .iter()
        .filter(|line| line.event == "conditional_passed_through")
        .map(|line| line.field("primitive"))
        .collect();
    assert_eq!(passed, [Some("if_large")]);
}

#[tokio::test]
async fn a_conditional_runs_its_branch_and_says_which_in_its_span() {
    let recorder = RecordingRecorder::new();
    let flow = if_else(|n: &u64, _| *n > 10, double("large"), down("small")).with_name("by_size");
    assert_eq!(flow.execute(11, &recorder.context()).await.unwrap(), 22);
    let span = recorder.span("by_size.execute").span_id;
    assert_eq!(recorder.attribute(span, "condition"), Some(true.into()));
}

#[tokio::test]
async fn an_error_of_the_predicate_is_the_error_of_the_step() {
    let undecided = |_: &u64, _: &_| Err::<bool, _>(Error::new(ErrorKind::InvalidInput, "odd"));
    let flow = conditional(undecided, double("never")).with_name("undecided");
    let error = flow.run(1).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.step()),
        (ErrorKind::InvalidInput, "workflow/undecided")
    );
}

#[tokio::test]
async fn a_boxed_flow_answers_like_its_static_twin() {
    let make =
        || (double("a") | double("b")) >> step("sum", async |(a, b)| Ok::<u64, Error>(a + b));
    assert_eq!(
        make().run(2).await.unwrap(),
        make().boxed().unwrap().run(2).await.unwrap()
    );
}

#[tokio::test]
async fn a_named_flow_is_a_workflow_of_that_name() {
    let recorder = RecordingRecorder::new();
    let flow = double("a").named("answer");
    flow.execute(1, &recorder.context()).await.unwrap();
    let root = recorder.span("answer.execute");
    assert_eq!(recorder.span("a.execute").parent_id, root.span_id);
    assert_eq!(recorder.spans().len(), 2);
}

#[tokio::test]
async fn a_named_flow_stays_a_workflow_of_that_name_when_boxed() {
    let recorder = RecordingRecorder::new();
    let flow: BoxFlow<u64, u64> = double("a").named("answer").boxed().unwrap();
    let twice: BoxFlow<u64, u64> = flow.boxed().unwrap();
    twice.execute(1, &recorder.context()).await.unwrap();
    let names: Vec<_> = recorder
        .spans()
        .iter()
        .map(|span| span.name.as_str().to_owned())
        .collect();
    assert_eq!(names, ["a.execute", "answer.execute"]);
    let root = recorder.span("answer.execute");
    assert!(!root.parent_id.is_valid());
    assert_eq!(recorder.span("a.execute").parent_id, root.span_id);
}

#[tokio::test]
async fn a_named_flow_is_a_step_inside_another() {
    let recorder = RecordingRecorder::new();
    let enrich = (double("a") >> double("b")).named("enrich");
    let flow = enrich >> double("c");
    flow.execute(1, &recorder.context()).await.unwrap();
    let enrich = recorder.span("enrich.execute");
    assert_eq!(recorder.span("b.execute").parent_id, enrich.span_id);
    assert_eq!(enrich.parent_id, recorder.span("workflow.execute").span_id);
}

#[tokio::test]
async fn an_unnamed_nested_flow_passes_through() {
    let recorder = RecordingRecorder::new();
    let inner: Flow<_> = double("a") >> double("b");
    let flow = step("outer", async |n: u64| Ok(n)) >> inner;
    flow.execute(1, &recorder.context()).await.unwrap();
    assert_eq!(recorder.spans().len(), 4, "the workflow and three steps");
}
