#![doc = include_str!("../README.md")]

#[cfg(feature = "prometheus")]
mod exposition;
#[cfg(feature = "logs")]
mod logs;
