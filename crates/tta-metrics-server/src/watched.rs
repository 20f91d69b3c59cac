//! What is read from files, and read again when they change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};
use std::{fs, io};

use crate::ServerEvent;
use crate::event::Listener;

/// A value made of files. Whoever asks for it gets the latest that could be made.
pub(crate) struct Watched<T> {
    /// What it is, for those who are told.
    what: &'static str,
    files: Vec<PathBuf>,
    load: Box<Load<T>>,
    state: Mutex<State<T>>,
}

type Load<T> = dyn Fn() -> Result<T, String> + Send + Sync;

struct State<T> {
    value: Arc<T>,
    seen: Vec<Option<Stamp>>,
    checked: Instant,
    is_failing: bool,
}

/// By which a change of a file is noticed.
type Stamp = (SystemTime, u64);

impl<T> Watched<T> {
    pub(crate) fn new(
        what: &'static str,
        files: Vec<PathBuf>,
        load: impl Fn() -> Result<T, String> + Send + Sync + 'static,
    ) -> Result<Self, String> {
        // Before they are read, so that a change in between is noticed later.
        let seen = stamps(&files);
        let state = State {
            value: Arc::new(load()?),
            seen,
            checked: Instant::now(),
            is_failing: false,
        };
        Ok(Self {
            what,
            files,
            load: Box::new(load),
            state: Mutex::new(state),
        })
    }

    /// The value, of the files as they were a second ago at the earliest. While they make no
    /// value, which is so in the middle of a change of two that belong together, the former holds.
    pub(crate) fn current(&self, listener: &Listener) -> Arc<T> {
        let mut state = self.lock();
        let event = self.refresh(&mut state);
        let value = Arc::clone(&state.value);
        drop(state);
        if let Some(event) = event {
            listener.tell(&event);
        }
        value
    }

    fn refresh(&self, state: &mut State<T>) -> Option<ServerEvent> {
        if state.checked.elapsed() < CHECK_INTERVAL {
            return None;
        }
        state.checked = Instant::now();
        let seen = stamps(&self.files);
        if seen == state.seen && !state.is_failing {
            return None;
        }
        match (self.load)() {
            Ok(value) => {
                state.value = Arc::new(value);
                state.seen = seen;
                state.is_failing = false;
                Some(ServerEvent::Reloaded { what: self.what })
            }
            Err(message) => {
                let is_news = !std::mem::replace(&mut state.is_failing, true);
                let what = self.what;
                is_news.then_some(ServerEvent::ReloadFailed { what, message })
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The content of a small file. The message names the file and nothing of what is in it.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let content = fs::metadata(path).and_then(|metadata| {
        if metadata.len() > LARGEST_FILE {
            return Err(io::Error::other("it is larger than 1 MiB"));
        }
        fs::read(path)
    });
    content.map_err(|why| format!("{} cannot be read: {why}", path.display()))
}

fn stamps(files: &[PathBuf]) -> Vec<Option<Stamp>> {
    let stamp = |file: &PathBuf| {
        let metadata = fs::metadata(file).ok()?;
        Some((metadata.modified().ok()?, metadata.len()))
    };
    files.iter().map(stamp).collect()
}

/// A change is seen this much later at most, and asking costs nothing in between.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);
const LARGEST_FILE: u64 = 1 << 20;
