#![doc = include_str!("../README.md")]

pub mod arrivals;
pub mod inputs;
pub mod lines;
pub mod model;
pub mod money;
pub mod options;
pub mod positive;
pub mod questions;
pub mod random;
pub mod records;
pub mod rejected;
pub mod workload;
