//! The headers `baggage`.

use std::collections::BTreeMap;

use tta_http::Propagation;

use crate::headers::Headers;

/// All headers together stay within one budget, nothing goes on that was not allowed to, and what
/// was goes on as it came.
pub fn baggage(data: &[u8]) {
    let headers = Headers::default().with_lines(NAME, data);
    let extracted = Propagation::new().extract(&headers);
    let entries = extracted.baggage().to_vec();
    assert!(entries.len() <= 64);
    let bytes: usize = entries.iter().map(|(key, _)| key.len()).sum();
    assert!(bytes <= 8192);
    for (key, _) in &entries {
        let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
        assert!(!key.is_empty() && key.chars().all(is_token), "`{key}`");
    }

    let mut onward = Headers::default();
    Propagation::new().inject(&extracted.into_builder().build(), &mut onward);
    assert_eq!(onward.only(NAME), None, "nobody allowed it to go on");

    let keys: Vec<String> = entries.iter().map(|(key, _)| key.clone()).collect();
    let propagation = Propagation::new().with_forwarded_baggage(keys);
    let ctx = propagation.extract(&headers).into_builder().build();
    let mut onward = Headers::default();
    propagation.inject(&ctx, &mut onward);
    let again = propagation.extract(&onward);
    assert!(again.refused().is_empty(), "{onward:?}");
    // Written out, a value may be three times as long, and then no longer fit.
    let sent: BTreeMap<_, _> = again.baggage().iter().cloned().collect();
    let meant = ctx.outgoing_baggage();
    for (key, value) in &sent {
        assert_eq!(meant.get(key), Some(value), "`{key}`");
    }
    let written: usize = meant
        .iter()
        .map(|(key, value)| key.len() + 3 * value.len() + 2)
        .sum();
    assert!(written > 8192 || sent.len() == meant.len());
}

const NAME: &str = "baggage";
