//! A recorder as faulty as can be.

use tta_core::{ActiveSpan, Level, LogRecord, Parent, Recorder, TraceId, TraceNotes};

/// A [`Recorder`] that asks for everything and panics when it gets it.
#[derive(Clone, Copy, Debug, Default)]
pub struct PanickingRecorder;

impl Recorder for PanickingRecorder {
    fn ambient_parent(&self) -> Option<Parent> {
        panic!("a faulty recorder was asked for a parent")
    }

    fn sample(&self, _: TraceId, _: Option<&Parent>) -> bool {
        true
    }

    fn record(&self, _: TraceNotes) {
        panic!("a faulty recorder was given a trace")
    }

    fn log_level(&self) -> Option<Level> {
        Some(Level::Trace)
    }

    fn log(&self, _: &LogRecord<'_>) {
        panic!("a faulty recorder was given a log line")
    }

    fn wants_scope(&self) -> bool {
        true
    }

    fn scope(&self, _: &ActiveSpan<'_>, poll: &mut dyn FnMut()) {
        poll();
        panic!("a faulty recorder left a span")
    }
}
