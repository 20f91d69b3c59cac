//! The fields of one line while they are collected.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use tracing::field::{Field, FieldSet, Visit};

use super::callsites::{MOST_NAMES, Names};
use super::escape::Capped;
use crate::digits::{push_billionths, push_signed, push_unsigned};

/// The message and the fields of an event, written as they will stand in the line.
#[derive(Default)]
pub(super) struct Fields {
    /// The message, quoted.
    pub(super) message: Vec<u8>,
    /// Every other field with what separates it from the one before it.
    pub(super) rest: Vec<u8>,
    /// Whether something did not fit.
    pub(super) truncated: bool,
    /// A field that stands for others which are written themselves.
    omitted: Option<&'static str>,
    names: Vec<Cow<'static, str>>,
    /// The event's own, where they stand in the line as they are.
    own: Option<Own>,
    /// Which of those came, by their index.
    seen: u64,
}

/// The names of an event's own fields, as they are and as they stand in the line.
struct Own {
    fields: &'static FieldSet,
    names: Names,
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

impl Fields {
    /// Forgets the event before; the memory stays.
    pub(super) fn clear(
        &mut self,
        omitted: Option<&'static str>,
        own: &'static FieldSet,
        names: Option<&Names>,
    ) {
        self.omitted = omitted;
        self.message.clear();
        self.rest.clear();
        self.names.clear();
        self.truncated = false;
        // Names from elsewhere may be the same as those of the event.
        self.own = names.filter(|_| omitted.is_none()).map(|names| Own {
            fields: own,
            names: Rc::clone(names),
        });
        self.seen = 0;
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

    fn put_text(&mut self, name: Name, value: &str) {
        self.quoted(name, |out, room| {
            let mut capped = Capped::new(out, room, true);
            capped.push(value);
            capped.finish()
        });
    }

    fn put_float(&mut self, name: Name, value: f64) {
        if value.is_finite() {
            self.bare(name, |out| push_float(out, value));
        } else {
            // JSON has no words for these.
            self.put_text(
                name,
                if value.is_nan() {
                    "NaN"
                } else if value > 0.0 {
                    "+Inf"
                } else {
                    "-Inf"
                },
            );
        }
    }

    /// A value that needs no quotes, and less room than the smallest that there is.
    fn bare(&mut self, name: Name, push: impl FnOnce(&mut Vec<u8>)) {
        if name.text == MESSAGE {
            self.message.clear();
            self.message.push(b'"');
            push(&mut self.message);
            self.message.push(b'"');
        } else if self.begin(name).is_some() {
            push(&mut self.rest);
        }
    }

    /// A value that is text of the user's making, written by `write` as far as there is room.
    fn string(&mut self, name: &Field, write: impl FnOnce(&mut Capped<'_>) -> fmt::Result) {
        self.quoted(name.into(), |out, room| write_caught(out, room, write));
    }

    /// A value in quotes, written by `put` as far as there is room; it says whether it is whole.
    fn quoted(&mut self, name: Name, put: impl FnOnce(&mut Vec<u8>, usize) -> bool) {
        if name.text == MESSAGE {
            self.message.clear();
            self.message.push(b'"');
            let whole = put(&mut self.message, MESSAGE_LIMIT);
            self.message.push(b'"');
            self.truncated |= !whole;
            return;
        }
        let Some(room) = self.begin(name) else {
            return;
        };
        self.rest.push(b'"');
        let whole = put(&mut self.rest, room.min(VALUE_LIMIT));
        self.rest.push(b'"');
        self.truncated |= !whole;
    }

    /// Writes a field's name and returns how much room there is for its value, if there is enough
    /// to begin.
    #[inline]
    fn begin(&mut self, name: Name) -> Option<usize> {
        let room = FIELDS_LIMIT.saturating_sub(self.rest.len());
        if let Some(own) = &self.own
            && let Some(written) = own.names.get(name.index)
            && self.seen >> name.index & 1 == 0
            && room >= NAME_LIMIT + SMALLEST_VALUE
        {
            self.seen |= 1 << name.index;
            self.rest.extend_from_slice(written);
            return Some(room - NAME_LIMIT);
        }
        self.begin_anyhow(name.text, room)
    }

    fn begin_anyhow(&mut self, name: &'static str, room: usize) -> Option<usize> {
        if self.omitted == Some(name) {
            return None;
        }
        let Some(room) = room.checked_sub(NAME_LIMIT + SMALLEST_VALUE) else {
            self.truncated = true;
            return None;
        };
        let name = self.unique(name);
        self.rest.extend_from_slice(b",\"");
        if is_plain(&name) {
            self.rest.extend_from_slice(name.as_bytes());
        } else {
            let mut out = Capped::new(&mut self.rest, NAME_LIMIT - 8, true);
            out.push(&name);
            out.finish();
        }
        self.rest.extend_from_slice(b"\":");
        self.names.push(name);
        Some(room + SMALLEST_VALUE)
    }

    /// Whether a field of this name came before.
    fn is_used(&self, name: &str) -> bool {
        let mut own = self.own.iter().flat_map(|own| own.fields.iter());
        self.names.iter().any(|other| other == name)
            || own.any(|field| {
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

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.put_text(field.into(), value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.bare(field.into(), |out| out.extend_from_slice(word));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.bare(field.into(), |out| push_signed(out, value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.bare(field.into(), |out| push_unsigned(out, value));
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        // Beyond what readers of JSON take for a number.
        self.string(field, |out| write!(out, "{value}"));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.string(field, |out| write!(out, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put_float(field.into(), value);
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.string(field, |out| write!(out, "{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.string(field, |out| write!(out, "{value:?}"));
    }
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

/// Writes text of the user's making; says whether it is whole.
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
