//! The numbers of the fields of OTLP's messages for spans, message by message.

pub(super) mod request {
    pub(in crate::otlp) const RESOURCE_SPANS: u32 = 1;
}

pub(super) mod resource_spans {
    pub(in crate::otlp) const RESOURCE: u32 = 1;
    pub(in crate::otlp) const SCOPE_SPANS: u32 = 2;
}

pub(super) mod scope_spans {
    pub(in crate::otlp) const SCOPE: u32 = 1;
    pub(in crate::otlp) const SPANS: u32 = 2;
    pub(in crate::otlp) const SCHEMA_URL: u32 = 3;
}

pub(super) mod scope {
    pub(in crate::otlp) const NAME: u32 = 1;
    pub(in crate::otlp) const VERSION: u32 = 2;
    pub(in crate::otlp) const ATTRIBUTES: u32 = 3;
}

pub(super) mod fields {
    pub(in crate::otlp) const TRACE_ID: u32 = 1;
    pub(in crate::otlp) const SPAN_ID: u32 = 2;
    pub(in crate::otlp) const TRACE_STATE: u32 = 3;
    pub(in crate::otlp) const PARENT_SPAN_ID: u32 = 4;
    pub(in crate::otlp) const NAME: u32 = 5;
    pub(in crate::otlp) const KIND: u32 = 6;
    pub(in crate::otlp) const START: u32 = 7;
    pub(in crate::otlp) const END: u32 = 8;
    pub(in crate::otlp) const ATTRIBUTES: u32 = 9;
    pub(in crate::otlp) const DROPPED_ATTRIBUTES: u32 = 10;
    pub(in crate::otlp) const EVENTS: u32 = 11;
    pub(in crate::otlp) const DROPPED_EVENTS: u32 = 12;
    pub(in crate::otlp) const LINKS: u32 = 13;
    pub(in crate::otlp) const DROPPED_LINKS: u32 = 14;
    pub(in crate::otlp) const STATUS: u32 = 15;
    pub(in crate::otlp) const FLAGS: u32 = 16;
}

pub(super) mod events {
    pub(in crate::otlp) const TIME: u32 = 1;
    pub(in crate::otlp) const NAME: u32 = 2;
    pub(in crate::otlp) const ATTRIBUTES: u32 = 3;
    pub(in crate::otlp) const DROPPED_ATTRIBUTES: u32 = 4;
}

pub(super) mod links {
    pub(in crate::otlp) const TRACE_ID: u32 = 1;
    pub(in crate::otlp) const SPAN_ID: u32 = 2;
    pub(in crate::otlp) const TRACE_STATE: u32 = 3;
    pub(in crate::otlp) const ATTRIBUTES: u32 = 4;
    pub(in crate::otlp) const DROPPED_ATTRIBUTES: u32 = 5;
    pub(in crate::otlp) const FLAGS: u32 = 6;
}

pub(super) mod any {
    pub(in crate::otlp) const STRING: u32 = 1;
    pub(in crate::otlp) const BOOL: u32 = 2;
    pub(in crate::otlp) const INT: u32 = 3;
    pub(in crate::otlp) const DOUBLE: u32 = 4;
    pub(in crate::otlp) const ARRAY: u32 = 5;
}

pub(super) const PAIR_KEY: u32 = 1;
pub(super) const PAIR_VALUE: u32 = 2;
pub(super) const ARRAY_VALUES: u32 = 1;
pub(super) const STATUS_MESSAGE: u32 = 2;
pub(super) const STATUS_CODE: u32 = 3;
