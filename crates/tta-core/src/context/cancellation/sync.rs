//! What the signal is made of; `tests/cancellation_model.rs` puts loom's in its place.

pub(super) use std::sync::atomic::AtomicBool;
pub(super) use std::sync::{Mutex, MutexGuard};
