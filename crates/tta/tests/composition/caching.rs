use tta::prelude::*;
use tta_testkit::conformance::tokio_clock;
use tta_testkit::mock::Answer;

use super::{SECOND, by_question, call, canned, model, unavailable};

#[tokio::test]
async fn a_fallback_outside_a_cache_is_not_kept() {
    let model = model()
        .with_answer(unavailable())
        .with_answer(Answer::value(7));
    let flow = call(&model)
        .cached(by_question())
        .unwrap()
        .with_fallback(canned());
    assert_eq!(flow.run(1).await.unwrap(), 0);
    assert_eq!(flow.run(1).await.unwrap(), 7, "the model is asked again");
}

#[tokio::test]
async fn a_cache_outside_a_fallback_keeps_the_makeshift_answer() {
    let model = model()
        .with_answer(unavailable())
        .with_answer(Answer::value(7));
    let flow = call(&model)
        .with_fallback(canned())
        .cached(by_question())
        .unwrap();
    assert_eq!(flow.run(1).await.unwrap(), 0);
    assert_eq!(flow.run(1).await.unwrap(), 0, "also when the model is back");
    assert_eq!(model.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_cache_outside_a_timeout_answers_what_it_knows_whatever_the_limit() {
    let model = model().with_answer(Answer::value(7).after(SECOND));
    model.push(Answer::hang());
    let flow = call(&model)
        .timeout(2 * SECOND)
        .unwrap()
        .cached(by_question())
        .unwrap();
    assert_eq!(flow.run(1).await.unwrap(), 7);
    let out_of_time = WorkflowContext::builder().clock(tokio_clock).build();
    let out_of_time = out_of_time.with_deadline(out_of_time.now());
    assert_eq!(flow.execute(1, &out_of_time).await.unwrap(), 7);
    let late = flow.run(2).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::Timeout);
    model.push(Answer::value(8));
    assert_eq!(flow.run(2).await.unwrap(), 8, "what was late is not kept");
}

#[tokio::test(start_paused = true)]
async fn a_timeout_outside_a_cache_bounds_the_wait_for_another_callers_computation_too() {
    let model = model().with_default(|_| Answer::value(7).after(10 * SECOND));
    let patient = call(&model).cached(by_question()).unwrap().boxed().unwrap();
    let hurried = patient.clone().timeout(2 * SECOND).unwrap();
    let patient = tokio::spawn(async move { patient.run(1).await });
    tokio::time::sleep(SECOND).await;
    assert_eq!(hurried.run(1).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(patient.await.unwrap().unwrap(), 7);
    assert_eq!(
        model.calls(),
        1,
        "the one who went did not end the computation"
    );
}

#[tokio::test]
async fn a_cache_outside_an_authorisation_answers_those_whom_it_would_refuse() {
    let allowed = || {
        step(
            "authorise",
            async |n: u64, ctx: &WorkflowContext| match ctx.metadata("user") {
                Some(user) if user == "ann" => Ok(n),
                _ => Err(Error::new(ErrorKind::Rejected, "not for you")),
            },
        )
    };
    let as_user = |user| WorkflowContext::builder().metadata("user", user).build();
    let secret = model().with_default(|_| Answer::value(7));
    let wrong = (allowed() >> secret.clone()).cached(by_question()).unwrap();
    let right = allowed() >> call(&secret).cached(by_question()).unwrap();
    for user in ["ann", "bob"] {
        assert_eq!(wrong.execute(1, &as_user(user)).await.unwrap(), 7, "{user}");
    }
    assert_eq!(right.execute(1, &as_user("ann")).await.unwrap(), 7);
    right.execute(1, &as_user("bob")).await.unwrap_err();
}

#[tokio::test]
async fn a_cache_around_one_step_of_a_sequence_answers_for_that_step_alone() {
    let (embed, answer) = (model(), model());
    let embed = embed.with_default(|n| Answer::value(n % 10));
    let answer = answer.with_default(|n| Answer::value(*n));
    let flow = call(&embed) >> call(&answer).cached(by_question()).unwrap();
    for question in [1, 11, 21] {
        assert_eq!(flow.run(question).await.unwrap(), 1);
    }
    assert_eq!((embed.calls(), answer.calls()), (3, 1));
}
