//! Carries finished lines to their destination on a thread of its own.

use std::fmt;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::{LogFormat, line, text};
use crate::fork::{self, Home};
use crate::redaction::{RedactionPolicy, Redactor};
use tta_core::ContentCapture;

/// Takes lines without waiting for their destination. Clones share one destination.
///
/// Lines wait in bounded memory. When that is full because the destination is slow, and when the
/// destination fails, lines are lost and counted: a step never waits for its log. When the last
/// clone is dropped the thread writes what it has and ends.
///
/// The thread also takes out what is secret, and prompts and answers, by the built-in rules or by
/// those it is [given](Self::with_redaction).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_telemetry::logs::LogWriter;
///
/// let writer = LogWriter::new(std::io::sink())?;
/// assert!(writer.flush(Duration::from_secs(2)));
/// assert_eq!(writer.stats().lost, 0);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone)]
pub struct LogWriter {
    handle: Arc<Handle>,
}

/// What became of the lines so far: `created` is always the sum of the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct LogStats {
    /// Lines that were handed over.
    pub created: u64,
    /// Lines that reached the destination.
    pub written: u64,
    /// Lines that were dropped: no room, closed already, or refused by the destination.
    pub lost: u64,
    /// Lines that wait.
    pub queued: u64,
}

impl LogWriter {
    /// A writer to standard output.
    ///
    /// # Errors
    ///
    /// When the system does not give it a thread.
    pub fn stdout() -> io::Result<Self> {
        Self::new(io::stdout())
    }

    /// A writer to this destination, which gets whole lines, several at a time.
    ///
    /// # Errors
    ///
    /// When the system does not give it a thread.
    pub fn new(destination: impl Write + Send + 'static) -> io::Result<Self> {
        Self::with_capacity(destination, DEFAULT_CAPACITY)
    }

    /// A writer that lets lines of so many bytes together wait.
    ///
    /// # Errors
    ///
    /// When the system does not give it a thread.
    pub fn with_capacity(
        destination: impl Write + Send + 'static,
        capacity: usize,
    ) -> io::Result<Self> {
        let redactor = Redactor::new(RedactionPolicy::new(), ContentCapture::default());
        let queue = Arc::new(Queue {
            redactor: Mutex::new(redactor),
            state: Mutex::default(),
            work: Condvar::new(),
            progress: Condvar::new(),
        });
        let writing = Arc::clone(&queue);
        thread::Builder::new()
            .name("tta-logs".to_owned())
            .spawn(move || writing.write_to(destination))?;
        let home = Home::here();
        let handle = Arc::new(Handle {
            queue,
            capacity,
            home,
        });
        Ok(Self { handle })
    }

    /// The same writer with these rules, for the lines that its thread has not taken yet.
    #[must_use]
    pub fn with_redaction(self, policy: RedactionPolicy) -> Self {
        self.set_redactor(Redactor::new(policy, ContentCapture::default()));
        self
    }

    pub(crate) fn set_redactor(&self, redactor: Arc<Redactor>) {
        let mut present = self.handle.queue.redactor();
        let before = std::mem::replace(&mut *present, redactor);
        drop(present);
        // What hooks hold is dropped with the lock released.
        drop(before);
    }

    /// Takes the two parts of a line as JSON, with its line end, to be written in this format; false if it is lost.
    pub(super) fn push(&self, line: [&[u8]; 2], format: LogFormat) -> bool {
        let [head, rest] = line;
        self.enqueue(head.len() + rest.len(), |waiting| {
            if format == LogFormat::Text {
                waiting.push(TEXT);
            }
            waiting.extend_from_slice(head);
            waiting.extend_from_slice(rest);
        })
    }

    /// Takes lines of which nothing is to be taken out any more; false if they are lost.
    #[cfg(feature = "otlp")]
    pub(crate) fn push_finished(&self, lines: &[u8]) -> bool {
        self.enqueue(lines.len(), |waiting| {
            for line in lines.split_inclusive(|&byte| byte == b'\n') {
                waiting.push(FINISHED);
                waiting.extend_from_slice(line);
            }
        })
    }

    fn enqueue(&self, bytes: usize, append: impl FnOnce(&mut Vec<u8>)) -> bool {
        let Handle {
            queue,
            capacity,
            home,
        } = &*self.handle;
        let Some(mut state) = fork::lock(&queue.state) else {
            return false;
        };
        if state.closed || state.waiting.len() + bytes > *capacity {
            state.lost += 1;
            return false;
        }
        append(&mut state.waiting);
        state.queued += 1;
        // Waking a thread costs more than the line. The thread asks for it only when it has had
        // nothing to do for a while.
        if std::mem::take(&mut state.idle) {
            // In a child of the process there is no such thread, and nobody writes these lines.
            if !home.is_here() {
                state.give_up();
            }
            queue.work.notify_one();
        }
        true
    }

    /// What became of the lines so far.
    pub fn stats(&self) -> LogStats {
        let Some(state) = fork::lock(&self.handle.queue.state) else {
            return LogStats::default();
        };
        let queued = state.queued + state.writing;
        LogStats {
            created: state.written + state.lost + queued,
            written: state.written,
            lost: state.lost,
            queued,
        }
    }

    /// Waits until the lines of before this call are written, no longer than the deadline; says
    /// whether none of them waits any more.
    pub fn flush(&self, deadline: Duration) -> bool {
        if !self.handle.home.is_here() {
            return false;
        }
        let queue = &self.handle.queue;
        let mut state = queue.lock();
        state.hurried = true;
        queue.work.notify_one();
        let goal = state.taken + state.queued;
        queue.wait_for(goal, deadline, state)
    }

    /// Takes no more lines, and waits like [`flush`](Self::flush) for those it has.
    pub fn close(&self, deadline: Duration) -> bool {
        self.handle.queue.close();
        self.flush(deadline)
    }
}

impl fmt::Debug for LogWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogWriter")
            .field("capacity", &self.handle.capacity)
            .field("stats", &self.stats())
            .finish()
    }
}

/// What the clones of a writer share; the thread does not, so that it sees them go.
struct Handle {
    queue: Arc<Queue>,
    capacity: usize,
    home: Home,
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.home.is_here() {
            self.queue.close();
        }
    }
}

struct Queue {
    state: Mutex<State>,
    /// What the thread takes out of the next lines.
    redactor: Mutex<Arc<Redactor>>,
    /// Told to the thread.
    work: Condvar,
    /// Told by the thread.
    progress: Condvar,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    /// Lines that wait, and lines that are being written.
    queued: u64,
    writing: u64,
    written: u64,
    lost: u64,
    /// Lines that the thread has ever taken.
    taken: u64,
    /// The thread has nothing to do and wants to be woken.
    idle: bool,
    /// Somebody waits for the lines.
    hurried: bool,
    closed: bool,
}

impl State {
    /// Loses what waits, and takes no more.
    fn give_up(&mut self) {
        self.closed = true;
        self.lost += std::mem::take(&mut self.queued);
        self.waiting = Vec::new();
    }
}

impl Queue {
    /// The thread: writes until the writer is closed and nothing waits.
    fn write_to(&self, mut destination: impl Write) {
        let mut batch = Vec::new();
        let mut finished = Vec::new();
        loop {
            let mut state = self.lock();
            while state.waiting.is_empty() && !state.closed {
                if is_large(&state.waiting) || is_large(&batch) || is_large(&finished) {
                    // One burst shall not hold its memory for good, and nobody who logs shall wait
                    // for its return.
                    let waiting = std::mem::take(&mut state.waiting);
                    drop(state);
                    drop(waiting);
                    (batch, finished) = (Vec::new(), Vec::new());
                    state = self.lock();
                    continue;
                }
                state.idle = true;
                state = self
                    .work
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
            state.idle = false;
            if state.waiting.is_empty() {
                return;
            }
            std::mem::swap(&mut state.waiting, &mut batch);
            state.hurried = false;
            state.writing = std::mem::take(&mut state.queued);
            state.taken += state.writing;
            drop(state);

            let redactor = Arc::clone(&self.redactor());
            finish(&batch, &redactor, &mut finished);
            // A destination that panicked may be in any state, and it is its own to deal with.
            let written = catch_unwind(AssertUnwindSafe(|| {
                destination.write_all(&finished)?;
                destination.flush()
            }));
            clear(&mut batch);
            clear(&mut finished);

            let mut state = self.lock();
            let lines = std::mem::take(&mut state.writing);
            match written {
                Ok(Ok(())) => state.written += lines,
                // How much of it arrived cannot be known.
                _ => state.lost += lines,
            }
            self.progress.notify_all();
            // Lets lines gather, so that neither they nor their writing cost a wake-up each.
            let patient = |state: &mut State| !state.closed && !state.hurried;
            let _ = self
                .work
                .wait_timeout_while(state, GATHERING, patient)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits until the thread has dealt with so many lines since it began.
    fn wait_for(&self, goal: u64, deadline: Duration, mut state: MutexGuard<'_, State>) -> bool {
        let end = Instant::now().checked_add(deadline);
        loop {
            if state.taken - state.writing >= goal {
                return true;
            }
            let left = end.map_or(FOREVER, |end| end.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                return false;
            }
            state = self
                .progress
                .wait_timeout(state, left)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    fn close(&self) {
        self.lock().closed = true;
        self.work.notify_one();
    }

    fn redactor(&self) -> MutexGuard<'_, Arc<Redactor>> {
        // It is replaced as a whole.
        self.redactor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Only our own code runs under the lock, and it does not panic between two changes.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Empties a buffer for the next batch.
///
/// While many lines come, the next batch is likely to be as large, and memory that is given back costs
/// those who log when they touch it anew.
fn clear(buffer: &mut Vec<u8>) {
    let usual = (buffer.len() * 2).max(USUAL_BATCH);
    buffer.clear();
    buffer.shrink_to(usual);
}

/// Whether a buffer has more memory than the thread may keep while it has nothing to do.
fn is_large(buffer: &Vec<u8>) -> bool {
    buffer.capacity() > USUAL_BATCH
}

/// Appends the lines as they are to be written.
fn finish(batch: &[u8], redactor: &Redactor, out: &mut Vec<u8>) {
    let mut clean = Vec::new();
    for rendered in batch.split_inclusive(|&byte| byte == b'\n') {
        match rendered.split_first() {
            Some((&TEXT, rendered)) => {
                clean.clear();
                line::redact(rendered, redactor, &mut clean);
                text::push(&clean, out);
            }
            Some((&FINISHED, rendered)) => out.extend_from_slice(rendered),
            _ => line::redact(rendered, redactor, out),
        }
    }
}

/// Stands before a line that is to be written as text. No line has such a byte in it.
const TEXT: u8 = 1;

/// Stands before a line that is to be written as it is.
const FINISHED: u8 = 2;

/// How many bytes of lines may wait.
const DEFAULT_CAPACITY: usize = 8 << 20;

/// How much memory the thread keeps for its next batch in any case.
const USUAL_BATCH: usize = 1 << 20;

/// How long lines gather after a batch was written.
const GATHERING: Duration = Duration::from_millis(10);

/// Longer than anybody waits, and short enough for every clock.
const FOREVER: Duration = Duration::from_hours(24);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_keeps_what_twice_its_last_lines_need() {
        let mut buffer = vec![0; 3 * USUAL_BATCH];
        clear(&mut buffer);
        assert!(buffer.is_empty() && buffer.capacity() >= 3 * USUAL_BATCH);
        buffer.resize(USUAL_BATCH, 0);
        clear(&mut buffer);
        assert_eq!(buffer.capacity(), 2 * USUAL_BATCH);
        assert!(is_large(&buffer));
        clear(&mut buffer);
        assert!(!is_large(&buffer));
    }

    #[test]
    fn both_parts_of_a_line_take_room() {
        let writer = LogWriter::with_capacity(io::sink(), 10).unwrap();
        assert!(!writer.push([b"12345", b"67890\n"], LogFormat::Json));
        assert!(writer.push([b"12345", b"6789\n"], LogFormat::Json));
    }

    #[test]
    fn a_thread_with_nothing_to_do_has_given_back_the_memory_of_a_burst() {
        let writer = LogWriter::new(io::sink()).unwrap();
        let line = vec![b'x'; 3 * USUAL_BATCH];
        for _ in 0..2 {
            assert!(writer.push([&line, b"\n"], LogFormat::Json));
            assert!(writer.flush(Duration::from_secs(30)));
        }
        let end = Instant::now() + Duration::from_secs(30);
        let queue = &writer.handle.queue;
        while !queue.lock().idle {
            assert!(Instant::now() < end);
            thread::yield_now();
        }
        assert!(!is_large(&queue.lock().waiting));
    }
}
