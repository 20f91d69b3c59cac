//! The suite that every sink runs: the same records in, the same names out.

use std::collections::BTreeSet;
use std::sync::Arc;

use tta_core::{
    Attribute, Error, ErrorKind, Level, LogRecord, Recorder, TraceNotes, WorkflowContext,
    conditional, fallback, saga, step,
};

use super::poll_then_drop;
use crate::recording::RecordingRecorder;

/// The names in a set of records: what users search for, and what no sink may change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// Names of spans.
    pub spans: BTreeSet<String>,
    /// Keys of attributes that steps set.
    pub attributes: BTreeSet<String>,
    /// Names of span events.
    pub events: BTreeSet<String>,
    /// Names of log events.
    pub logs: BTreeSet<String>,
}

/// Records one workflow of every shape into a sink, and tells the names it was given.
///
/// Success, an error, a cancellation, parallel branches, a fallback and a saga are among them.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use tta_testkit::conformance::{Names, assert_same_names, run_every_shape};
/// use tta_testkit::recording::RecordingRecorder;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let sink = RecordingRecorder::new();
/// let given = run_every_shape(sink.clone()).await;
/// assert_same_names(&given, &Names::recorded(&sink));
/// # });
/// ```
pub async fn run_every_shape(sink: Arc<dyn Recorder>) -> Names {
    let witness = RecordingRecorder::new();
    let both = Arc::new(Both {
        sink,
        witness: Arc::clone(&witness),
    });
    let context = || {
        let recorder = Arc::clone(&both) as Arc<dyn Recorder>;
        WorkflowContext::builder().recorder(recorder).build()
    };
    let double = || {
        step("shape_double", async |n: u64, ctx: &WorkflowContext| {
            ctx.set_attribute("shape.input", n);
            ctx.event("shape_seen", vec![Attribute::new("shape.detail", true)]);
            tokio::task::yield_now().await;
            Ok(n * 2)
        })
    };
    let fail = || {
        step("shape_fail", async |_: u64| {
            Err::<u64, _>(Error::new(ErrorKind::Unavailable, "it is down"))
        })
    };
    let parallel = double() | double();
    let answered = fallback(fail(), double()) >> conditional(|_: &u64, _| false, double());
    let undone = saga(fail(), double()).named("shape_saga");
    // How each ends is its own affair here; the names are what is looked at.
    let _ = parallel.execute(1, &context()).await;
    let _ = answered.execute(2, &context()).await;
    let _ = undone.execute(3, &context()).await;
    let _ = poll_then_drop(double().execute(4, &context()), 1).await;
    Names::recorded(&witness)
}

/// Checks that a sink gave out the names it was given, no more and no fewer.
///
/// # Panics
///
/// If it did not, with the names that are missing and those that nobody gave it.
#[track_caller]
pub fn assert_same_names(given: &Names, emitted: &Names) {
    for (sort, given, emitted) in [
        ("spans", &given.spans, &emitted.spans),
        ("attributes", &given.attributes, &emitted.attributes),
        ("span events", &given.events, &emitted.events),
        ("log events", &given.logs, &emitted.logs),
    ] {
        let missing: Vec<_> = given.difference(emitted).collect();
        let invented: Vec<_> = emitted.difference(given).collect();
        assert!(
            missing.is_empty() && invented.is_empty(),
            "names of {sort}: missing {missing:?}, invented {invented:?}"
        );
    }
}

impl Names {
    /// The names that a recording recorder holds.
    pub fn recorded(recorder: &RecordingRecorder) -> Self {
        let mut names = Self::default();
        for trace in recorder.traces() {
            let spans = trace.spans.iter().map(|span| span.name.as_str().to_owned());
            names.spans.extend(spans);
            let keys = trace.attributes.iter().map(|(_, it)| it.key.to_string());
            names.attributes.extend(keys);
            let events = trace.events.iter().map(|event| event.name.to_string());
            names.events.extend(events);
        }
        let logs = recorder.logs();
        names
            .logs
            .extend(logs.iter().map(|line| line.event.to_owned()));
        names
    }
}

/// Gives the sink and the witness the same records.
struct Both {
    sink: Arc<dyn Recorder>,
    witness: Arc<RecordingRecorder>,
}

impl Recorder for Both {
    fn sample(&self, _: tta_core::TraceId, _: Option<&tta_core::Parent>) -> bool {
        true
    }

    fn record(&self, trace: TraceNotes) {
        self.witness.record(trace.clone());
        self.sink.record(trace);
    }

    fn log_level(&self) -> Option<Level> {
        Some(Level::Trace)
    }

    fn log(&self, record: &LogRecord<'_>) {
        self.witness.log(record);
        self.sink.log(record);
    }
}
