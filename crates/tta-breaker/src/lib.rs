#![doc = include_str!("../README.md")]

mod catalog;

pub use catalog::CATALOG;
