#![doc = include_str!("../README.md")]

mod builder;
mod catalog;
mod complexity;
mod decision;
mod ledger;
mod metrics;
mod price;
mod router;
mod strategies;
mod strategy;

pub use builder::RouterBuilder;
pub use catalog::CATALOG;
pub use complexity::{Complexity, complexity};
pub use decision::{Reason, RoutingDecision};
pub use ledger::Savings;
pub use price::Price;
pub use router::RouterPrimitive;
pub use strategies::{ByComplexity, ByRule, RoundRobin};
pub use strategy::{Choice, Routes, RoutingStrategy};
