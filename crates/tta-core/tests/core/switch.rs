use tta_core::{Error, ErrorKind, Result, SwitchBuilder, WorkflowContext, switch};
use tta_testkit::recording::RecordingRecorder;

use super::{double, down};

type Selector = fn(&u64, &WorkflowContext) -> Result<&'static str>;

fn by_size() -> SwitchBuilder<Selector, &'static str, u64, u64> {
    switch(|n: &u64, _: &WorkflowContext| match n {
        0 => Err(Error::new(ErrorKind::InvalidInput, "nothing to choose by")),
        1..10 => Ok("small"),
        10..100 => Ok("large"),
        _ => Ok("huge\nforged"),
    })
}

#[tokio::test]
async fn the_selected_case_runs_and_the_span_names_it() {
    let recorder = RecordingRecorder::new();
    let flow = by_size()
        .case("small", double("double"))
        .case("large", down("never"))
        .build()
        .unwrap()
        .with_name("chooses");
    assert_eq!(flow.execute(4, &recorder.context()).await.unwrap(), 8);
    let span = recorder.span("chooses.execute").span_id;
    assert_eq!(recorder.attribute(span, "case"), Some("small".into()));
}

#[tokio::test]
async fn a_key_without_a_case_runs_the_default() {
    let flow = by_size()
        .case("small", down("never"))
        .default(double("other"));
    assert_eq!(flow.build().unwrap().run(50).await.unwrap(), 100);
}

#[tokio::test]
async fn no_case_and_no_default_is_an_error_of_one_line_that_lists_the_cases() {
    let flow = by_size()
        .case("small", double("s"))
        .case("large", double("l"));
    let error = flow.build().unwrap().run(1_000).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let text = error.to_string();
    assert!(
        text.contains("large, small") && !text.contains('\n'),
        "{text}"
    );
}

#[tokio::test]
async fn an_error_of_the_selector_is_the_error_of_the_step() {
    let flow = by_size().case("small", double("s")).default(double("d"));
    let error = flow.build().unwrap().run(0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}

#[test]
fn a_switch_without_cases_or_with_two_of_one_key_is_refused() {
    let empty = by_size().default(double("d")).build();
    let twice = by_size()
        .case("a", double("x"))
        .case("a", double("y"))
        .build();
    for refused in [empty, twice] {
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::Configuration);
    }
}
