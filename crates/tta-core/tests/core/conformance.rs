use tta_core::{BoxFlow, conditional, if_else, saga, switch};
use tta_testkit::conformance::{Names, assert_same_names, check_primitive, run_every_shape};
use tta_testkit::recording::RecordingRecorder;

use super::{double, down};

#[test]
fn conditional_conforms() {
    check_primitive(|inner| conditional(|_: &u64, _| true, inner));
}

#[test]
fn the_other_branch_conforms() {
    check_primitive(|inner| if_else(|_: &u64, _| false, down("never"), inner));
}

#[test]
fn switch_conforms() {
    check_primitive(|inner: BoxFlow<u64, u64>| {
        switch(|_: &u64, _| Ok("it"))
            .case("it", inner)
            .build()
            .unwrap()
    });
}

#[test]
fn saga_conforms() {
    check_primitive(|inner| saga(inner, double("undo")));
}

#[tokio::test]
async fn the_recording_recorder_gives_out_the_names_it_was_given() {
    let sink = RecordingRecorder::new();
    let given = run_every_shape(sink.clone()).await;
    assert_same_names(&given, &Names::recorded(&sink));
    assert!(given.spans.contains("saga.compensation"), "{given:?}");
    assert!(
        given.logs.contains("conditional_passed_through"),
        "{given:?}"
    );
}

#[test]
#[should_panic(expected = "missing [\"a.execute\"], invented [\"b.execute\"]")]
fn a_sink_that_renames_a_span_does_not_conform() {
    let spans = |name: &str| Names {
        spans: [name.to_owned()].into(),
        ..Names::default()
    };
    assert_same_names(&spans("a.execute"), &spans("b.execute"));
}
