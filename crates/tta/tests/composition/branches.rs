use tokio::time::Instant;
use tta::FailurePolicy;
use tta::prelude::*;
use tta_testkit::mock::Answer;

use super::{SECOND, call, canned, model, unavailable};

#[tokio::test(start_paused = true)]
async fn a_timeout_around_a_parallel_ends_every_branch() {
    let (a, b) = (
        model().with_answer(Answer::hang()),
        model().with_answer(Answer::hang()),
    );
    let both = (call(&a) | call(&b)).with_failure_policy(FailurePolicy::AwaitAll);
    let flow = both.timeout(2 * SECOND).unwrap();
    assert_eq!(flow.run(1).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(
        (a.dropped(), b.dropped()),
        (1, 1),
        "also where all are to be awaited"
    );
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_a_branch_fails_the_others_unless_the_branch_has_a_fallback() {
    let (slow, good) = (model().with_answer(Answer::hang()), model());
    good.push(Answer::value(7).after(3 * SECOND));
    let bare = call(&slow).timeout(SECOND).unwrap() | call(&good);
    assert_eq!(bare.run(1).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(good.dropped(), 1);

    slow.push(Answer::hang());
    good.push(Answer::value(7).after(3 * SECOND));
    let helped = call(&slow).timeout(SECOND).unwrap().with_fallback(canned()) | call(&good);
    assert_eq!(helped.run(1).await.unwrap(), (0, 7));
}

#[tokio::test(start_paused = true)]
async fn awaiting_all_lets_an_effect_end_before_it_is_compensated() {
    let charge = model().with_answer(Answer::value(1).after(2 * SECOND));
    let notify = model().with_answer(unavailable().after(SECOND));
    let refund = model().with_answer(Answer::value(0));
    let both = call(&charge) | call(&notify);
    let flow = both.with_failure_policy(FailurePolicy::AwaitAll);
    let flow = flow.with_compensation(refund.clone());
    let begun = Instant::now();
    assert_eq!(
        flow.run(1).await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    assert_eq!(begun.elapsed(), 2 * SECOND);
    assert_eq!((charge.answered(), refund.answered()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn failing_fast_compensates_while_nobody_knows_whether_the_effect_took_place() {
    let charge = model().with_answer(Answer::value(1).after(2 * SECOND));
    let notify = model().with_answer(unavailable().after(SECOND));
    let refund = model().with_answer(Answer::value(0));
    let flow = (call(&charge) | call(&notify)).with_compensation(refund.clone());
    assert_eq!(
        flow.run(1).await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    assert_eq!((charge.dropped(), refund.answered()), (1, 1));
}
