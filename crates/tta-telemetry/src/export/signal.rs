//! What the signals have in common: records that wait, are prepared, and go out in batches.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;

use super::accounts::Accounts;
use super::outcome::{ExportError, Exported};
use crate::fork;
use crate::ledger::SignalLedger;
use crate::redaction::Redactor;

/// One of traces, metrics and logs.
pub(crate) trait Signal: Sized + Send + Sync + 'static {
    /// The label `signal`.
    const NAME: &'static str;
    /// The name of the part in the status.
    const PART: &'static str;
    /// Records as the application left them.
    type Waiting: Waiting;

    /// The accounts of all pipelines of this signal that the process has had.
    fn accounts() -> &'static Mutex<Accounts<Self>>;

    /// The account of all pipelines of this process together.
    fn account() -> SignalLedger {
        fork::lock(Self::accounts()).map_or(SignalLedger::NONE, |mut accounts| accounts.sum())
    }
}

/// A record as it goes out.
pub(crate) trait Outgoing: Send + Sync + Sized + 'static {
    /// What becomes such records.
    type Waiting;

    /// How many bytes it takes in a request at most.
    fn bytes(&self) -> usize;

    /// Appends the records as they go out, without what must not leave the process. Runs on the
    /// worker's thread, once for each record.
    fn prepare(waiting: Self::Waiting, redactor: &Redactor, into: &mut Vec<Self>);
}

/// Records that wait.
pub(crate) trait Waiting: Send {
    /// How many they are.
    fn count(&self) -> usize;

    /// About how many bytes they take in memory.
    fn bytes(&self) -> usize;

    /// Leaves out, and counts, what is beyond so many bytes.
    fn trim(&mut self, _most: usize) {}
}

/// Where batches of records go. Called on the worker's thread only, one batch at a time.
pub(crate) trait Sink<R>: Send + Sync {
    /// Sends a batch once.
    fn send<'a>(&'a self, batch: &'a [R]) -> Sending<'a>;
}

/// An attempt that is under way.
pub(crate) type Sending<'a> =
    Pin<Box<dyn Future<Output = Result<Exported, ExportError>> + Send + 'a>>;
