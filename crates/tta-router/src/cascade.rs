//! From which route a call goes on to which.

use tta_core::{Error, ErrorKind, Result};

use crate::live::RouteTable;
use crate::verifier::BoxVerifier;

/// What follows on a route's answer or error.
pub(crate) struct Cascade<I, O> {
    /// Who judges the answers, and where a call goes whose answer is refused.
    pub(crate) refused: Option<(BoxVerifier<I, O>, usize)>,
    /// Where a call goes that fails.
    pub(crate) failed: Option<usize>,
    /// Keeps the input for the next route.
    pub(crate) keep: fn(&I) -> I,
}

/// What the builder was told, by the routes' names.
pub(crate) struct Edge<I, O> {
    pub(crate) from: String,
    pub(crate) to: String,
    /// None where errors are meant.
    pub(crate) verifier: Option<BoxVerifier<I, O>>,
    pub(crate) keep: fn(&I) -> I,
}

/// What follows on each route, by its place.
///
/// # Errors
///
/// [`ErrorKind::Configuration`] for a route that does not exist, for two of one kind from one route,
/// and for a way that leads back to where it began.
pub(crate) fn cascades<I, O>(
    edges: Vec<Edge<I, O>>,
    table: &RouteTable,
) -> Result<Vec<Option<Cascade<I, O>>>> {
    let mut cascades: Vec<Option<Cascade<I, O>>> = table.rows.iter().map(|_| None).collect();
    for edge in edges {
        let place = |name: &str| {
            table.position(name).ok_or_else(|| {
                let known = table.listed();
                refused(format!(
                    "a cascade names a route `{name}` and the router has {known}; add it or mend the name"
                ))
            })
        };
        let (from, to) = (place(&edge.from)?, place(&edge.to)?);
        let Some(slot) = cascades.get_mut(from) else {
            continue;
        };
        let cascade = slot.get_or_insert(Cascade {
            refused: None,
            failed: None,
            keep: edge.keep,
        });
        let is_second = match edge.verifier {
            Some(verifier) => cascade.refused.replace((verifier, to)).is_some(),
            None => cascade.failed.replace(to).is_some(),
        };
        if is_second {
            let from = &edge.from;
            return Err(refused(format!(
                "two cascades of one kind begin at route `{from}`; leave one"
            )));
        }
    }
    for start in 0..cascades.len() {
        if leads_back(&cascades, start) {
            let name = table.name(start);
            return Err(refused(format!(
                "a cascade from route `{name}` leads back to it; let it end at another route"
            )));
        }
    }
    Ok(cascades)
}

/// Whether a call of this route can come back to it.
fn leads_back<I, O>(cascades: &[Option<Cascade<I, O>>], start: usize) -> bool {
    let mut seen = Vec::new();
    let mut open = vec![start];
    while let Some(place) = open.pop() {
        let Some(Some(cascade)) = cascades.get(place) else {
            continue;
        };
        let refused = cascade.refused.as_ref().map(|(_, to)| *to);
        for next in [refused, cascade.failed].into_iter().flatten() {
            if next == start {
                return true;
            }
            if !seen.contains(&next) {
                seen.push(next);
                open.push(next);
            }
        }
    }
    false
}

fn refused(message: String) -> Error {
    Error::new(ErrorKind::Configuration, message)
}
