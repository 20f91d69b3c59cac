//! Programs that are not ours and judge what we expose.
//!
//! ```no_run
//! use tta_testkit::judges::Promtool;
//! use tta_testkit::require;
//!
//! fn our_metrics_are_as_prometheus_wants_them() {
//!     let promtool = require!(Promtool::find());
//!     let text = "# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total 1\n";
//!     assert_eq!(promtool.check_metrics(text).unwrap(), "");
//! }
//! ```

mod otlp;

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread;

use serde_json::Value;

pub use self::otlp::OtlpProto;
use crate::servers::{Labels, StartError, program};

/// Prometheus's own checker.
#[derive(Debug, Clone)]
pub struct Promtool {
    program: PathBuf,
}

impl Promtool {
    /// Finds it where the servers are found, or where `TTA_PROMTOOL` says.
    ///
    /// # Errors
    ///
    /// [`StartError::Missing`] where it is not installed.
    pub fn find() -> Result<Self, StartError> {
        let program = program("promtool", "TTA_PROMTOOL").map_err(StartError::Missing)?;
        Ok(Self { program })
    }

    /// What `promtool check metrics` finds wrong with an exposition in the text format 0.0.4,
    /// warnings included; empty when it is content.
    ///
    /// # Errors
    ///
    /// When it cannot be run.
    pub fn check_metrics(&self, exposition: &str) -> io::Result<String> {
        let output = feed(
            Command::new(&self.program).args(["check", "metrics"]),
            exposition,
        )?;
        let complaints = [output.stdout, output.stderr].concat();
        let complaints = String::from_utf8_lossy(&complaints).trim().to_owned();
        if complaints.is_empty() && !output.status.success() {
            return Ok(output.status.to_string());
        }
        Ok(complaints)
    }
}

/// The `OpenMetrics` parser of Prometheus's Python client, the strictest there is.
#[derive(Debug, Clone)]
pub struct OpenMetricsParser {
    python: PathBuf,
}

/// One line of an exposition, as the Python parser understood it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct ParsedSample {
    /// The sample's name, with its suffix (`_total`, `_bucket`, …).
    pub name: String,
    /// Its labels, unescaped.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
    /// The labels of its exemplar, where it has one.
    pub exemplar: Option<Labels>,
}

impl OpenMetricsParser {
    /// Finds the Python environment that `cargo xtask setup` makes, or the interpreter that
    /// `TTA_PYTHON` names.
    ///
    /// # Errors
    ///
    /// [`StartError::Missing`] where there is no Python with the `prometheus_client` package.
    pub fn find() -> Result<Self, StartError> {
        let package = "prometheus_client (Python)";
        let python = python_with("prometheus_client.openmetrics.parser", package)?;
        Ok(Self { python })
    }

    /// Every sample of an exposition.
    ///
    /// # Errors
    ///
    /// With the parser's words when it refuses the text.
    pub fn parse(&self, exposition: &str) -> io::Result<Vec<ParsedSample>> {
        let output = feed(Command::new(&self.python).args(["-c", PARSE]), exposition)?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(io::Error::new(io::ErrorKind::InvalidData, words));
        }
        let samples: Value = serde_json::from_slice(&output.stdout)?;
        let samples = samples.as_array().into_iter().flatten();
        samples
            .map(|sample| read_sample(sample).ok_or(io::ErrorKind::InvalidData.into()))
            .collect()
    }
}

/// The Python of the environment that `cargo xtask setup` makes, or the interpreter that
/// `TTA_PYTHON` names, if it has this module; `package` is what is said to be missing otherwise.
///
/// # Errors
///
/// [`StartError::Missing`] where there is no Python with the module.
pub fn python_with(module: &str, package: &'static str) -> Result<PathBuf, StartError> {
    let python = program("python", "TTA_PYTHON").map_err(StartError::Missing)?;
    // `PATH` may give another Python than the environment's, without the package.
    let import = Command::new(&python)
        .args(["-c", &format!("import {module}")])
        .output()?;
    if !import.status.success() {
        let (program, variable) = (package, "TTA_PYTHON");
        return Err(StartError::Missing(crate::servers::ServiceMissing {
            program,
            variable,
        }));
    }
    Ok(python)
}

fn read_sample(sample: &Value) -> Option<ParsedSample> {
    let labels = |name: &str| -> Option<Labels> {
        let labels = sample.get(name)?.as_object()?.iter();
        labels
            .map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect()
    };
    Some(ParsedSample {
        name: sample.get("name")?.as_str()?.to_owned(),
        labels: labels("labels")?,
        value: sample.get("value")?.as_str()?.parse().ok()?,
        exemplar: labels("exemplar"),
    })
}

/// Runs a program with a text as its standard input.
fn feed(command: &mut Command, text: impl AsRef<[u8]> + Send) -> io::Result<Output> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let stdin = child.stdin.take();
    // On a thread of its own: who writes all before it reads can fill both pipes and hang.
    thread::scope(|scope| {
        scope.spawn(move || {
            // A program that stops reading says why in its output.
            let _ = stdin.map(|mut stdin| stdin.write_all(text.as_ref()));
        });
        child.wait_with_output()
    })
}

/// Values travel as text, since JSON has no NaN and no infinity.
const PARSE: &str = r#"
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
text = sys.stdin.buffer.read().decode("utf-8")
json.dump([
    {
        "name": sample.name,
        "labels": sample.labels,
        "value": repr(float(sample.value)),
        "exemplar": sample.exemplar.labels if sample.exemplar else None,
    }
    for family in text_string_to_metric_families(text)
    for sample in family.samples
], sys.stdout)
"#;

/// Python's JSON parser, on one object a line.
#[derive(Debug, Clone)]
pub struct JsonLines {
    python: PathBuf,
}

impl JsonLines {
    /// Finds a Python as [`OpenMetricsParser::find`] does; it needs no package.
    ///
    /// # Errors
    ///
    /// [`StartError::Missing`] where there is no Python.
    pub fn find() -> Result<Self, StartError> {
        let python = program("python", "TTA_PYTHON").or_else(|_| program("python3", "TTA_PYTHON"));
        let python = python.map_err(StartError::Missing)?;
        Ok(Self { python })
    }

    /// The object of every line, as Python understood it.
    ///
    /// # Errors
    ///
    /// With the number of the first line that is no object, or has a key twice.
    pub fn parse(&self, lines: &str) -> io::Result<Vec<Value>> {
        let read = self.read(lines, "json.dump(objects, sys.stdout)")?;
        match read {
            Value::Array(objects) => Ok(objects),
            _ => Err(io::ErrorKind::InvalidData.into()),
        }
    }

    /// How many lines are an object each, for more lines than one would compare.
    ///
    /// # Errors
    ///
    /// As [`parse`](Self::parse).
    pub fn count(&self, lines: &str) -> io::Result<u64> {
        let count = self.read(lines, "print(len(objects))")?.as_u64();
        count.ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    fn read(&self, lines: &str, answer: &str) -> io::Result<Value> {
        let script = format!("{PARSE_LINES}{answer}\n");
        let output = feed(Command::new(&self.python).args(["-c", &script]), lines)?;
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(io::Error::new(io::ErrorKind::InvalidData, words));
        }
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}

/// Lines end at the line feed alone, and a key twice is an error here.
const PARSE_LINES: &str = r#"
import json, sys

def once(pairs):
    keys = [key for key, _ in pairs]
    assert len(keys) == len(set(keys)), f"a key twice among {keys}"
    return dict(pairs)

objects = []
text = sys.stdin.buffer.read().decode("utf-8")
for number, line in enumerate(text.split("\n")[:-1], 1):
    try:
        value = json.loads(line, object_pairs_hook=once)
        assert isinstance(value, dict), "no object"
    except Exception as error:
        sys.exit(f"line {number}: {error}: {line[:200]!r}")
    objects.append(value)
assert text == "" or text.endswith("\n"), "the last line does not end"
"#;
