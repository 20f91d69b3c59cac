//! Whether prompts and answers may leave the process.

/// Where prompts and answers may stand. They are taken out everywhere else, from our own spans and
/// lines and from foreign ones, by the keys that they have.
///
/// # Source
///
/// The `OpenTelemetry` semantic conventions for generative AI and the values of
/// `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentCapture {
    /// Nowhere.
    #[default]
    NoContent,
    /// In attributes of spans.
    SpanOnly,
    /// In events of spans and in log records.
    EventOnly,
    /// In all of them.
    SpanAndEvent,
}

impl ContentCapture {
    /// The name as the variable spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoContent => "NO_CONTENT",
            Self::SpanOnly => "SPAN_ONLY",
            Self::EventOnly => "EVENT_ONLY",
            Self::SpanAndEvent => "SPAN_AND_EVENT",
        }
    }

    pub(crate) fn in_spans(self) -> bool {
        matches!(self, Self::SpanOnly | Self::SpanAndEvent)
    }

    pub(crate) fn in_events(self) -> bool {
        matches!(self, Self::EventOnly | Self::SpanAndEvent)
    }

    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        match text.to_ascii_lowercase().as_str() {
            "no_content" | "false" => Ok(Self::NoContent),
            "span_only" => Ok(Self::SpanOnly),
            "event_only" => Ok(Self::EventOnly),
            // What instrumentations of before the four words take.
            "span_and_event" | "true" => Ok(Self::SpanAndEvent),
            _ => Err("NO_CONTENT, SPAN_ONLY, EVENT_ONLY or SPAN_AND_EVENT"),
        }
    }
}
