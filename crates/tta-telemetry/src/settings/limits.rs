//! What is kept of a record.

use tta_core::{ContentCapture, DetailLimits, ExemplarFilter};

use super::limits_spec as spec;
use super::parse;
use super::pick::Picker;
use super::resolve::Code;
use super::spec::SettingSpec;

/// How much of a span is kept. What goes beyond is left out, and counted in the span itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SpanLimits {
    /// Attributes of a span.
    pub attributes: usize,
    /// Bytes of the text of an attribute, also of events and links; longer text is cut.
    pub attribute_bytes: usize,
    /// Events of a span.
    pub events: usize,
    /// Links of a span.
    pub links: usize,
    /// Attributes of an event.
    pub event_attributes: usize,
    /// Attributes of a link.
    pub link_attributes: usize,
}

impl SpanLimits {
    pub(crate) const DEFAULT: Self = Self {
        attributes: 128,
        attribute_bytes: 2_048,
        events: 128,
        links: 128,
        event_attributes: 128,
        link_attributes: 128,
    };
}

impl Default for SpanLimits {
    /// 128 of each, and 2,048 bytes.
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// How much of a log record is kept over OTLP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogLimits {
    /// Attributes of a record.
    pub attributes: usize,
    /// Bytes of the text of an attribute; longer text is cut.
    pub attribute_bytes: usize,
}

impl LogLimits {
    pub(crate) const DEFAULT: Self = Self {
        attributes: 128,
        attribute_bytes: 2_048,
    };
}

impl Default for LogLimits {
    /// 128 attributes, and 2,048 bytes of each.
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What is kept of a record, and of measurements.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kept {
    pub(crate) spans: SpanLimits,
    pub(crate) logs: LogLimits,
    exemplars: ExemplarFilter,
    pub(crate) content: ContentCapture,
}

impl Kept {
    /// Has the core keep what is to be kept.
    pub(crate) fn apply(self) {
        let mut details = DetailLimits::default();
        details.text_bytes = self.spans.attribute_bytes;
        // The limit of an event is kept where it can be counted in the event itself.
        details.event_attributes = self.spans.event_attributes.max(details.event_attributes);
        details.set();
        self.exemplars.set();
        self.content.set();
    }
}

impl Picker<'_> {
    pub(super) fn kept(&mut self, code: &Code) -> Kept {
        let usual = SpanLimits::DEFAULT;
        let own = code.span_limits;
        let spans = SpanLimits {
            attributes: self.limit(
                &spec::SPAN_ATTRIBUTES,
                own.map(|own| own.attributes),
                usual.attributes,
            ),
            attribute_bytes: self.limit(
                &spec::SPAN_ATTRIBUTE_BYTES,
                own.map(|own| own.attribute_bytes),
                usual.attribute_bytes,
            ),
            events: self.limit(&spec::SPAN_EVENTS, own.map(|own| own.events), usual.events),
            links: self.limit(&spec::SPAN_LINKS, own.map(|own| own.links), usual.links),
            event_attributes: self.limit(
                &spec::EVENT_ATTRIBUTES,
                own.map(|own| own.event_attributes),
                usual.event_attributes,
            ),
            link_attributes: self.limit(
                &spec::LINK_ATTRIBUTES,
                own.map(|own| own.link_attributes),
                usual.link_attributes,
            ),
        };
        let usual = LogLimits::DEFAULT;
        let own = code.log_limits;
        let logs = LogLimits {
            attributes: self.limit(
                &spec::LOG_ATTRIBUTES,
                own.map(|own| own.attributes),
                usual.attributes,
            ),
            attribute_bytes: self.limit(
                &spec::LOG_ATTRIBUTE_BYTES,
                own.map(|own| own.attribute_bytes),
                usual.attribute_bytes,
            ),
        };
        let exemplars = self.pick_shown(
            &spec::EXEMPLAR_FILTER,
            code.exemplar_filter,
            parse::exemplar_filter,
            ExemplarFilter::default,
            |filter| filter.as_str().to_owned(),
        );
        let content = self.pick_shown(
            &spec::CONTENT_CAPTURE,
            code.content_capture,
            parse::content_capture,
            ContentCapture::default,
            |capture| capture.as_str().to_owned(),
        );
        self.propagators();
        Kept {
            spans,
            logs,
            exemplars,
            content,
        }
    }

    fn limit(&mut self, spec: &SettingSpec, code: Option<usize>, usual: usize) -> usize {
        self.pick(spec, code, parse::limit, || usual)
    }

    /// The layers for HTTP read the variable themselves, since they know nothing of this crate. Here it
    /// is shown, and what is wrong with it is said.
    fn propagators(&mut self) {
        let list = self.environment.0.get("OTEL_PROPAGATORS").cloned();
        let unknown = |name: &&str| !matches!(*name, "tracecontext" | "baggage" | "none" | "");
        let text = list.unwrap_or_default().to_ascii_lowercase();
        let names = || text.split(',').map(str::trim);
        for name in names().filter(unknown) {
            self.warn(format!(
                "OTEL_PROPAGATORS names {name}, which is ignored, for it is not one of \
                 tracecontext, baggage and none"
            ));
        }
        let is_none = names().any(|name| name == "none");
        let is_in = |name: &&str| !is_none && (text.is_empty() || names().any(|own| own == *name));
        let all = ["tracecontext", "baggage"].into_iter().filter(is_in);
        let all: Vec<_> = all.collect();
        let shown = if all.is_empty() {
            "none".to_owned()
        } else {
            all.join(",")
        };
        let origin = if text.is_empty() {
            super::Origin::Default
        } else {
            super::Origin::Environment("OTEL_PROPAGATORS")
        };
        self.show(&spec::PROPAGATORS, shown, origin);
    }
}
