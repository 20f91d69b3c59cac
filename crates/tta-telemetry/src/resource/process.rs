//! The program, and this run of it.

use std::sync::OnceLock;

use tta_core::TraceId;

use super::Found;

pub(super) fn detect(found: &mut Found) {
    found.add("service.instance.id", Some(instance_id().to_owned()));
    found.add("process.pid", Some(std::process::id().to_string()));
    let path = std::env::current_exe().ok();
    let name = path.as_deref().and_then(|path| path.file_name());
    let text = |text: &std::ffi::OsStr| text.to_string_lossy().into_owned();
    found.add("process.executable.name", name.map(text));
    let path = path.as_deref().map(|path| text(path.as_os_str()));
    found.add("process.executable.path", path);
    // How it was called, without the arguments: those may be secret.
    let command = std::env::args_os().next();
    found.add("process.command", command.as_deref().map(text));
    found.add("process.runtime.name", Some("rustc".to_owned()));
    let version = env!("TTA_RUSTC_VERSION").to_owned();
    found.add("process.runtime.version", Some(version));
}

/// A random UUID, the same for as long as the process lives.
fn instance_id() -> &'static str {
    static ID: OnceLock<String> = OnceLock::new();
    ID.get_or_init(|| {
        let bits = TraceId::random().to_u128();
        // Version 4 of the first variant, as RFC 9562 has them.
        let bits = bits & !(0xf << 76) | (4 << 76);
        let bits = bits & !(0b11 << 62) | (0b10 << 62);
        let hex = format!("{bits:032x}");
        let groups = [0..8, 8..12, 12..16, 16..20, 20..32];
        let groups = groups.map(|group| hex.get(group).unwrap_or_default());
        groups.join("-")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instance_has_one_random_uuid() {
        let id = instance_id();
        assert_eq!(id, instance_id());
        let lengths: Vec<_> = id.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        let digit = |at: usize| id.chars().nth(at).unwrap();
        assert_eq!(digit(14), '4');
        assert!("89ab".contains(digit(19)), "{id}");
    }
}
