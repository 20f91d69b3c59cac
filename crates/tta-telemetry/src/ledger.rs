//! The account of every record: where it is, or why it was lost.

/// The account of every record, by signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ledger {
    /// Spans.
    pub traces: SignalLedger,
    /// Values of series, as they go over OTLP. What is scraped is not lost and not counted.
    pub metrics: SignalLedger,
    /// Log lines, as they go over OTLP beside standard output.
    pub logs: SignalLedger,
}

impl Ledger {
    /// The account of each signal, by its name.
    pub fn signals(&self) -> impl Iterator<Item = (&'static str, SignalLedger)> {
        let signals = [
            ("traces", self.traces),
            ("metrics", self.metrics),
            ("logs", self.logs),
        ];
        signals.into_iter()
    }

    /// All signals together.
    pub fn all(&self) -> SignalLedger {
        let all = SignalLedger::default();
        self.signals().fold(all, |sum, (_, one)| sum.plus(one))
    }
}

#[cfg(feature = "otlp")]
impl Ledger {
    /// Sets the account of the signal of this name.
    pub(crate) fn set(&mut self, signal: &str, account: SignalLedger) {
        match signal {
            "traces" => self.traces = account,
            "metrics" => self.metrics = account,
            "logs" => self.logs = account,
            _ => {}
        }
    }
}

/// The account of one signal's records, exact at the instant it was read:
/// created = delivered + dropped + queued + in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignalLedger {
    /// Records that were made.
    pub created: u64,
    /// Records that a backend accepted.
    pub delivered: u64,
    /// Records that wait.
    pub queued: u64,
    /// Records that are being exported.
    pub in_flight: u64,
    dropped: [u64; DropReason::ALL.len()],
}

/// Why a record was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DropReason {
    /// It came when the queue was full.
    QueueFull,
    /// Its trace was undecided when there was no room for more of those.
    TailFull,
    /// The backend refused it.
    Rejected,
    /// The backend asked to try again later, too often.
    RetriesExhausted,
    /// The exporter panicked over it.
    ExporterPanic,
    /// It came after the shutdown, or was left at the shutdown's deadline.
    Shutdown,
}

impl DropReason {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::QueueFull,
        Self::TailFull,
        Self::Rejected,
        Self::RetriesExhausted,
        Self::ExporterPanic,
        Self::Shutdown,
    ];

    /// The value of the label `reason`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::TailFull => "tail_full",
            Self::Rejected => "rejected",
            Self::RetriesExhausted => "retries_exhausted",
            Self::ExporterPanic => "exporter_panic",
            Self::Shutdown => "shutdown",
        }
    }
}

impl SignalLedger {
    /// How many records were lost.
    pub fn dropped(&self) -> u64 {
        self.dropped.iter().sum()
    }

    /// How many records were lost for this reason.
    pub fn dropped_for(&self, reason: DropReason) -> u64 {
        self.reasons()
            .find(|(other, _)| *other == reason)
            .map_or(0, |(_, count)| count)
    }

    /// How many records were lost for each reason.
    pub fn reasons(&self) -> impl Iterator<Item = (DropReason, u64)> {
        DropReason::ALL.into_iter().zip(self.dropped)
    }

    /// Whether every record is accounted for. It always is.
    pub fn is_balanced(&self) -> bool {
        self.created == self.delivered + self.dropped() + self.queued + self.in_flight
    }
}

impl SignalLedger {
    /// The two accounts as one.
    pub(crate) fn plus(mut self, other: Self) -> Self {
        self.created += other.created;
        self.delivered += other.delivered;
        self.queued += other.queued;
        self.in_flight += other.in_flight;
        for (sum, more) in self.dropped.iter_mut().zip(other.dropped) {
            *sum += more;
        }
        self
    }
}

#[cfg(feature = "otlp")]
impl SignalLedger {
    pub(crate) const NONE: Self = Self {
        created: 0,
        delivered: 0,
        queued: 0,
        in_flight: 0,
        dropped: [0; DropReason::ALL.len()],
    };

    pub(crate) fn drop_for(&mut self, reason: DropReason, count: u64) {
        for (other, sum) in DropReason::ALL.into_iter().zip(&mut self.dropped) {
            if other == reason {
                *sum += count;
            }
        }
    }
}
