//! What the flights synchronise with; their model puts the model checker's own in its place.

pub(crate) use std::sync::{Arc, Mutex, MutexGuard};
