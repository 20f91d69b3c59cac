//! Text that must not be shown.

use std::borrow::Cow;
use std::fmt;

/// Text that must not be shown: a password, a token, the value of a header.
///
/// `Debug` and `Display` print `***`, whatever the width or flags. There is no conversion back to
/// text but [`expose`](Self::expose), and no serialisation: what serialises by `Display` gets `***`.
/// Comparing takes as long for a near miss as for a far one.
///
/// # Examples
///
/// ```
/// use tta_core::Secret;
///
/// let key = Secret::from("sk-live-1234");
/// assert_eq!(format!("{key} {key:?}"), "*** ***");
/// assert_eq!(key.expose(), "sk-live-1234");
/// ```
///
/// What is not shown is not converted either:
///
/// ```compile_fail
/// let shown: String = tta_core::Secret::from("sk-live-1234").into();
/// ```
#[derive(Clone, Default)]
pub struct Secret(Box<str>);

impl Secret {
    /// A secret of this text.
    pub fn new(text: impl Into<Self>) -> Self {
        text.into()
    }

    /// The text itself. Each call is a place to look at twice.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl From<&String> for Secret {
    fn from(text: &String) -> Self {
        Self(text.as_str().into())
    }
}

impl From<Cow<'_, str>> for Secret {
    fn from(text: Cow<'_, str>) -> Self {
        Self(text.into())
    }
}

impl From<Box<str>> for Secret {
    fn from(text: Box<str>) -> Self {
        Self(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASK)
    }
}

/// Every byte is looked at, so that the time tells nothing but the length.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        let (ours, theirs) = (self.0.as_bytes(), other.0.as_bytes());
        let differing = ours.iter().zip(theirs).fold(0, |seen, (one, two)| {
            std::hint::black_box(seen | (one ^ two))
        });
        ours.len() == theirs.len() && differing == 0
    }
}

impl Eq for Secret {}

const MASK: &str = "***";
