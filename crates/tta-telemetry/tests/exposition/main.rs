//! The page of metrics, as those who read it judge it.
#![cfg(feature = "metrics-server")]

mod aliases;
mod formats;
mod hostile;
mod negotiation;
mod own;
mod process;
mod scraped;
mod user;
