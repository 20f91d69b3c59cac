//! Content coding: whether a client takes gzip.

use hyper::HeaderMap;
use hyper::header::ACCEPT_ENCODING;

/// Whether gzip is what the client prefers (RFC 9110, section 12.5.3).
///
/// Gzip wins a tie with `identity`, for it is shorter. A client that refuses both gets identity:
/// a scrape in the wrong coding is still worth more to it than an error.
pub(crate) fn prefers_gzip(headers: &HeaderMap) -> bool {
    let (mut gzip, mut any, mut identity) = (None, None, None);
    for value in headers.get_all(ACCEPT_ENCODING) {
        let Ok(value) = value.to_str() else { continue };
        for element in value.split(',') {
            let mut parts = element.split(';');
            let quality = quality(&mut parts.clone());
            match parts
                .next()
                .map(|coding| coding.trim().to_ascii_lowercase())
                .as_deref()
            {
                Some("gzip" | "x-gzip") => gzip = Some(quality),
                Some("*") => any = Some(quality),
                Some("identity") => identity = Some(quality),
                _ => {}
            }
        }
    }
    let gzip = gzip.or(any).unwrap_or(0.0);
    gzip > 0.0 && gzip >= identity.unwrap_or(0.0)
}

/// The `q` of one element; what cannot be read counts as a refusal.
fn quality(parts: &mut std::str::Split<'_, char>) -> f32 {
    for parameter in parts.skip(1) {
        let Some((name, value)) = parameter.split_once('=') else {
            continue;
        };
        if name.trim().eq_ignore_ascii_case("q") {
            let quality = value.trim().parse().unwrap_or(0.0);
            return if (0.0..=1.0).contains(&quality) {
                quality
            } else {
                0.0
            };
        }
    }
    1.0
}
