//! The machine, and its operating system.

use super::{Found, read};

pub(super) fn detect(found: &mut Found, is_in_container: bool) {
    found.add("host.name", host_name());
    found.add("host.arch", Some(arch(std::env::consts::ARCH).to_owned()));
    // In a container the file is the image's, and many machines would have one id.
    if !is_in_container {
        found.add("host.id", machine_id());
    }
    found.add("os.type", Some(os(std::env::consts::OS).to_owned()));
    let release = read("/etc/os-release").or_else(|| read("/usr/lib/os-release"));
    let field = |name| {
        release
            .as_deref()
            .and_then(|text| release_field(text, name))
    };
    found.add("os.name", field("NAME"));
    found.add("os.version", field("VERSION_ID"));
    found.add("os.description", field("PRETTY_NAME"));
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems may not say")]
fn host_name() -> Option<String> {
    let name = rustix::system::uname();
    Some(name.nodename().to_string_lossy().into_owned())
}

#[cfg(not(unix))]
fn host_name() -> Option<String> {
    std::env::var("COMPUTERNAME").ok()
}

fn machine_id() -> Option<String> {
    let files = ["/etc/machine-id", "/var/lib/dbus/machine-id", "/etc/hostid"];
    let ids = files.into_iter().filter_map(read);
    let mut ids = ids.map(|text| text.trim().to_owned());
    // systemd writes a word there before the first start of a machine.
    ids.find(|id| !id.is_empty() && id != "uninitialized")
}

/// As OpenTelemetry spells architectures.
fn arch(rust: &'static str) -> &'static str {
    match rust {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        other => other,
    }
}

/// As OpenTelemetry spells operating systems.
fn os(rust: &'static str) -> &'static str {
    match rust {
        "macos" => "darwin",
        "dragonfly" => "dragonflybsd",
        other => other,
    }
}

/// A field of `os-release(5)`, without its quotes.
fn release_field(text: &str, name: &str) -> Option<String> {
    let mut values = text.lines().rev().filter_map(|line| {
        let (key, value) = line.trim().split_once('=')?;
        (key == name).then_some(value)
    });
    // The latest of several holds.
    let value = values.next()?;
    let quoted = |quote| value.strip_prefix(quote)?.strip_suffix(quote);
    Some(
        quoted('"')
            .or_else(|| quoted('\''))
            .unwrap_or(value)
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_read_with_quotes_and_without() {
        let text = "# a comment\nNAME=\"Debian GNU/Linux\"\nVERSION_ID='13'\nID=debian\nEMPTY=\n";
        let field = |name| release_field(text, name);
        assert_eq!(field("NAME").as_deref(), Some("Debian GNU/Linux"));
        assert_eq!(field("VERSION_ID").as_deref(), Some("13"));
        assert_eq!(field("ID").as_deref(), Some("debian"));
        assert_eq!(field("EMPTY").as_deref(), Some(""));
        assert_eq!(field("VERSION"), None);
    }

    #[test]
    fn machines_are_named_as_opentelemetry_names_them() {
        assert_eq!((arch("x86_64"), arch("riscv64")), ("amd64", "riscv64"));
        assert_eq!((os("macos"), os("linux")), ("darwin", "linux"));
    }
}
