//! What is around the spans of a request.

use std::ptr;

use opentelemetry::InstrumentationScope;
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;

use super::numbers::{request, resource_spans, scope, scope_spans};
use super::spans::attributes;
use super::wire::{Length, Wire};

/// A request of these spans, grouped by the library that made them, each written by `write`.
pub(super) fn request<'a, S>(
    resource: &Resource,
    capacity: usize,
    spans: impl Iterator<Item = (&'a InstrumentationScope, S)>,
    write: impl Fn(&mut Wire, &S),
) -> Vec<u8> {
    let mut groups: Vec<(&InstrumentationScope, Vec<S>)> = Vec::new();
    for (scope, span) in spans {
        // A process has few scopes, and spans of one come together.
        let mut latest = groups.iter_mut().rev();
        match latest.find(|(other, _)| are_same(other, scope)) {
            Some((_, spans)) => spans.push(span),
            None => groups.push((scope, vec![span])),
        }
    }
    let mut wire = Wire::with_capacity(capacity);
    wire.message(request::RESOURCE_SPANS, Length::Long, |wire| {
        wire.bytes_always(resource_spans::RESOURCE, &resource.encode_to_vec());
        for (scope, spans) in groups {
            wire.message(resource_spans::SCOPE_SPANS, Length::Long, |wire| {
                about(wire, scope);
                for span in &spans {
                    write(wire, span);
                }
                let url = scope.schema_url().unwrap_or_default();
                wire.text(scope_spans::SCHEMA_URL, url);
            });
        }
    });
    wire.finish()
}

fn about(wire: &mut Wire, scope: &InstrumentationScope) {
    wire.message(scope_spans::SCOPE, Length::Short, |wire| {
        wire.text(scope::NAME, scope.name());
        wire.text(scope::VERSION, scope.version().unwrap_or_default());
        attributes(wire, scope::ATTRIBUTES, scope.attributes());
    });
}

/// Whether two scopes are the same. Clones of one, as all of a library are, share their texts.
fn are_same(one: &InstrumentationScope, other: &InstrumentationScope) -> bool {
    let is_plain = |scope: &InstrumentationScope| {
        scope.attributes().next().is_none() && scope.schema_url().is_none()
    };
    let share_texts = ptr::eq(one.name(), other.name())
        && match (one.version(), other.version()) {
            (Some(one), Some(other)) => ptr::eq(one, other),
            (one, other) => one == other,
        };
    share_texts && is_plain(one) && is_plain(other) || one == other
}
