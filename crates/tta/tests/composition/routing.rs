use tta::prelude::*;
use tta::{Observed, RoundRobin, RouterPrimitive as Router};
use tta_testkit::mock::{Answer, MockPrimitive};

use super::{SECOND, by_question, call, canned, model, unavailable};

/// Takes turns between two routes.
fn taking_turns<A, B>(cheap: Flow<A>, premium: Flow<B>) -> Flow<Observed<Router<u64, u64>>>
where
    A: Primitive<Input = u64, Output = u64> + 'static,
    B: Primitive<Input = u64, Output = u64> + 'static,
{
    RouterPrimitive::builder()
        .route("cheap", cheap, CostModel::per_call(0.001))
        .route("premium", premium, CostModel::per_call(0.03))
        .strategy(RoundRobin::new())
        .build()
        .unwrap()
}

fn answering(answer: u64) -> MockPrimitive<u64, u64> {
    model().with_default(move |_| Answer::value(answer))
}

#[tokio::test]
async fn a_cache_outside_a_router_answers_whichever_route_would_have_been_taken() {
    let (cheap, premium) = (answering(1), answering(2));
    let flow = taking_turns(call(&cheap), call(&premium))
        .cached(by_question())
        .unwrap();
    let answers = [flow.run(5).await.unwrap(), flow.run(5).await.unwrap()];
    assert_eq!(
        answers,
        [1, 1],
        "the cheap answer stands for the premium one"
    );
    assert_eq!((cheap.calls(), premium.calls()), (1, 0));
}

#[tokio::test]
async fn a_cache_inside_each_route_keeps_their_answers_apart() {
    let (cheap, premium) = (answering(1), answering(2));
    let cached = |model| call(model).cached(by_question()).unwrap();
    let flow = taking_turns(cached(&cheap), cached(&premium));
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(flow.run(5).await.unwrap());
    }
    assert_eq!(answers, [1, 2, 1, 2]);
    assert_eq!((cheap.calls(), premium.calls()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_inside_a_route_gives_each_route_its_own_limit() {
    let slow = |_: &u64| Answer::value(1).after(3 * SECOND);
    let (cheap, premium) = (model().with_default(slow), model().with_default(slow));
    let flow = taking_turns(
        call(&cheap).timeout(SECOND).unwrap(),
        call(&premium).timeout(10 * SECOND).unwrap(),
    );
    assert_eq!(flow.run(1).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(flow.run(1).await.unwrap(), 1);
}

#[tokio::test]
async fn a_fallback_inside_a_route_helps_that_route_and_one_outside_helps_all() {
    let broken = || model().with_default(|_| unavailable());
    let inside = taking_turns(call(&broken()).with_fallback(canned()), call(&broken()));
    assert_eq!(inside.run(1).await.unwrap(), 0);
    assert_eq!(
        inside.run(1).await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );

    let outside = taking_turns(call(&broken()), call(&broken())).with_fallback(canned());
    assert_eq!(outside.run(1).await.unwrap(), 0);
    assert_eq!(outside.run(1).await.unwrap(), 0);
}
