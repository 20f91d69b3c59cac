#![doc = include_str!("../README.md")]

mod adaptive;
mod blocking;
mod bounds;
mod catalog;
mod cause;
mod config;
mod ext;
mod fallback;
mod metrics;
mod policy;
mod stream;
mod timeout;
mod timer;

pub use adaptive::AdaptiveLimit;
pub use blocking::BlockingPrimitive;
pub use catalog::CATALOG;
pub use cause::{TimedOut, TimeoutCause};
pub use config::TimeoutConfig;
pub use ext::{BlockingExt, TimeoutExt};
pub use fallback::TimeoutOrPrimitive;
pub use policy::{Ending, FixedLimit, LimitPolicy};
pub use stream::{StreamLimits, StreamTimeout, TimedStream, TimeoutStreamExt};
pub use timeout::TimeoutPrimitive;
