//! Headers that may hold any byte, which those of the `http` crate may not.

use tta_http::Carrier;

/// Headers in order, with any bytes.
#[derive(Debug, Default)]
pub(crate) struct Headers(Vec<(&'static str, Vec<u8>)>);

impl Headers {
    pub(crate) fn with(mut self, name: &'static str, value: &[u8]) -> Self {
        self.0.push((name, value.to_vec()));
        self
    }

    /// One header a line.
    pub(crate) fn with_lines(self, name: &'static str, lines: &[u8]) -> Self {
        lines
            .split(|byte| *byte == b'\n')
            .fold(self, |headers, line| headers.with(name, line))
    }

    /// The only header under a name.
    pub(crate) fn only(&self, name: &'static str) -> Option<&[u8]> {
        let mut values = self.values(name);
        let first = values.next();
        assert!(values.next().is_none(), "two headers `{name}` are written");
        first
    }
}

impl Carrier for Headers {
    fn values<'a>(&'a self, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
        let named = self.0.iter().filter(move |(key, _)| *key == name);
        named.map(|(_, value)| value.as_slice())
    }

    fn set(&mut self, name: &'static str, value: String) {
        self.remove(name);
        self.0.push((name, value.into_bytes()));
    }

    fn remove(&mut self, name: &'static str) {
        self.0.retain(|(key, _)| *key != name);
    }
}
