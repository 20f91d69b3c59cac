#![doc = include_str!("../README.md")]

mod breaker;
mod catalog;
mod config;
mod ext;
mod failure;
mod gate;
mod machine;
mod metrics;
mod permit;
mod primitive;
mod state;
mod sync;
mod window;

pub use breaker::CircuitBreaker;
pub use catalog::CATALOG;
pub use config::CircuitBreakerConfig;
pub use ext::CircuitBreakerExt;
pub use failure::LastFailure;
pub use permit::Permit;
pub use primitive::CircuitBreakerPrimitive;
pub use state::CircuitState;
pub use window::Window;
