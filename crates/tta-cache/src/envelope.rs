//! A value as it is kept outside the process, with everything that tells whether it may answer.

use std::hash::Hasher;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use siphasher::sip::SipHasher13;

use crate::compression::{Compression, compress, decompress, reads};
use crate::key::SharedKey;

/// What is stored with a value. Times are wall-clock, since processes share them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) computed: UnixMillis,
    /// When the value stops being as good as new; never if it does not.
    pub(crate) fresh_until: Option<UnixMillis>,
    /// When it may not answer any more, not even in place of an error.
    pub(crate) kept_until: Option<UnixMillis>,
    /// What the computation cost, in billionths of a US dollar.
    pub(crate) cost_nano_usd: Option<u64>,
    /// How long it took.
    pub(crate) took: Duration,
    pub(crate) tags: Vec<Arc<str>>,
    /// The value, as the codec wrote it.
    pub(crate) payload: Vec<u8>,
}

/// What bytes must be to be read: for this key, of this version, by this codec, and no larger.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    pub(crate) key: SharedKey,
    pub(crate) version: u32,
    pub(crate) codec: &'static str,
    pub(crate) limit: usize,
}

/// Why bytes are not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// They are not what was asked for: to be removed.
    Corrupt,
    /// They are in order, and this build cannot read them: to be left alone.
    Foreign,
}

/// A point in time, in milliseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct UnixMillis(pub(crate) u64);

impl UnixMillis {
    pub(crate) fn of(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(millis(since))
    }

    pub(crate) fn after(self, time: Duration) -> Self {
        Self(self.0.saturating_add(millis(time)))
    }

    /// How long from `earlier` to this; zero if this came first.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Envelope {
    /// The bytes to store; the payload made smaller if it is longer than `compress_above`.
    pub(crate) fn encode(&self, expected: &Expected, compress_above: Option<usize>) -> Vec<u8> {
        let (how, payload) = compress(&self.payload, compress_above);
        let mut out = Vec::with_capacity(HEAD + payload.len() + 64);
        out.extend_from_slice(&MAGIC);
        out.push(FORMAT);
        out.push(match how {
            Compression::None => 0,
            Compression::Zstd => 1,
        });
        out.extend_from_slice(&expected.version.to_le_bytes());
        out.extend_from_slice(&expected.key.address.to_bytes());
        out.extend_from_slice(&expected.key.check.to_be_bytes());
        write_text(&mut out, expected.codec);
        for number in [
            self.computed.0,
            optional(self.fresh_until.map(|it| it.0)),
            optional(self.kept_until.map(|it| it.0)),
            optional(self.cost_nano_usd),
            u64::try_from(self.took.as_micros()).unwrap_or(u64::MAX),
            self.payload.len() as u64,
            self.tags.len() as u64,
        ] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        for tag in &self.tags {
            write_text(&mut out, tag);
        }
        out.extend_from_slice(&payload);
        let sum = checksum(&out);
        out.extend_from_slice(&sum.to_le_bytes());
        out
    }

    /// Reads bytes, which may be anything.
    pub(crate) fn decode(bytes: &[u8], expected: &Expected) -> Result<Self, Unreadable> {
        let corrupt = Unreadable::Corrupt;
        let (content, sum) = bytes.split_last_chunk::<8>().ok_or(corrupt)?;
        if checksum(content) != u64::from_le_bytes(*sum) {
            return Err(corrupt);
        }
        let mut rest = Reader(content);
        if rest.take(4)? != MAGIC || rest.byte()? != FORMAT {
            return Err(corrupt);
        }
        let how = match rest.byte()? {
            0 => Compression::None,
            1 => Compression::Zstd,
            _ => return Err(corrupt),
        };
        if rest.take(4)? != expected.version.to_le_bytes()
            || rest.take(16)? != expected.key.address.to_bytes()
            || rest.take(16)? != expected.key.check.to_be_bytes()
            || rest.text()? != expected.codec
        {
            return Err(corrupt);
        }
        let computed = UnixMillis(rest.number()?);
        let fresh_until = present(rest.number()?).map(UnixMillis);
        let kept_until = present(rest.number()?).map(UnixMillis);
        let cost_nano_usd = present(rest.number()?);
        let took = Duration::from_micros(rest.number()?);
        let length = usize::try_from(rest.number()?).map_err(|_| corrupt)?;
        let count = rest.number()?;
        if length > expected.limit {
            return Err(corrupt);
        }
        // No room is made for what a number only claims.
        let mut tags = Vec::new();
        for _ in 0..count {
            tags.push(Arc::from(rest.text()?));
        }
        if !reads(how) {
            return Err(Unreadable::Foreign);
        }
        let payload = decompress(how, rest.0, length).ok_or(corrupt)?.into_owned();
        Ok(Self {
            computed,
            fresh_until,
            kept_until,
            cost_nano_usd,
            took,
            tags,
            payload,
        })
    }
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Unreadable> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Unreadable::Corrupt)?;
        self.0 = rest;
        Ok(taken)
    }

    fn byte(&mut self) -> Result<u8, Unreadable> {
        self.take(1)?.first().copied().ok_or(Unreadable::Corrupt)
    }

    fn number(&mut self) -> Result<u64, Unreadable> {
        let bytes = self.take(8)?.first_chunk().ok_or(Unreadable::Corrupt)?;
        Ok(u64::from_le_bytes(*bytes))
    }

    fn text(&mut self) -> Result<&'a str, Unreadable> {
        let length = *self.take(2)?.first_chunk().ok_or(Unreadable::Corrupt)?;
        let bytes = self.take(u16::from_le_bytes(length).into())?;
        std::str::from_utf8(bytes).map_err(|_| Unreadable::Corrupt)
    }
}

/// Texts here are names and tags, whose length the configuration bounds.
fn write_text(out: &mut Vec<u8>, text: &str) {
    let length = u16::try_from(text.len()).unwrap_or(u16::MAX);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(text.as_bytes().get(..length.into()).unwrap_or_default());
}

/// Finds what was not meant: who writes to the tier on purpose can write what they like anyway.
fn checksum(bytes: &[u8]) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(bytes);
    hasher.finish()
}

fn optional(number: Option<u64>) -> u64 {
    number.unwrap_or(u64::MAX)
}

fn present(number: u64) -> Option<u64> {
    (number != u64::MAX).then_some(number)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

const MAGIC: [u8; 4] = *b"ttac";

/// Of the envelope, not of the values in it.
const FORMAT: u8 = 1;

/// What comes before the tags, without the codec's name; and the sum.
const HEAD: usize = 4 + 1 + 1 + 4 + 32 + 2 + 7 * 8 + 8;

/// How much longer than its value an envelope may be.
pub(crate) const OVERHEAD: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyBuilder;

    #[test]
    fn an_envelope_of_nothing_is_as_long_as_its_head() {
        let expected = Expected {
            key: KeyBuilder::shared("answers", 1).finish_shared().unwrap(),
            version: 1,
            codec: "",
            limit: 0,
        };
        let envelope = Envelope {
            computed: UnixMillis(0),
            fresh_until: None,
            kept_until: None,
            cost_nano_usd: None,
            took: Duration::ZERO,
            tags: Vec::new(),
            payload: Vec::new(),
        };
        assert_eq!(envelope.encode(&expected, None).len(), HEAD);
    }
}
