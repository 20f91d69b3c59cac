//! What never changes about the events of one place in a program, remembered.

use std::ptr;

use tracing::Metadata;

use super::buffer::ROOM;
use super::fields::{MESSAGE, is_own, is_plain};
use super::handle::{Present, push_limited};
use crate::settings::LogFormat;

/// The callsites that a thread has met lately. One takes the place of another of the same number, so
/// that a program of many needs no more memory.
pub(super) struct Callsites([Option<Callsite>; PLACES]);

/// What is the same in each line of a callsite.
pub(super) struct Callsite {
    metadata: &'static Metadata<'static>,
    /// Of what the layer does, whose service and format these are.
    version: u64,
    pub(super) format: LogFormat,
    /// Of a line, what stands between its timestamp and the text of its message.
    pub(super) before_message: Padded,
    /// What stands between the text of its message and its ids.
    pub(super) after_message: Vec<u8>,
    /// By the fields' indices, their names as they stand in the line; none where there is something
    /// to escape in one of them, or one is the line's own or comes twice.
    pub(super) names: Box<[Name]>,
}

/// A field of an event.
pub(super) enum Name {
    Message,
    /// What stands before the value, and the quote of a text.
    Short(Padded),
    Long(Box<[u8]>),
}

/// Some bytes that are copied as an array, which is a few moves, and cut to their length.
pub(super) struct Padded {
    bytes: [u8; PADDED],
    length: usize,
}

impl Callsites {
    /// What is known of the callsite with this metadata, by what the layer does at present.
    #[expect(
        clippy::indexing_slicing,
        reason = "the number is below the number of places"
    )]
    #[inline]
    pub(super) fn of(
        &mut self,
        metadata: &'static Metadata<'static>,
        version: u64,
        make: impl FnOnce() -> Callsite,
    ) -> &Callsite {
        let place = &mut self.0[number(metadata, version)];
        // Metadata live as long as the program, so that their address is theirs alone.
        let is_kept = |kept: &Callsite| kept.version == version && ptr::eq(kept.metadata, metadata);
        if !place.as_ref().is_some_and(is_kept) {
            *place = None;
        }
        place.get_or_insert_with(make)
    }
}

impl Default for Callsites {
    fn default() -> Self {
        Self([const { None }; PLACES])
    }
}

impl Callsite {
    pub(super) fn new(
        metadata: &'static Metadata<'static>,
        version: u64,
        present: &Present,
    ) -> Self {
        let mut after_message = b"\",\"target\":\"".to_vec();
        push_limited(&mut after_message, metadata.target());
        after_message.extend_from_slice(b"\",\"service\":\"");
        after_message.extend_from_slice(present.service());
        after_message.push(b'"');
        Self {
            metadata,
            version,
            format: present.format,
            before_message: before_message(*metadata.level()),
            after_message,
            names: plain_names(metadata).unwrap_or_default(),
        }
    }
}

impl Name {
    /// What stands before the value, with the quote of a text.
    pub(super) fn written(&self) -> &[u8] {
        match self {
            Self::Message => &[],
            Self::Short(name) => name.bytes.get(..name.length).unwrap_or_default(),
            Self::Long(name) => name,
        }
    }
}

impl Padded {
    /// Of what is not longer than it.
    fn new(text: &[u8]) -> Self {
        let mut bytes = [0; PADDED];
        for (to, from) in bytes.iter_mut().zip(text) {
            *to = *from;
        }
        let length = text.len().min(PADDED);
        Self { bytes, length }
    }

    #[inline]
    pub(super) fn push_to(&self, out: &mut Vec<u8>) {
        let end = out.len() + self.length;
        out.extend_from_slice(&self.bytes);
        out.truncate(end);
    }

    /// Stores the bytes at the beginning of some room, and returns how many they are.
    #[inline]
    pub(super) fn store(&self, room: &mut [u8; ROOM]) -> usize {
        if let Some(to) = room.first_chunk_mut() {
            *to = self.bytes;
        }
        self.length
    }
}

fn before_message(level: tracing::Level) -> Padded {
    let text: &[u8] = match level {
        tracing::Level::TRACE => b"\",\"level\":\"trace\",\"message\":\"",
        tracing::Level::DEBUG => b"\",\"level\":\"debug\",\"message\":\"",
        tracing::Level::INFO => b"\",\"level\":\"info\",\"message\":\"",
        tracing::Level::WARN => b"\",\"level\":\"warn\",\"message\":\"",
        tracing::Level::ERROR => b"\",\"level\":\"error\",\"message\":\"",
    };
    Padded::new(text)
}

fn plain_names(metadata: &Metadata<'_>) -> Option<Box<[Name]>> {
    let names = || metadata.fields().iter().map(|field| field.name());
    let is_alone = |name: &str| names().filter(|other| *other == name).count() == 1;
    let written = |name: &str| match name {
        MESSAGE => Some(Name::Message),
        _ if is_plain(name) && !is_own(name) && is_alone(name) => {
            let text = format!(",\"{name}\":\"").into_bytes();
            Some(if text.len() <= PADDED {
                Name::Short(Padded::new(&text))
            } else {
                Name::Long(text.into())
            })
        }
        _ => None,
    };
    names().take(MOST_NAMES).map(written).collect()
}

/// The same callsite has different places in different layers, which take turns.
fn number(metadata: &'static Metadata<'static>, version: u64) -> usize {
    let address = ptr::from_ref(metadata).addr() as u64;
    (address
        .wrapping_add(version << 32)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        >> 58) as usize
}

/// As many as six bits tell apart.
const PLACES: usize = 64;

/// A bit says of each whether it came.
pub(super) const MOST_NAMES: usize = 64;

/// As long as the level with what is around it, and most names of fields.
const PADDED: usize = 32;
