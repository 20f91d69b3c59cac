#![doc = include_str!("../README.md")]

pub mod arrivals;
pub mod flow;
pub mod inputs;
pub mod lines;
pub mod load;
pub mod model;
pub mod money;
pub mod options;
pub mod overhead;
pub mod positive;
pub mod questions;
pub mod random;
pub mod records;
pub mod rejected;
pub mod report;
pub mod scrape;
mod table;
pub mod tally;
pub mod verify;
pub mod workload;
