//! What keys say of their values, remembered: a process has few keys and asks of them all the time.

use std::cell::RefCell;

use super::keys::{self, Kind};

/// What a key says, whatever the policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) is_content: bool,
    pub(super) kind: Option<Kind>,
}

impl Known {
    pub(super) const NOTHING: Self = Self {
        is_content: false,
        kind: None,
    };

    fn of(key: &str) -> Self {
        Self {
            is_content: keys::is_content(key),
            kind: keys::kind(key),
        }
    }
}

/// What this key says. Each thread remembers a bounded number of short keys: one that is asked about
/// takes the place of another of the same number, so that no set of keys makes this slow.
pub(super) fn known(key: &str) -> Known {
    if key.len() > LONGEST {
        return Known::of(key);
    }
    let remembered = PLACES.try_with(|places| {
        let mut places = places.try_borrow_mut().ok()?;
        let (name, known) = places.get_mut(number(key))?;
        if **name != *key {
            *known = Known::of(key);
            *name = key.into();
        }
        Some(*known)
    });
    // A thread that ends remembers nothing.
    remembered.ok().flatten().unwrap_or_else(|| Known::of(key))
}

/// A number for the key, as far as there are places: of its length, its beginning and its end, in
/// which keys differ.
fn number(key: &str) -> usize {
    let bytes = key.as_bytes();
    let word = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            u64::from_le_bytes(*first).rotate_left(5) ^ u64::from_le_bytes(*last)
        }
        _ => bytes
            .iter()
            .fold(0, |word, byte| word << 8 | u64::from(*byte)),
    };
    let hash = (word ^ bytes.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (hash >> 56) as usize
}

/// A key longer than this is nobody's who repeats it.
const LONGEST: usize = 64;

thread_local! {
    static PLACES: RefCell<Vec<(Box<str>, Known)>> = RefCell::new(
        std::iter::repeat_with(Default::default).take(256).collect()
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::with_cases(2_000)
        })]

        #[test]
        fn what_is_remembered_of_a_key_is_what_it_says(
            keys in prop::collection::vec(
                prop_oneof![
                    "(api|x|session|llm|gen_ai)[._-]?(key|token|prompt|type|id)(\\.[0-9])?",
                    ".{0,70}",
                ],
                1..20,
            ),
        ) {
            // Each twice, so that the second time it may be remembered.
            for key in keys.iter().chain(&keys) {
                prop_assert_eq!(known(key), Known::of(key), "{}", key);
            }
        }
    }

    #[test]
    fn keys_of_one_place_do_not_speak_for_each_other() {
        // Of 600 keys some share a place, and every other one is secret.
        let key = |index: usize| match index % 2 {
            0 => format!("part{index}.password"),
            _ => format!("part{index}.name"),
        };
        for index in (0..600).chain(0..600) {
            let is_secret = known(&key(index)).kind == Some(Kind::Secret);
            assert_eq!(is_secret, index % 2 == 0, "{}", key(index));
        }
    }
}
