#![doc = include_str!("../README.md")]

#[cfg(feature = "prometheus")]
pub mod exposition;
#[cfg(feature = "logs")]
mod logs;
