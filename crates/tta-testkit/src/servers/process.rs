//! A child process that cannot outlive the test, whatever ends the test.
//!
//! Dropping kills it. For a test process that is killed itself, and drops nothing, a shell waits
//! at the end of a pipe that only the test holds open: when the pipe closes, it kills the
//! server's process group.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use super::missing::StartError;
use crate::network::free_port;

/// A server's process, its folder, and its output in a file there.
#[derive(Debug)]
pub(super) struct Process {
    program: PathBuf,
    args: Vec<OsString>,
    folder: TempDir,
    running: Mutex<Option<Running>>,
}

#[derive(Debug)]
struct Running {
    server: Child,
    watchdog: Child,
}

impl Process {
    /// Starts `program` with the arguments that `args` makes of `N` free ports and an empty
    /// folder, and waits until `ready` of the ports succeeds.
    ///
    /// Between finding a port free and the server taking it another process may; a server which
    /// ends before it is ready is therefore tried again with other ports.
    pub(super) fn launch<const N: usize>(
        program: &Path,
        args: impl Fn([u16; N], &Path) -> io::Result<Vec<OsString>>,
        ready: impl Fn([u16; N]) -> io::Result<()>,
    ) -> Result<(Self, [u16; N]), StartError> {
        let mut tries = 0;
        loop {
            let mut ports = [0; N];
            for port in &mut ports {
                *port = free_port()?;
            }
            let folder = TempDir::new()?;
            let args = args(ports, folder.path())?;
            let running = Mutex::new(None);
            let process = Self {
                program: program.to_owned(),
                args,
                folder,
                running,
            };
            process.start()?;
            tries += 1;
            match process.wait_until_ready(|| ready(ports)) {
                Ok(()) => return Ok((process, ports)),
                Err(_) if tries < TRIES && process.has_ended() => {}
                Err(why) => return Err(StartError::Failed(why.to_string())),
            }
        }
    }

    /// Starts it again with the same arguments, and so on the same ports.
    pub(super) fn restart(&self, ready: impl Fn() -> io::Result<()>) -> io::Result<()> {
        self.stop();
        self.start()?;
        self.wait_until_ready(ready)
    }

    /// Asks the server to end, and makes it end when it has not after five seconds.
    pub(super) fn stop(&self) {
        if let Some(running) = self.lock().take() {
            running.end(Signal::TERM);
        }
    }

    /// Ends the server at once, however it feels about it.
    pub(super) fn kill(&self) {
        if let Some(running) = self.lock().take() {
            running.end(Signal::KILL);
        }
    }

    pub(super) fn pause(&self) {
        self.signal(Signal::STOP);
    }

    pub(super) fn resume(&self) {
        self.signal(Signal::CONT);
    }

    /// All it has written to standard output and standard error, over all restarts.
    pub(super) fn output(&self) -> String {
        let bytes = fs::read(self.output_file()).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub(super) fn id(&self) -> Option<u32> {
        self.lock().as_ref().map(|running| running.server.id())
    }

    fn start(&self) -> io::Result<()> {
        let output = File::options()
            .create(true)
            .append(true)
            .open(self.output_file())?;
        let server = Command::new(&self.program)
            .args(&self.args)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            // Its own group, so that one signal reaches what it may start itself.
            .process_group(0)
            .spawn()?;
        let mut server = Unwatched(Some(server));
        let watchdog = server.watch()?;
        if let Some(server) = server.0.take() {
            *self.lock() = Some(Running { server, watchdog });
        }
        Ok(())
    }

    fn wait_until_ready(&self, ready: impl Fn() -> io::Result<()>) -> io::Result<()> {
        let deadline = Instant::now() + READY_DEADLINE;
        loop {
            let ended = self.has_ended();
            let why = match ready() {
                Ok(()) if !ended => return Ok(()),
                Ok(()) => "somebody else answers on its port".to_owned(),
                Err(error) => error.to_string(),
            };
            if ended || Instant::now() > deadline {
                let state = if ended {
                    "ended"
                } else {
                    "was not ready in time"
                };
                let (program, output) = (self.program.display(), self.output());
                let text =
                    format!("failed to start {program}: it {state} ({why}); it wrote:\n{output}");
                return Err(io::Error::other(text));
            }
            // No event tells from outside that another process listens.
            std::thread::sleep(POLL);
        }
    }

    fn has_ended(&self) -> bool {
        match self.lock().as_mut() {
            Some(running) => !matches!(running.server.try_wait(), Ok(None)),
            None => true,
        }
    }

    fn signal(&self, signal: Signal) {
        if let Some(running) = self.lock().as_ref() {
            signal_group(&running.server, signal);
        }
    }

    fn output_file(&self) -> PathBuf {
        self.folder.path().join("output.log")
    }

    fn lock(&self) -> MutexGuard<'_, Option<Running>> {
        // A test that panicked while it held the lock must still kill its server.
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Running {
    fn end(mut self, signal: Signal) {
        // First the watchdog: once the server is reaped its group's number may be another's.
        let _ = self.watchdog.kill();
        let _ = self.watchdog.wait();
        if matches!(self.server.try_wait(), Ok(None)) {
            signal_group(&self.server, signal);
            // A stopped process sees no other signal before it goes on.
            signal_group(&self.server, Signal::CONT);
            let deadline = Instant::now() + STOP_DEADLINE;
            while matches!(self.server.try_wait(), Ok(None)) && Instant::now() < deadline {
                std::thread::sleep(POLL);
            }
            if matches!(self.server.try_wait(), Ok(None)) {
                signal_group(&self.server, Signal::KILL);
            }
        }
        let _ = self.server.wait();
    }
}

/// A server between its start and that of its watchdog: killed if the latter cannot start.
struct Unwatched(Option<Child>);

impl Unwatched {
    fn watch(&self) -> io::Result<Child> {
        let group = self.0.as_ref().map(Child::id).unwrap_or_default();
        Command::new("sh")
            .args(["-c", "read -r _; kill -s KILL -- \"-$1\"", "watchdog", &group.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // An interrupt typed at the terminal must end the test, and not who watches it.
            .process_group(0)
            .spawn()
    }
}

impl Drop for Unwatched {
    fn drop(&mut self) {
        if let Some(mut server) = self.0.take() {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

fn signal_group(leader: &Child, signal: Signal) {
    let group = i32::try_from(leader.id()).ok().and_then(Pid::from_raw);
    if let Some(group) = group {
        // It may have ended by itself meanwhile, which is what was wanted.
        let _ = kill_process_group(group, signal);
    }
}

const TRIES: usize = 3;
/// Generous: a busy machine of two cores is slow, and a broken server ends by itself.
const READY_DEADLINE: Duration = Duration::from_secs(30);
const STOP_DEADLINE: Duration = Duration::from_secs(5);
const POLL: Duration = Duration::from_millis(10);
