//! A router's decision, and what it may be made by.

use std::hint::black_box;

use tta_core::step;
use tta_router::{ByRule, CostModel, RouterPrimitive, complexity};

use crate::workflow::{context, done};

/// A decision by a rule, which runs no route.
pub(crate) fn decision(rounds: usize, operations: usize) {
    let route = || step("route", async |text: &'static str| Ok(text.len()));
    let rule = ByRule::otherwise("cheap").when("premium", |text: &&str, _| text.len() > 4_000);
    let builder = RouterPrimitive::builder()
        .route("cheap", route(), CostModel::per_call(0.001))
        .route("premium", route(), CostModel::per_call(0.01));
    let router = done(builder.strategy(rule).build());
    for _ in 0..rounds {
        let ctx = context(None);
        for _ in 0..operations {
            black_box(done(router.decide_route(black_box(&PROMPT), &ctx)).score);
        }
    }
}

/// The score by which a router tells what is easy.
pub(crate) fn score(rounds: usize, operations: usize) {
    for _ in 0..rounds * operations {
        black_box(complexity(black_box(PROMPT)).score());
    }
}

const PROMPT: &str = "Explain how a cache with single flight works, and compare it with a plain one: \
    what happens when 1,000 callers ask for one key at once? Consider a leader that fails after 250 \
    ms, a leader that is dropped, and followers with deadlines of their own. Then write down the \
    steps in order, and say which of them can be left out.";
