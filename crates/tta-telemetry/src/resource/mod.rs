//! What can be found out about the process, and on what it runs: the attributes of the resource.
//!
//! Everything is read from the process itself and from small local files. Nothing is asked of a
//! network, so nothing here can keep an initialisation waiting; what cannot be read is left out.

mod container;
mod host;
mod process;

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

/// Attributes of a process, in the order in which they were found.
pub(crate) type Attributes = Vec<(String, String)>;

/// What the process and its machine say about themselves.
pub(crate) fn detect() -> Attributes {
    let mut found = Found(Vec::new());
    process::detect(&mut found);
    let container = container::id();
    let is_in_container = container.is_some()
        || IN_CONTAINER
            .into_iter()
            .any(|file| Path::new(file).exists())
        || std::env::var_os("KUBERNETES_SERVICE_HOST").is_some();
    host::detect(&mut found, is_in_container);
    found.add("container.id", container);
    found.add("telemetry.sdk.name", Some("tta".to_owned()));
    found.add("telemetry.sdk.language", Some("rust".to_owned()));
    let version = env!("CARGO_PKG_VERSION").to_owned();
    found.add("telemetry.sdk.version", Some(version));
    found.0
}

/// What `target_info` shows: what was stated, and of what was found what identifies the process.
/// The rest tells a reader of metrics nothing, and would lengthen every join.
pub(crate) fn identifying(resource: &[(String, String)], found: &[(String, String)]) -> Attributes {
    let shown = resource.iter().filter(|attribute| {
        let is_found = found.contains(attribute);
        !is_found || IDENTIFYING.contains(&attribute.0.as_str())
    });
    shown
        .take(MOST_LABELS)
        .map(|(key, value)| {
            let end = value.floor_char_boundary(MOST_LABEL_BYTES);
            let value = value.get(..end).unwrap_or_default();
            (key.clone(), value.to_owned())
        })
        .collect()
}

/// The namespace of the pod, where the service account's files are mounted.
pub(crate) fn service_account_namespace() -> Option<String> {
    let text = read("/var/run/secrets/kubernetes.io/serviceaccount/namespace")?;
    Some(text.trim().to_owned()).filter(|namespace| !namespace.is_empty())
}

/// Attributes as they are found.
struct Found(Attributes);

impl Found {
    fn add(&mut self, key: &str, value: Option<String>) {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            self.0.push((key.to_owned(), value));
        }
    }
}

/// The beginning of a small file; nothing of what is no file, such as a pipe that nobody writes to.
fn read(path: impl AsRef<Path>) -> Option<String> {
    let path = path.as_ref();
    if !fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut bytes = Vec::new();
    let file = File::open(path).ok()?;
    file.take(MOST_BYTES).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// What tells one process from another, or where it runs, in the words of whoever looks for it.
const IDENTIFYING: [&str; 12] = [
    "container.id",
    "host.arch",
    "host.id",
    "host.name",
    "os.type",
    "process.runtime.name",
    "process.runtime.version",
    "service.instance.id",
    "service.name",
    "telemetry.sdk.language",
    "telemetry.sdk.name",
    "telemetry.sdk.version",
];

/// What Docker and Podman leave in their containers.
const IN_CONTAINER: [&str; 2] = ["/.dockerenv", "/run/.containerenv"];

/// A mount table of a machine with many containers may be long; the lines about this one come first.
const MOST_BYTES: u64 = 256 << 10;
const MOST_LABELS: usize = 64;
const MOST_LABEL_BYTES: usize = 256;
