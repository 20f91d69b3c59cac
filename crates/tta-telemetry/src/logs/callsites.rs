//! What never changes about the events of one place in a program, remembered.

use std::ptr;
use std::rc::Rc;

use tracing::Metadata;

use super::fields::{MESSAGE, is_own, is_plain};
use super::handle::push_limited;

/// The callsites that a thread has met lately. One takes the place of another of the same number, so
/// that a program of many needs no more memory.
pub(super) struct Callsites([Option<Callsite>; PLACES]);

/// What is the same in each line of a callsite.
pub(super) struct Callsite {
    metadata: &'static Metadata<'static>,
    /// Of a line, what stands between its timestamp and its message.
    pub(super) before_message: &'static [u8],
    /// What stands between its message and the service.
    pub(super) after_message: Vec<u8>,
    /// Where the names of the fields stand in the line as they are.
    pub(super) names: Option<Names>,
}

/// By the fields' indices, what stands before the value of each; before a message that is nothing.
/// There is nothing to escape in these names, and none is one of the line's own or comes twice.
pub(super) type Names = Rc<[Box<[u8]>]>;

impl Callsites {
    /// What is known of the callsite with this metadata.
    #[expect(
        clippy::indexing_slicing,
        reason = "the number is below the number of places"
    )]
    pub(super) fn of(&mut self, metadata: &'static Metadata<'static>) -> &Callsite {
        let place = &mut self.0[number(metadata)];
        // Metadata live as long as the program, so that their address is theirs alone.
        if !matches!(place, Some(kept) if ptr::eq(kept.metadata, metadata)) {
            *place = None;
        }
        place.get_or_insert_with(|| Callsite::of(metadata))
    }
}

impl Default for Callsites {
    fn default() -> Self {
        Self([const { None }; PLACES])
    }
}

impl Callsite {
    fn of(metadata: &'static Metadata<'static>) -> Self {
        let mut after_message = b",\"target\":\"".to_vec();
        push_limited(&mut after_message, metadata.target());
        after_message.extend_from_slice(b"\",\"service\":\"");
        Self {
            metadata,
            before_message: before_message(*metadata.level()),
            after_message,
            names: plain_names(metadata),
        }
    }
}

fn before_message(level: tracing::Level) -> &'static [u8] {
    match level {
        tracing::Level::TRACE => b"\",\"level\":\"trace\",\"message\":",
        tracing::Level::DEBUG => b"\",\"level\":\"debug\",\"message\":",
        tracing::Level::INFO => b"\",\"level\":\"info\",\"message\":",
        tracing::Level::WARN => b"\",\"level\":\"warn\",\"message\":",
        tracing::Level::ERROR => b"\",\"level\":\"error\",\"message\":",
    }
}

fn plain_names(metadata: &Metadata<'_>) -> Option<Names> {
    let names = || metadata.fields().iter().map(|field| field.name());
    let is_alone = |name: &str| names().filter(|other| *other == name).count() == 1;
    let written = |name: &str| match name {
        MESSAGE => Some(Box::default()),
        _ if is_plain(name) && !is_own(name) && is_alone(name) => {
            Some(format!(",\"{name}\":").into_bytes().into())
        }
        _ => None,
    };
    names().take(MOST_NAMES).map(written).collect()
}

fn number(metadata: &'static Metadata<'static>) -> usize {
    let address = ptr::from_ref(metadata).addr() as u64;
    (address.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 58) as usize
}

/// As many as six bits tell apart.
const PLACES: usize = 64;

/// A bit says of each whether it came.
pub(super) const MOST_NAMES: usize = 64;
