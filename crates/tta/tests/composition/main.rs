//! Which order of composition does what: one test for each statement of docs/guides/composition.md.
//!
//! Instruments are shared by name within a process, so every primitive whose numbers are looked at
//! has a name of its own.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod branches;
mod caching;
mod limits;
mod resilience;
mod routing;

use std::time::Duration;

use tta::prelude::*;
use tta::{CacheConfig, Observed, Scope};
use tta_testkit::mock::{Answer, MockPrimitive};

const SECOND: Duration = Duration::from_secs(1);

/// A model that the test tells what to do.
fn model() -> MockPrimitive<u64, u64> {
    MockPrimitive::new("model")
}

/// A flow of a clone of the mock, which stays with the test.
fn call(mock: &MockPrimitive<u64, u64>) -> Flow<Observed<MockPrimitive<u64, u64>>> {
    Flow::new(mock.clone())
}

/// Answers 0 at once: what stands ready where nothing better is to be had.
fn canned() -> Flow<Observed<impl Primitive<Input = u64, Output = u64>>> {
    step("canned", async |_: u64| Ok(0))
}

/// One entry for each question, for everybody, for ever.
fn by_question() -> CacheConfig<u64, u64> {
    CacheConfig::new(Scope::Global, |question: &u64, _, key| {
        key.unsigned(*question);
    })
}

fn unavailable() -> Answer<u64> {
    Answer::fail(Error::new(ErrorKind::Unavailable, "it is down"))
}
