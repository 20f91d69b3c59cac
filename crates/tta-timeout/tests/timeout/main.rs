//! A step under a timeout, as its user sees it.

mod limits;
mod observed;
mod support;
