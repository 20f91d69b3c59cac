//! Whether what is said to models and by them is recorded.

use std::sync::atomic::{AtomicU8, Ordering};

/// Whether what is said to models and by them is recorded, and where. It is personal data more often
/// than not, so by default it is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContentCapture {
    /// Nowhere.
    #[default]
    NoContent,
    /// As attributes of the span.
    SpanOnly,
    /// As an event of the span.
    EventOnly,
    /// Both.
    SpanAndEvent,
}

impl ContentCapture {
    /// Every way.
    pub const ALL: [Self; 4] = [
        Self::NoContent,
        Self::SpanOnly,
        Self::EventOnly,
        Self::SpanAndEvent,
    ];

    /// The name as `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT` spells it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoContent => "NO_CONTENT",
            Self::SpanOnly => "SPAN_ONLY",
            Self::EventOnly => "EVENT_ONLY",
            Self::SpanAndEvent => "SPAN_AND_EVENT",
        }
    }

    /// Makes it hold for the whole process from now on.
    pub fn set(self) {
        CAPTURE.store(self as u8, Ordering::Relaxed);
    }

    /// What holds now.
    #[inline]
    pub fn present() -> Self {
        let present = CAPTURE.load(Ordering::Relaxed);
        Self::ALL
            .into_iter()
            .find(|way| *way as u8 == present)
            .unwrap_or_default()
    }

    /// Whether it goes into attributes of spans.
    pub fn in_spans(self) -> bool {
        matches!(self, Self::SpanOnly | Self::SpanAndEvent)
    }

    /// Whether it goes into events.
    pub fn in_events(self) -> bool {
        matches!(self, Self::EventOnly | Self::SpanAndEvent)
    }
}

/// The event that the semantic conventions of generative AI have for it.
pub(crate) const CONTENT_EVENT: &str = "gen_ai.client.inference.operation.details";

static CAPTURE: AtomicU8 = AtomicU8::new(0);
