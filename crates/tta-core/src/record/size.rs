//! How much room records take, in bytes, with all the text that they refer to.

use std::borrow::Cow;

use super::{Attribute, EventRecord, SpanName, SpanRecord, SpanStatus, TraceRecords, Value};
use crate::context::Parent;

impl TraceRecords {
    /// How much room it takes, in bytes, with all the text that it refers to.
    pub fn bytes(&self) -> usize {
        let spans: usize = self.spans.iter().map(SpanRecord::bytes).sum();
        let attributes = self.attributes.iter();
        let attributes: usize = attributes
            .map(|(id, it)| size_of_val(id) + it.bytes())
            .sum();
        let events: usize = self.events.iter().map(EventRecord::bytes).sum();
        let links = self.links.iter();
        let links: usize = links.map(|(id, it)| size_of_val(id) + it.bytes()).sum();
        size_of::<Self>() + spans + attributes + events + links
    }
}

impl SpanRecord {
    /// How much room it takes, in bytes, with all the text that it refers to.
    pub fn bytes(&self) -> usize {
        let description = match &self.status {
            SpanStatus::Error { description, .. } => description.len(),
            _ => 0,
        };
        let name = match &self.name {
            SpanName::Edge { name, .. } => name.len(),
            _ => 0,
        };
        size_of::<Self>() + name + description
    }
}

impl Attribute {
    /// How much room it takes, in bytes, with all the text that it refers to.
    pub fn bytes(&self) -> usize {
        let key = match &self.key {
            Cow::Owned(key) => key.len(),
            Cow::Borrowed(_) => 0,
        };
        let text = match &self.value {
            Value::Str(text) => text.len(),
            _ => 0,
        };
        size_of::<Self>() + key + text
    }
}

impl EventRecord {
    /// How much room it takes, in bytes, with all the text that it refers to.
    pub fn bytes(&self) -> usize {
        let attributes: usize = self.attributes.iter().map(Attribute::bytes).sum();
        size_of::<Self>() + attributes
    }
}

impl Parent {
    /// How much room it takes, in bytes, with all the text that it refers to.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.trace_state.as_deref().map_or(0, str::len)
    }
}
