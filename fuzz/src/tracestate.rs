//! The headers `tracestate`.

use std::collections::HashSet;

use tta_http::Propagation;

use crate::headers::Headers;

/// What is taken is a list as the W3C has it, no key twice, and goes on as it came.
pub fn tracestate(data: &[u8]) {
    let propagation = Propagation::new();
    let headers = Headers::default()
        .with("traceparent", PARENT)
        .with_lines(NAME, data);
    let extracted = propagation.extract(&headers);
    let Some(parent) = extracted.parent() else {
        panic!("{NAME} took the parent away");
    };
    let taken = parent.trace_state.as_deref().map(str::to_owned);
    assert!(taken.is_none() || extracted.refused().is_empty());
    if let Some(taken) = &taken {
        check(taken);
    }

    let mut onward = Headers::default();
    propagation.inject(&extracted.into_builder().build(), &mut onward);
    let sent = onward.only(NAME).map(String::from_utf8_lossy);
    assert_eq!(sent.as_deref(), taken.as_deref());
}

fn check(list: &str) {
    let mut keys = HashSet::new();
    for member in list.split(',') {
        let Some((key, value)) = member.split_once('=') else {
            panic!("`{member}` is no member");
        };
        assert!(keys.insert(key), "`{key}` stands there twice");
        assert!((1..=256).contains(&key.len()) && (1..=256).contains(&value.len()));
        let in_key = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-*/@".contains(c);
        assert!(key.chars().all(in_key), "`{key}`");
        assert!(!key.starts_with(|c| "_-*/@".contains(c)), "`{key}`");
        let in_value = |c: char| (' '..='~').contains(&c) && c != '=';
        assert!(value.chars().all(in_value), "`{value}`");
        assert!(!value.ends_with(' '), "`{value}`");
    }
    assert!(keys.len() <= 32);
}

const NAME: &str = "tracestate";
const PARENT: &[u8] = b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
