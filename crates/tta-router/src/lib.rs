#![doc = include_str!("../README.md")]

mod builder;
mod cascade;
mod catalog;
mod complexity;
mod cost;
mod decision;
mod ext;
mod live;
mod metrics;
mod reason;
mod router;
mod routes;
mod savings;
mod strategy;
mod verifier;

pub use builder::RouterBuilder;
pub use catalog::CATALOG;
pub use complexity::{Complexity, complexity};
pub use cost::CostModel;
pub use decision::{Choice, RoutingDecision};
pub use ext::CascadeExt;
pub use reason::RouteReason;
pub use router::RouterPrimitive;
pub use routes::{Candidate, Routes};
pub use savings::Savings;
pub use strategy::{
    ByComplexity, ByRule, CheapestWithin, HealthAware, LeastInFlight, LowestLatency, RoundRobin,
    RoutingStrategy, Sticky, Weighted,
};
pub use verifier::{AsyncVerifier, OfAnswer, OfAnswerAndContext, Verification, Verifier};
