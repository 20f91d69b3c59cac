#![doc = include_str!("../README.md")]

pub mod certificates;
pub mod conformance;
pub mod faults;
pub mod http;
pub mod immediate;
pub mod judges;
pub mod measured;
pub mod mock;
pub mod network;
pub mod otlp;
pub mod proxy;
pub mod recording;
pub mod resp;
pub mod servers;
