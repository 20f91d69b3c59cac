//! The fields of one line while they are collected.

mod visit;

use std::borrow::Cow;
use std::fmt;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};

use tracing::field::{Field, FieldSet};

use super::buffer::Buffer;
use super::callsites::{MOST_NAMES, Name as OwnName};
use super::escape::{CUT, Capped, is_clean};
use crate::digits::{Short, push_billionths, push_unsigned};

/// The message and the fields of an event, written as they will stand in the line.
pub(super) struct Fields<'a> {
    /// The line up to its message, which is added here without its quotes.
    head: &'a mut Vec<u8>,
    /// Where in it the message begins.
    message: usize,
    /// Every other field with what separates it from the one before it.
    rest: &'a mut Buffer,
    /// Whether something did not fit.
    truncated: bool,
    /// A field that stands for others which are written themselves.
    omitted: Option<&'static str>,
    /// Names that came and are not among `names`.
    others: &'a mut Vec<Cow<'static, str>>,
    /// The event's own, where they stand in the line as they are.
    names: &'a [OwnName],
    /// Which of those came, by their index.
    seen: u64,
    own: &'static FieldSet,
}

/// The name of a field, and its place among those of the event, if it is one of them.
#[derive(Clone, Copy)]
struct Name {
    text: &'static str,
    index: usize,
}

impl From<&Field> for Name {
    fn from(field: &Field) -> Self {
        Self {
            text: field.name(),
            index: field.index(),
        }
    }
}

impl From<&'static str> for Name {
    fn from(text: &'static str) -> Self {
        Self {
            text,
            index: usize::MAX,
        }
    }
}

/// Memory for the fields of one event after the other.
#[derive(Default)]
pub(super) struct Memory {
    rest: Buffer,
    others: Vec<Cow<'static, str>>,
}

impl Memory {
    /// What stands in the line behind its ids.
    pub(super) fn fields(&self) -> &[u8] {
        self.rest.as_slice()
    }
}

impl<'a> Fields<'a> {
    /// None yet. The message will be added to `head`.
    pub(super) fn new(
        head: &'a mut Vec<u8>,
        memory: &'a mut Memory,
        omitted: Option<&'static str>,
        own: &'static FieldSet,
        names: &'a [OwnName],
    ) -> Self {
        let Memory { rest, others } = memory;
        rest.clear();
        if !others.is_empty() {
            others.clear();
        }
        Self {
            message: head.len(),
            head,
            rest,
            truncated: false,
            omitted,
            others,
            // Names from elsewhere may be the same as those of the event.
            names: if omitted.is_none() { names } else { &[] },
            seen: 0,
            own,
        }
    }

    /// Ends the line, and says in it whether something did not fit.
    pub(super) fn finish(self) {
        if self.truncated {
            self.rest.push(b",\"truncated\":true");
        }
        self.rest.push(b"}\n");
    }

    pub(super) fn text(&mut self, name: &'static str, value: &str) {
        self.put_text(name.into(), value);
    }

    pub(super) fn unsigned(&mut self, name: &'static str, value: u64) {
        self.bare(name.into(), |out| push_unsigned(out, value));
    }

    pub(super) fn float(&mut self, name: &'static str, value: f64) {
        self.put_float(name.into(), value);
    }

    /// Writes one of the event's own fields, as most are: with a short name and a short value. False,
    /// and nothing is written, if it is another.
    #[inline]
    fn put_own(&mut self, index: usize, is_text: bool, value: Short) -> bool {
        let Some(OwnName::Short(name)) = self.names.get(index) else {
            return false;
        };
        let bit = 1 << index;
        let fits = self.rest.len() <= FIELDS_LIMIT - NAME_LIMIT - SMALLEST_VALUE;
        if self.seen & bit != 0 || !fits {
            return false;
        }
        let Some(room) = self.rest.room() else {
            return false;
        };
        // The value comes over what is behind the name, and the next field over what is behind it.
        let length = name.store(room) - usize::from(!is_text);
        let to = room.get_mut(length..).and_then(<[u8]>::first_chunk_mut);
        let Some(to) = to else {
            return false;
        };
        *to = value.bits.to_le_bytes();
        self.rest.advance(length + value.length);
        self.seen |= bit;
        true
    }

    fn put_text(&mut self, name: Name, value: &str) {
        let room = match self.place(name, true) {
            Place::Rest(room) => room.min(VALUE_LIMIT),
            Place::Message => {
                self.truncated |= !write(self.head, MESSAGE_LIMIT, value);
                return;
            }
            Place::Nowhere => return,
        };
        if value.len() + CUT.len() <= room && is_clean(value.as_bytes()) {
            self.rest.push(value.as_bytes());
        } else {
            self.truncated |= !self.rest.append(|out| write(out, room, value));
        }
        self.rest.push(b"\"");
    }

    fn put_float(&mut self, name: Name, value: f64) {
        if value.is_finite() {
            self.bare(name, |out| push_float(out, value));
        } else {
            // JSON has no words for these.
            let word = if value.is_nan() {
                "NaN"
            } else if value > 0.0 {
                "+Inf"
            } else {
                "-Inf"
            };
            self.put_text(name, word);
        }
    }

    /// A value that needs no quotes, and less room than the smallest that there is.
    fn bare(&mut self, name: Name, push: impl FnOnce(&mut Vec<u8>)) {
        match self.place(name, false) {
            Place::Rest(_) => self.rest.append(push),
            Place::Message => push(self.head),
            Place::Nowhere => {}
        }
    }

    /// A value that is text of the user's making, written by `write` as far as there is room.
    fn string(&mut self, name: &Field, write: impl FnOnce(&mut Capped<'_>) -> fmt::Result) {
        self.quoted(name.into(), |out, room| write_caught(out, room, write));
    }

    /// A value in quotes, written by `put` as far as there is room; it says whether it is whole.
    fn quoted(&mut self, name: Name, put: impl FnOnce(&mut Vec<u8>, usize) -> bool) {
        let whole = match self.place(name, true) {
            Place::Rest(room) => self.rest.append(|out| {
                let whole = put(out, room.min(VALUE_LIMIT));
                out.push(b'"');
                whole
            }),
            Place::Message => put(self.head, MESSAGE_LIMIT),
            Place::Nowhere => return,
        };
        self.truncated |= !whole;
    }

    /// Writes a field's name, and the quote that a text begins with, and says where its value is to
    /// stand.
    #[inline]
    fn place(&mut self, name: Name, is_text: bool) -> Place {
        match self.names.get(name.index) {
            Some(OwnName::Message) => self.message(),
            own => self.place_anyhow(own, name, is_text),
        }
    }

    /// The place of the message, of which the last one counts.
    fn message(&mut self) -> Place {
        self.head.truncate(self.message);
        Place::Message
    }

    #[inline(never)]
    fn place_anyhow(&mut self, own: Option<&OwnName>, name: Name, is_text: bool) -> Place {
        let Name { text: name, index } = name;
        if name == MESSAGE {
            return self.message();
        }
        if self.omitted == Some(name) {
            return Place::Nowhere;
        }
        let room = FIELDS_LIMIT.saturating_sub(self.rest.len());
        let Some(room) = room.checked_sub(NAME_LIMIT + SMALLEST_VALUE) else {
            self.truncated = true;
            return Place::Nowhere;
        };
        let room = room + SMALLEST_VALUE;
        if let Some(own) = own
            && self.seen >> index & 1 == 0
        {
            self.seen |= 1 << index;
            let written = own.written();
            let (without, _) = written.split_at(written.len().saturating_sub(1));
            self.rest.push(if is_text { written } else { without });
            return Place::Rest(room);
        }
        let name = self.unique(name);
        self.rest.append(|out| {
            out.extend_from_slice(b",\"");
            if is_plain(&name) {
                out.extend_from_slice(name.as_bytes());
            } else {
                let mut capped = Capped::new(out, NAME_LIMIT - 8, true);
                capped.push(&name);
                capped.finish();
            }
            out.extend_from_slice(if is_text { b"\":\"" } else { b"\":" });
        });
        self.others.push(name);
        Place::Rest(room)
    }

    /// Whether a field of this name came before.
    fn is_used(&self, name: &str) -> bool {
        self.others.iter().any(|other| other == name)
            || self.own.iter().any(|field| {
                field.index() < MOST_NAMES
                    && self.seen >> field.index() & 1 != 0
                    && field.name() == name
            })
    }

    /// The name, or another where it is one of the line's own or was used before.
    fn unique(&self, name: &'static str) -> Cow<'static, str> {
        let mut unique = if is_own(name) {
            Cow::Owned(format!("field.{name}"))
        } else {
            Cow::Borrowed(name)
        };
        let mut times = 1;
        while self.is_used(&unique) {
            times += 1;
            unique = Cow::Owned(format!("{name}_{times}"));
        }
        unique
    }
}

/// Where a value is to stand.
enum Place {
    Message,
    /// Among the fields, where there is so much room for it.
    Rest(usize),
    Nowhere,
}

/// Whether the line itself has a field of this name.
pub(super) fn is_own(name: &str) -> bool {
    matches!(
        name,
        "timestamp"
            | "level"
            | MESSAGE
            | "target"
            | "service"
            | "correlation_id"
            | "trace_id"
            | "span_id"
            | "truncated"
    )
}

/// Whether a name is short, and of letters that nobody need look at twice.
pub(super) fn is_plain(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    name.len() < 64 && name.bytes().all(is_plain)
}

/// A number with a point or an exponent, so that a reader sees that it is no whole one.
fn push_float(out: &mut Vec<u8>, value: f64) {
    if value.is_sign_positive() && push_billionths(out, value) {
        return;
    }
    // Writing into memory cannot fail.
    let _ = write!(out, "{value:?}");
}

/// Writes text; says whether it is whole.
fn write(out: &mut Vec<u8>, room: usize, text: &str) -> bool {
    let mut capped = Capped::new(out, room, true);
    capped.push(text);
    capped.finish()
}

/// Writes text of the user's making; says whether it is whole.
#[inline]
fn write_caught(
    out: &mut Vec<u8>,
    room: usize,
    write: impl FnOnce(&mut Capped<'_>) -> fmt::Result,
) -> bool {
    let mut capped = Capped::new(out, room, true);
    // `Debug` and `Display` of the application's types may panic, and a line of log is no reason
    // for a step to fail. What was written until then stays.
    let panicked = catch_unwind(AssertUnwindSafe(|| write(&mut capped))).is_err();
    if panicked {
        capped.push("<panicked>");
    }
    capped.finish()
}

pub(super) const MESSAGE: &str = "message";

/// Bytes of a message at most.
const MESSAGE_LIMIT: usize = 4 << 10;

/// Bytes of a value at most.
const VALUE_LIMIT: usize = 4 << 10;

/// Bytes of all fields at most: with the message and the line's own fields they stay below 16 KiB.
const FIELDS_LIMIT: usize = 11 << 10;

/// Bytes of a name with what is around it at most.
const NAME_LIMIT: usize = 256;

/// Bytes that a value without text may take: a float has up to 24 digits.
const SMALLEST_VALUE: usize = 64;

#[cfg(test)]
mod tests {
    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::{Context, SubscriberExt};

    use super::super::{LogFilter, LogFormat, Present, callsites::Callsite};
    use super::*;

    /// Takes the fields of each event twice.
    struct Twice;

    impl<S: tracing::Subscriber> Layer<S> for Twice {
        fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
            let present = Present::new(LogFilter::off(), LogFormat::Json, "twice");
            let callsite = Callsite::new(event.metadata(), 1, &present);
            let (mut head, mut memory) = (Vec::new(), Memory::default());
            // The second time there is room, and the first time there is none.
            for _ in 0..2 {
                let own = event.metadata().fields();
                let mut fields = Fields::new(&mut head, &mut memory, None, own, &callsite.names);
                event.record(&mut fields);
                event.record(&mut fields);
                fields.finish();
                let written = String::from_utf8_lossy(memory.fields());
                assert_eq!(
                    written,
                    ",\"n\":1,\"text\":\"x\",\"n_2\":1,\"text_2\":\"x\"}\n"
                );
            }
        }
    }

    #[test]
    fn a_field_that_is_recorded_twice_gets_another_name_the_second_time() {
        let subscriber = tracing_subscriber::registry().with(Twice);
        tracing::subscriber::with_default(subscriber, || tracing::info!(n = 1, text = "x"));
    }
}
