#![doc = include_str!("../README.md")]

mod catalog;
#[cfg(feature = "prometheus")]
pub mod exposition;
#[cfg(feature = "logs")]
pub mod logs;
pub mod process;

pub use catalog::CATALOG;
