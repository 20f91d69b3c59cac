//! Log lines, as whoever collects them finds them.
#![cfg(feature = "logs")]

mod captured;
mod events;
mod hostile;
mod identity;
mod records;
mod writing;
