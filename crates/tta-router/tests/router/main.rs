//! A router over a few routes, as its user sees it.

mod complexity;
mod costs;
mod observed;
mod routes;
mod support;
