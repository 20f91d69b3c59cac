//! Routes that do what a test tells them to, on tokio's clock.

use std::time::Duration;

use tta_core::{Error, ErrorKind, Flow, Observed, WorkflowContext};
use tta_router::{CostModel, RouterBuilder, RouterPrimitive, RoutingStrategy};
use tta_testkit::conformance::tokio_clock;
use tta_testkit::mock::{Answer, MockPrimitive};

pub(crate) type Mock = MockPrimitive<u64, &'static str>;
pub(crate) type Router = Flow<Observed<RouterPrimitive<u64, &'static str>>>;

/// A route that answers with its name after so many milliseconds.
pub(crate) fn answering(name: &'static str, millis: u64) -> Mock {
    MockPrimitive::new(name)
        .with_default(move |_| Answer::value(name).after(Duration::from_millis(millis)))
}

/// Routes `a`, `b`, `c` … that do what these mocks do, each dearer than the one before.
pub(crate) fn routes(mocks: &[&Mock]) -> RouterBuilder<u64, &'static str> {
    let mut builder = RouterPrimitive::builder();
    for ((mock, name), price) in mocks.iter().zip(NAMES).zip(1_u32..) {
        let cost = CostModel::per_call(f64::from(price) / 1_000.0);
        builder = builder.route(name, (*mock).clone(), cost);
    }
    builder
}

pub(crate) fn router(mocks: &[&Mock], strategy: impl RoutingStrategy<u64> + 'static) -> Router {
    routes(mocks).strategy(strategy).build().unwrap()
}

/// A context on tokio's clock.
pub(crate) fn context() -> WorkflowContext {
    WorkflowContext::builder().clock(tokio_clock).build()
}

/// The route that would be taken now, and why.
pub(crate) fn decided(router: &Router) -> (String, &'static str) {
    let decision = router.decide_route(&0, &context()).unwrap();
    (decision.route.to_owned(), decision.reason.as_str())
}

/// Calls the router and tells which mock answered.
pub(crate) async fn called(router: &Router) -> &'static str {
    router.execute(0, &context()).await.unwrap()
}

pub(crate) fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "down")
}

pub(crate) const NAMES: [&str; 3] = ["a", "b", "c"];
