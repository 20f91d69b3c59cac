#![doc = include_str!("../README.md")]

mod builder;
mod catalog;
mod cost;
mod decision;
mod metrics;
mod router;
mod savings;
mod strategy;

pub use builder::RouterBuilder;
pub use catalog::CATALOG;
pub use cost::CostModel;
pub use decision::{Choice, RouteReason, RoutingDecision};
pub use router::RouterPrimitive;
pub use savings::Savings;
pub use strategy::{
    ByComplexity, ByRule, Complexity, RoundRobin, RouteNames, RoutingStrategy, complexity,
};
