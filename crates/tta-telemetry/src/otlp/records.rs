//! From our own records to the bytes of OTLP, without OpenTelemetry's spans in between.
//!
//! The same bytes come of it as from [`SpanData`](opentelemetry_sdk::trace::SpanData) of the same
//! trace, redacted: the tests compare them.

use std::borrow::Cow;

use opentelemetry_proto::tonic::trace::v1::{span, status};
use tta_core::{
    Attribute, EventRecord, Parent, SpanKind, SpanName, SpanRecord, SpanStatus, TraceRecords, Value,
};

use super::numbers::{STATUS_CODE, STATUS_MESSAGE, events, fields, links, scope_spans};
use super::pairs::{Plain, pair, pair_of_text};
use super::spans::flags;
use super::wire::{Field, Length, Wire};
use crate::redaction::{Place, Redactor, Verdict};
use crate::settings::SpanLimits;
use crate::traces::{Chains, Places, RANDOM, SAMPLED, trace_state};

/// Writes the spans of a trace, each as a field of those of its scope, and calls `written` after each.
pub(super) fn write_records(
    wire: &mut Wire,
    trace: &TraceRecords,
    limits: &SpanLimits,
    redactor: &Redactor,
    mut written: impl FnMut(&mut Wire),
) {
    let spans = || trace.spans.iter().map(|span| span.span_id);
    let mut places = Places::of(spans());
    let count = trace.spans.len();
    let attributes = trace.attributes.iter().map(|(span, _)| *span);
    let events = trace.events.iter().map(|event| event.span_id);
    let links = trace.links.iter().map(|(span, _)| *span);
    let writer = Writer {
        trace,
        limits,
        redactor,
        state: trace_state(trace.trace_state.as_deref()).header(),
        flags: SAMPLED | if trace.is_random { RANDOM } else { 0 },
        who: Who::of(trace, limits, redactor),
        attributes: Chains::of(&mut places, count, attributes),
        events: Chains::of(&mut places, count, events),
        links: Chains::of(&mut places, count, links),
    };
    let mut said = Vec::with_capacity(TYPICAL_ATTRIBUTES);
    for (index, span) in trace.spans.iter().enumerate() {
        said.clear();
        let lost = writer.gather(index, span, &mut said);
        wire.message(scope_spans::SPANS, Length::Medium, |wire| {
            writer.write(wire, index, span, &said, lost);
        });
        written(wire);
    }
}

/// What is the same for all spans of a trace.
struct Writer<'a> {
    trace: &'a TraceRecords,
    limits: &'a SpanLimits,
    redactor: &'a Redactor,
    state: String,
    flags: u8,
    who: Who<'a>,
    attributes: Chains,
    events: Chains,
    links: Chains,
}

/// An attribute of a span.
struct Said<'a> {
    key: &'a str,
    value: Source<'a>,
    /// Whether it was judged before, and may go out.
    is_judged: bool,
}

#[derive(Clone, Copy)]
enum Source<'a> {
    Text(&'a str),
    Value(&'a Value),
}

impl<'a> Writer<'a> {
    /// Gathers what a span says of itself: later values of a key win. How much of it was too much.
    fn gather(&self, index: usize, span: &'a SpanRecord, said: &mut Vec<Said<'a>>) -> u64 {
        match &span.name {
            SpanName::Step(step) => {
                said.push(Said::text("primitive.name", &step.name));
                said.push(Said::text("primitive.type", step.kind));
                self.who.sign(said);
            }
            SpanName::Workflow(_) | SpanName::Edge { .. } => self.who.sign(said),
            _ => {}
        }
        if let SpanStatus::Error { error_type, .. } = &span.status {
            said.push(Said::text("error.type", error_type));
        }
        let (trace, most, mut lost) = (self.trace, self.limits.attributes, 0);
        // Most keys are new, and of most their length says so.
        let mut lengths = said.iter().fold(0, |all, one| all | length_bit(one.key));
        for (_, attribute) in self.attributes.of_span(index, &trace.attributes) {
            let (key, value) = (&*attribute.key, Source::Value(&attribute.value));
            let is_new = lengths & length_bit(key) == 0;
            lengths |= length_bit(key);
            let earlier = if is_new {
                None
            } else {
                said.iter_mut().find(|earlier| earlier.key == key)
            };
            if let Some(earlier) = earlier {
                (earlier.value, earlier.is_judged) = (value, false);
            } else if said.len() < most {
                let is_judged = false;
                said.push(Said {
                    key,
                    value,
                    is_judged,
                });
            } else {
                lost += 1;
            }
        }
        lost += excess(said.len(), most);
        said.truncate(most);
        lost
    }

    fn write(
        &self,
        wire: &mut Wire,
        index: usize,
        span: &SpanRecord,
        said: &[Said<'_>],
        lost_attributes: u64,
    ) {
        let trace = self.trace;
        wire.bytes(fields::TRACE_ID, &trace.trace_id.to_u128().to_be_bytes());
        wire.bytes(fields::SPAN_ID, &span.span_id.to_u64().to_be_bytes());
        wire.text(fields::TRACE_STATE, &self.state);
        if span.parent_id.is_valid() {
            let parent = span.parent_id.to_u64().to_be_bytes();
            wire.bytes(fields::PARENT_SPAN_ID, &parent);
        }
        wire.text(
            fields::NAME,
            &self.named(Place::Span, "span.name", span.name.as_str()),
        );
        wire.number(fields::KIND, kind(span.kind));
        wire.fixed64(fields::START, span.start_unix_nanos);
        wire.fixed64(fields::END, span.end_unix_nanos);
        for one in said {
            self.attribute(wire, fields::ATTRIBUTES, Place::Span, one);
        }
        // Which spans said too much is not known; the last one encloses them all.
        let is_outermost = index + 1 == trace.spans.len();
        let lost = |here: u64, anywhere: u64| {
            let all = here.saturating_add(if is_outermost { anywhere } else { 0 });
            all.min(u32::MAX.into())
        };
        let dropped = lost(lost_attributes, trace.lost.attributes);
        wire.number(fields::DROPPED_ATTRIBUTES, dropped);
        let dropped = self.write_events(wire, index);
        wire.number(fields::DROPPED_EVENTS, lost(dropped, trace.lost.events));
        let dropped = self.write_links(wire, index);
        wire.number(fields::DROPPED_LINKS, lost(dropped, trace.lost.links));
        wire.message(fields::STATUS, Length::Short, |wire| {
            let code = match &span.status {
                SpanStatus::Ok => status::StatusCode::Ok,
                SpanStatus::Error { description, .. } => {
                    let text = self.named(Place::Span, "status.description", description);
                    wire.text(STATUS_MESSAGE, &text);
                    status::StatusCode::Error
                }
                _ => status::StatusCode::Unset,
            };
            wire.number(STATUS_CODE, code as u64);
        });
        wire.fixed32(fields::FLAGS, flags(self.flags, span.parent_is_remote));
    }

    /// Writes the events of a span; how many were too many.
    fn write_events(&self, wire: &mut Wire, index: usize) -> u64 {
        let mut count = 0;
        for event in self.events.of_span(index, &self.trace.events) {
            if count < self.limits.events {
                wire.message(fields::EVENTS, Length::Short, |wire| {
                    self.event(wire, event);
                });
            }
            count += 1;
        }
        excess(count, self.limits.events)
    }

    fn event(&self, wire: &mut Wire, event: &EventRecord) {
        wire.fixed64(events::TIME, event.unix_nanos);
        wire.text(
            events::NAME,
            &self.named(Place::Event, "event.name", &event.name),
        );
        let most = self.limits.event_attributes;
        for Attribute { key, value, .. } in event.attributes.iter().take(most) {
            let one = Said {
                key,
                value: Source::Value(value),
                is_judged: false,
            };
            self.attribute(wire, events::ATTRIBUTES, Place::Event, &one);
        }
        let dropped = excess(event.attributes.len(), most);
        wire.number(events::DROPPED_ATTRIBUTES, dropped);
    }

    /// Writes the links of a span; how many were too many.
    fn write_links(&self, wire: &mut Wire, index: usize) -> u64 {
        let mut count = 0;
        for (_, to) in self.links.of_span(index, &self.trace.links) {
            if count < self.limits.links {
                wire.message(fields::LINKS, Length::Short, |wire| link(wire, to));
            }
            count += 1;
        }
        excess(count, self.limits.links)
    }

    #[inline]
    fn attribute(&self, wire: &mut Wire, field: Field, place: Place, said: &Said<'_>) {
        let key = said.key;
        let (plain, verdict) = match said.value {
            Source::Text(text) => return self.text(wire, field, place, said, text),
            Source::Value(Value::Str(text)) => return self.text(wire, field, place, said, text),
            Source::Value(Value::Int(number)) => (
                Plain::Int(*number),
                self.redactor.number(place, key, number),
            ),
            Source::Value(Value::Float(number)) => (
                Plain::Double(*number),
                self.redactor.number(place, key, number),
            ),
            Source::Value(Value::Bool(value)) => {
                (Plain::Bool(*value), self.redactor.other(place, key, value))
            }
            // A kind of value that this version does not know is sent as it prints.
            Source::Value(other) => {
                return self.text(wire, field, place, said, &other.to_string());
            }
        };
        match verdict {
            Verdict::Keep => pair(wire, field, key, plain),
            Verdict::Replace(text) => pair_of_text(wire, field, key, &text),
            Verdict::Drop => {}
        }
    }

    #[inline]
    fn text(&self, wire: &mut Wire, field: Field, place: Place, said: &Said<'_>, text: &str) {
        let text = cut(text, self.limits);
        let verdict = if said.is_judged {
            Verdict::Keep
        } else {
            self.redactor.text(place, said.key, text)
        };
        match verdict {
            Verdict::Keep => pair_of_text(wire, field, said.key, text),
            Verdict::Replace(text) => pair_of_text(wire, field, said.key, &text),
            Verdict::Drop => {}
        }
    }

    fn named<'t>(&self, place: Place, name: &str, text: &'t str) -> Cow<'t, str> {
        match self.redactor.named(place, name, text) {
            Some(text) => Cow::Owned(text),
            None => Cow::Borrowed(text),
        }
    }
}

fn link(wire: &mut Wire, to: &Parent) {
    wire.bytes_always(links::TRACE_ID, &to.trace_id.to_u128().to_be_bytes());
    wire.bytes_always(links::SPAN_ID, &to.span_id.to_u64().to_be_bytes());
    let state = trace_state(to.trace_state.as_deref());
    wire.text(links::TRACE_STATE, &state.header());
    let sampled = if to.sampled { SAMPLED } else { 0 };
    let random = if to.is_random { RANDOM } else { 0 };
    wire.fixed32(links::FLAGS, flags(sampled | random, to.is_remote));
}

/// What every span of a workflow is found by.
struct Who<'a> {
    correlation: Said<'a>,
    workflow: Said<'a>,
    session: Option<Said<'a>>,
}

impl<'a> Who<'a> {
    fn of(trace: &'a TraceRecords, limits: &SpanLimits, redactor: &Redactor) -> Self {
        let identity = &*trace.identity;
        // Judged once for all spans, where nothing is to be asked or counted for each of them.
        let said = |key, text: &'a str| Said {
            key,
            value: Source::Text(text),
            is_judged: redactor.surely_keeps(Place::Span, key, cut(text, limits)),
        };
        Self {
            correlation: said("correlation_id", identity.correlation_id()),
            workflow: said("workflow.id", identity.workflow_id()),
            session: identity.session_id().map(|text| said("session.id", text)),
        }
    }

    fn sign(&self, said: &mut Vec<Said<'a>>) {
        said.push(self.correlation.copied());
        said.push(self.workflow.copied());
        if let Some(session) = &self.session {
            said.push(session.copied());
        }
    }
}

impl<'a> Said<'a> {
    fn text(key: &'static str, text: &'a str) -> Self {
        Self {
            key,
            value: Source::Text(text),
            is_judged: false,
        }
    }

    fn copied(&self) -> Self {
        Self { ..*self }
    }
}

fn length_bit(key: &str) -> u64 {
    1 << (key.len() & 63)
}

fn kind(kind: SpanKind) -> u64 {
    let kind = match kind {
        SpanKind::Client => span::SpanKind::Client,
        SpanKind::Server => span::SpanKind::Server,
        SpanKind::Producer => span::SpanKind::Producer,
        SpanKind::Consumer => span::SpanKind::Consumer,
        _ => span::SpanKind::Internal,
    };
    kind as u64
}

fn cut<'t>(text: &'t str, limits: &SpanLimits) -> &'t str {
    if text.len() <= limits.attribute_bytes {
        return text;
    }
    let end = text.floor_char_boundary(limits.attribute_bytes);
    text.get(..end).unwrap_or_default()
}

fn excess(count: usize, most: usize) -> u64 {
    count.saturating_sub(most) as u64
}

const TYPICAL_ATTRIBUTES: usize = 16;

#[cfg(test)]
#[path = "records_compared.rs"]
mod compared;
