//! What carries a context from one process to another.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use http::header::{HeaderMap, HeaderName, HeaderValue};

/// What carries a context from one process to another: the headers of a request or of a message.
///
/// It is implemented for [`HeaderMap`] and for maps of strings. Names are in small letters, and are
/// found in any.
///
/// # Examples
///
/// A message of a library of your own:
///
/// ```
/// use tta_http::Carrier;
///
/// #[derive(Default)]
/// struct Message {
///     headers: Vec<(String, Vec<u8>)>,
/// }
///
/// impl Carrier for Message {
///     fn values<'a>(&'a self, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
///         let named = self.headers.iter().filter(move |(key, _)| key.eq_ignore_ascii_case(name));
///         named.map(|(_, value)| value.as_slice())
///     }
///
///     fn set(&mut self, name: &'static str, value: String) {
///         self.remove(name);
///         self.headers.push((name.to_owned(), value.into_bytes()));
///     }
///
///     fn remove(&mut self, name: &'static str) {
///         self.headers.retain(|(key, _)| !key.eq_ignore_ascii_case(name));
///     }
/// }
/// # drop(Message::default());
/// ```
pub trait Carrier {
    /// Every value under a name, in order.
    fn values<'a>(&'a self, name: &'static str) -> impl Iterator<Item = &'a [u8]>;

    /// Sets the only value under a name.
    fn set(&mut self, name: &'static str, value: String);

    /// Removes what is under a name.
    fn remove(&mut self, name: &'static str);
}

impl Carrier for HeaderMap {
    fn values<'a>(&'a self, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
        self.get_all(name).iter().map(HeaderValue::as_bytes)
    }

    fn set(&mut self, name: &'static str, value: String) {
        // What we write is checked or percent-coded; what no header can hold is left out.
        if let Ok(value) = HeaderValue::try_from(value) {
            self.insert(HeaderName::from_static(name), value);
        }
    }

    fn remove(&mut self, name: &'static str) {
        HeaderMap::remove(self, name);
    }
}

impl<S: BuildHasher> Carrier for HashMap<String, String, S> {
    fn values<'a>(&'a self, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
        let named = self
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_bytes())
    }

    fn set(&mut self, name: &'static str, value: String) {
        Carrier::remove(self, name);
        self.insert(name.to_owned(), value);
    }

    fn remove(&mut self, name: &'static str) {
        self.retain(|key, _| !key.eq_ignore_ascii_case(name));
    }
}

impl Carrier for BTreeMap<String, String> {
    fn values<'a>(&'a self, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
        let named = self
            .iter()
            .filter(|(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_bytes())
    }

    fn set(&mut self, name: &'static str, value: String) {
        Carrier::remove(self, name);
        self.insert(name.to_owned(), value);
    }

    fn remove(&mut self, name: &'static str) {
        self.retain(|key, _| !key.eq_ignore_ascii_case(name));
    }
}
