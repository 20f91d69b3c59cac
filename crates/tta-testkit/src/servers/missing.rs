//! Where a server's program is, and what a test does when it is nowhere.

use std::env;
use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A server's program that this machine does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServiceMissing {
    /// The program that was looked for.
    pub program: &'static str,
    /// The environment variable that can say where it is.
    pub variable: &'static str,
}

impl fmt::Display for ServiceMissing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { program, variable } = self;
        write!(
            f,
            "no {program} on this machine; run `cargo xtask setup`, or set {variable}"
        )
    }
}

impl Error for ServiceMissing {}

/// Why a server did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// It is not installed: a test may be skipped.
    Missing(ServiceMissing),
    /// It is there and does not work: a test must fail.
    Failed(String),
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(missing) => missing.fmt(f),
            Self::Failed(why) => f.write_str(why),
        }
    }
}

impl Error for StartError {}

impl From<io::Error> for StartError {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

/// The started server, or a return from the test that lacks it. See [`found`] for the rules.
///
/// # Examples
///
/// ```
/// use tta_testkit::require;
/// use tta_testkit::servers::RedisServer;
///
/// fn a_value_survives() {
///     let redis = require!(RedisServer::start());
///     redis.command(&["PING"]).unwrap();
/// }
/// # a_value_survives();
/// ```
#[macro_export]
macro_rules! require {
    ($started:expr) => {
        match $crate::servers::found($started) {
            Some(server) => server,
            None => return,
        }
    };
}

/// The started server; `None`, after a line `SKIPPED: why`, when it is not installed.
///
/// # Panics
///
/// When the server is installed and did not start, and when it is missing although
/// `TTA_REQUIRE_SERVICES=1` says that this run must not skip anything.
pub fn found<T>(started: Result<T, StartError>) -> Option<T> {
    match started {
        Ok(server) => Some(server),
        Err(StartError::Failed(why)) => panic!("{why}"),
        Err(StartError::Missing(missing)) => {
            let required = env::var(REQUIRED).is_ok_and(|value| value == "1");
            assert!(!required, "{missing} ({REQUIRED}=1)");
            // Not through `println!`, whose output the test harness hides when a test passes.
            let _ = writeln!(io::stdout(), "SKIPPED: {missing}");
            None
        }
    }
}

/// Finds a server's program: `variable`, then the Python environment, then `PATH`.
pub(crate) fn program(
    program: &'static str,
    variable: &'static str,
) -> Result<PathBuf, ServiceMissing> {
    let told = env::var_os(variable)
        .filter(|path| !path.is_empty())
        .map(PathBuf::from);
    if let Some(told) = told {
        return if told.is_file() {
            Ok(told)
        } else {
            Err(ServiceMissing { program, variable })
        };
    }
    let path = env::var_os("PATH").unwrap_or_default();
    std::iter::once(python_environment().join("bin"))
        .chain(env::split_paths(&path))
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
        .ok_or(ServiceMissing { program, variable })
}

/// By the same rule as `cargo xtask setup`, which makes it.
fn python_environment() -> PathBuf {
    let root = workspace_root();
    match env::var_os("TTA_VENV") {
        Some(venv) if !venv.is_empty() => root.join(venv),
        _ => root.join("target").join("tta-venv"),
    }
}

/// The folder of `Cargo.lock` above the crate under test.
///
/// Asked at run time: a test kept in a shared build cache may serve another clone than the one
/// it was compiled in.
fn workspace_root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package
        .ancestors()
        .find(|folder| folder.join("Cargo.lock").is_file())
        .map_or_else(|| package.clone(), Path::to_owned)
}

const REQUIRED: &str = "TTA_REQUIRE_SERVICES";
