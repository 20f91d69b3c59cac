//! Log lines over OTLP: the same records as those on standard output, taken where they are written.

use std::mem::size_of;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::SystemTime;

use opentelemetry::Context;

use crate::export::{Accounts, Backends, Exporter, Outgoing, Signal, Start, Waiting};
use crate::fork;
use crate::logs;
use crate::otlp;
use crate::redaction::Redactor;
use crate::settings::{LogLimits, Resolved};

/// The signal of logs; what waits is one line.
#[derive(Debug)]
pub(crate) struct LogLine {
    pub(crate) at: SystemTime,
    pub(crate) level: tracing::Level,
    /// The whole line as JSON. What it says is taken apart on the export thread.
    pub(crate) json: Box<[u8]>,
}

/// A pipeline to the endpoint that is set.
pub(crate) fn start(
    settings: &Resolved,
    backends: &Backends,
) -> Result<(Arc<Exporter<LogLine>>, Start), String> {
    let delivery = otlp::delivery(
        &settings.logs,
        otlp::LOGS,
        &settings.resource,
        otlp::encode_lines,
    )?;
    Ok(Exporter::new(settings.log_batching, delivery, backends))
}

/// Makes the limits hold for every record that is exported from now on.
pub(crate) fn set_limits(limits: LogLimits) {
    if let Some(mut present) = fork::write(&LIMITS) {
        *present = limits;
    }
}

/// The limits that hold now.
pub(crate) fn limits() -> LogLimits {
    fork::read(&LIMITS).map_or_else(LogLimits::default, |limits| *limits)
}

/// Makes it the one that lines go to.
pub(crate) fn announce(exporter: &Arc<Exporter<LogLine>>) {
    exporter.announce();
    if let Some(mut present) = fork::write(&PRESENT) {
        *present = Some(Arc::clone(exporter));
    }
    IS_PRESENT.store(true, Ordering::Relaxed);
}

/// Has no lines taken from now on.
pub(crate) fn withdraw(exporter: &Arc<Exporter<LogLine>>) {
    let Some(mut present) = fork::write(&PRESENT) else {
        return;
    };
    if present
        .as_ref()
        .is_some_and(|other| Arc::ptr_eq(other, exporter))
    {
        IS_PRESENT.store(false, Ordering::Relaxed);
        *present = None;
    }
}

/// Whether the caller's lines are to be taken: not those of the exporter itself, which would feed it.
#[inline]
pub(crate) fn are_wanted() -> bool {
    IS_PRESENT.load(Ordering::Relaxed) && !Context::is_current_telemetry_suppressed()
}

/// Takes the two parts of a line; never waits.
pub(crate) fn push(at: SystemTime, level: tracing::Level, line: [&[u8]; 2]) {
    let exporter = fork::read(&PRESENT).and_then(|present| present.clone());
    if let Some(exporter) = exporter {
        let json = line.concat().into();
        exporter.push(LogLine { at, level, json });
    }
}

impl Signal for LogLine {
    const NAME: &'static str = "logs";
    /// The lines on standard output are a part of their own.
    const PART: &'static str = "logs_otlp";
    type Waiting = Self;

    fn accounts() -> &'static Mutex<Accounts<Self>> {
        &ACCOUNTS
    }
}

impl Outgoing for LogLine {
    type Waiting = Self;

    fn bytes(&self) -> usize {
        otlp::line_bytes(self)
    }

    fn prepare(mut waiting: Self, redactor: &Redactor, into: &mut Vec<Self>) {
        let mut clean = Vec::with_capacity(waiting.json.len());
        logs::redact(&waiting.json, redactor, &mut clean);
        waiting.json = clean.into();
        into.push(waiting);
    }
}

impl Waiting for LogLine {
    fn count(&self) -> usize {
        1
    }

    fn bytes(&self) -> usize {
        size_of::<Self>() + self.json.len()
    }
}

static PRESENT: RwLock<Option<Arc<Exporter<LogLine>>>> = RwLock::new(None);
static LIMITS: RwLock<LogLimits> = RwLock::new(LogLimits::DEFAULT);
static IS_PRESENT: AtomicBool = AtomicBool::new(false);
static ACCOUNTS: Mutex<Accounts<LogLine>> = Mutex::new(Accounts::new());
