//! The environment.

use std::collections::HashMap;

use tta_telemetry::{ObservabilityConfig, SETTINGS};

/// Any text in any variable is taken or ignored; each setting is shown once, in one line, and no
/// header's value is shown at all.
///
/// A line is a variable: a byte that chooses it, then its value.
pub fn settings(data: &[u8]) {
    let variables: Vec<&str> = SETTINGS
        .iter()
        .flat_map(|setting| setting.variables.iter().copied())
        .collect();
    let mut environment = HashMap::new();
    for line in data.split(|byte| *byte == b'\n') {
        let Some((choice, value)) = line.split_first() else {
            continue;
        };
        let variable = variables.get(usize::from(*choice) % variables.len().max(1));
        let value = String::from_utf8_lossy(value).into_owned();
        environment.extend(variable.map(|name| (*name, value)));
    }
    // It is a secret as long as it stands there alone.
    let is_secret = !environment.values().any(|value| value.contains(CANARY));
    environment.insert("OTEL_EXPORTER_OTLP_HEADERS", format!("x-key={CANARY}"));
    let config = ObservabilityConfig::from_env_with("fuzz", |name| environment.get(name).cloned());
    let shown = config.settings();
    let mut names: Vec<_> = shown.iter().map(|setting| setting.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), shown.len(), "a setting is shown twice");
    for setting in &shown {
        assert!(
            !(is_secret && setting.value.contains(CANARY)),
            "{setting:?}"
        );
        assert!(!setting.value.contains(char::is_control), "{setting:?}");
    }
}

const CANARY: &str = "canary-7f3a";
