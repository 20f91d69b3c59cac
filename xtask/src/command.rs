//! One child process, heard or quiet, with its exit code kept.
//!
//! ```text
//! Run::cargo(&workspace, ["fmt", "--check"]).heard()
//! ```

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::workspace::Workspace;

/// What a command of ours answers.
pub(crate) type Result<T = ()> = std::result::Result<T, Failure>;

/// Why a step did not succeed, and the exit code to leave with.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            code: 1,
        }
    }

    /// Leaves with this exit code.
    #[cfg(test)]
    pub(crate) fn with_code(self, code: u8) -> Self {
        Self { code, ..self }
    }

    /// The same exit code under another message.
    pub(crate) fn renamed(self, message: String) -> Self {
        Self { message, ..self }
    }

    pub(crate) fn code(&self) -> u8 {
        self.code
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// A command line about to run in the workspace's root.
#[derive(Debug)]
pub(crate) struct Run {
    command: Command,
    line: String,
}

impl Run {
    /// The cargo that runs us, so that one toolchain serves the whole command.
    pub(crate) fn cargo<A: AsRef<OsStr>>(
        workspace: &Workspace,
        args: impl IntoIterator<Item = A>,
    ) -> Self {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let mut run = Self::program(workspace.root(), cargo, args).shown_as("cargo");
        // Cargo sets these for us as a package; a build script that watches them would otherwise
        // be run again each time a user changes between `cargo` and `cargo xtask`.
        for (name, _) in std::env::vars_os() {
            let name_text = name.to_string_lossy();
            if name_text.starts_with("CARGO_PKG_") || name_text.starts_with("CARGO_MANIFEST_") {
                run.command.env_remove(&name);
            }
        }
        run
    }

    pub(crate) fn program<A: AsRef<OsStr>>(
        directory: &Path,
        program: impl AsRef<OsStr>,
        args: impl IntoIterator<Item = A>,
    ) -> Self {
        let mut command = Command::new(program.as_ref());
        command.current_dir(directory);
        let mut line = program.as_ref().to_string_lossy().into_owned();
        for arg in args {
            line.push(' ');
            line.push_str(&arg.as_ref().to_string_lossy());
            command.arg(arg);
        }
        Self { command, line }
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Runs in another directory than the workspace's root.
    pub(crate) fn within(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Runs with our own output streams.
    pub(crate) fn heard(mut self) -> Result {
        let status = self
            .command
            .status()
            .map_err(|error| self.did_not_start(&error))?;
        self.judge(status)
    }

    /// Runs with both streams in `log`, whose end is part of the failure.
    pub(crate) fn quiet(mut self, log: &Path) -> Result {
        let file = log
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::File::create(log))
            .and_then(|file| Ok((file.try_clone()?, file)));
        let (out, err) =
            file.map_err(|error| Failure::new(format!("cannot write {}: {error}", log.display())))?;
        self.command.stdin(Stdio::null()).stdout(out).stderr(err);
        let status = self
            .command
            .status()
            .map_err(|error| self.did_not_start(&error))?;
        self.judge(status).map_err(|failure| Failure {
            message: format!(
                "{failure}\n{}\n(whole output: {})",
                tail(log),
                log.display()
            ),
            ..failure
        })
    }

    /// Runs and answers the standard output; standard error is ours.
    pub(crate) fn captured(mut self) -> Result<String> {
        self.command.stderr(Stdio::inherit());
        let output = self
            .command
            .output()
            .map_err(|error| self.did_not_start(&error))?;
        self.judge(output.status)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs and hands each line of standard output to `line`, standard error being ours.
    pub(crate) fn by_line(mut self, mut line: impl FnMut(&[u8])) -> Result {
        use std::io::{BufRead, BufReader};

        self.command.stdout(Stdio::piped());
        let mut child = self
            .command
            .spawn()
            .map_err(|error| self.did_not_start(&error))?;
        if let Some(stdout) = child.stdout.take() {
            let mut reader = BufReader::new(stdout);
            let mut buffer = Vec::new();
            while reader.read_until(b'\n', &mut buffer).unwrap_or(0) > 0 {
                line(&buffer);
                buffer.clear();
            }
        }
        let status = child.wait().map_err(|error| self.did_not_start(&error))?;
        self.judge(status)
    }

    fn shown_as(mut self, program: &str) -> Self {
        let args = self.line.split_once(' ').map_or("", |(_, args)| args);
        self.line = format!("{program} {args}");
        self
    }

    fn judge(&self, status: ExitStatus) -> Result {
        if status.success() {
            return Ok(());
        }
        let code = status
            .code()
            .and_then(|code| u8::try_from(code).ok())
            .unwrap_or(1)
            .max(1);
        Err(Failure {
            message: format!("`{}` ended with {status}", self.line),
            code,
        })
    }

    fn did_not_start(&self, error: &io::Error) -> Failure {
        Failure::new(format!("`{}` did not run: {error}", self.line))
    }
}

/// Finds a program in `PATH`.
pub(crate) fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(TAIL_LINES);
    lines.get(from..).unwrap_or_default().join("\n")
}

/// Enough for a compiler error with its notes.
const TAIL_LINES: usize = 60;
