use tokio::time::Instant;
use tta::prelude::*;
use tta_testkit::mock::Answer;

use super::{SECOND, call, canned, model};

#[tokio::test(start_paused = true)]
async fn a_fallback_outside_a_timeout_answers_when_the_model_takes_too_long() {
    let slow = model().with_answer(Answer::hang());
    let flow = call(&slow)
        .timeout(2 * SECOND)
        .unwrap()
        .with_fallback(canned());
    assert_eq!(flow.run(1).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_outside_a_fallback_leaves_the_fallback_no_time() {
    let slow = model().with_answer(Answer::hang());
    let flow = call(&slow)
        .with_fallback(canned())
        .timeout(2 * SECOND)
        .unwrap();
    assert_eq!(flow.run(1).await.unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_and_one_outside_give_the_fallback_what_the_first_left() {
    let slow = model().with_answer(Answer::hang());
    let second = model().with_answer(Answer::value(2).after(2 * SECOND));
    let flow = call(&slow)
        .timeout(2 * SECOND)
        .unwrap()
        .with_fallback(second);
    let flow = flow.boxed().unwrap().timeout(5 * SECOND).unwrap();
    let begun = Instant::now();
    assert_eq!(flow.run(1).await.unwrap(), 2);
    assert_eq!(begun.elapsed(), 4 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_timeout_around_a_sequence_is_one_limit_for_all_of_its_steps() {
    let steps = || {
        let slow = || model().with_default(|n| Answer::value(*n).after(2 * SECOND));
        (slow(), slow())
    };
    let (a, b) = steps();
    let around = (call(&a) >> b).timeout(3 * SECOND).unwrap();
    assert_eq!(around.run(1).await.unwrap_err().kind(), ErrorKind::Timeout);
    let (a, b) = steps();
    let each = call(&a).timeout(3 * SECOND).unwrap() >> call(&b).timeout(3 * SECOND).unwrap();
    assert_eq!(each.run(1).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_compensation_outside_a_timeout_undoes_what_was_cut_off() {
    let (charge, refund) = (model().with_answer(Answer::hang()), model());
    refund.push(Answer::value(0).after(3 * SECOND));
    let flow = call(&charge).timeout(2 * SECOND).unwrap();
    let flow = flow.with_compensation(refund.clone());
    assert_eq!(flow.run(1).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!((refund.answered(), refund.dropped()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_outside_a_compensation_cuts_the_undoing_off_too_or_never_lets_it_begin() {
    let refund = model().with_default(|_| Answer::value(0).after(3 * SECOND));
    let fails = model().with_answer(super::unavailable().after(SECOND));
    let flow = call(&fails)
        .with_compensation(refund.clone())
        .timeout(2 * SECOND)
        .unwrap();
    assert_eq!(flow.run(1).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!((refund.answered(), refund.dropped()), (0, 1), "half undone");

    let hangs = model().with_answer(Answer::hang());
    let flow = call(&hangs)
        .with_compensation(refund.clone())
        .timeout(2 * SECOND)
        .unwrap();
    assert_eq!(flow.run(1).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(refund.calls(), 1, "not called a second time");
}
