//! Lines are those of the latest initialisation, and of what a handle changed since.

use tta_core::Level;
use tta_telemetry::{LogFormat, ObservabilityConfig, Origin, State};

use crate::child::{child, leave, reported};

#[test]
fn format_and_filter_are_those_of_the_latest_initialisation_and_a_handle_changes_them() {
    let output = child("reinit").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    assert_eq!(reported("reinit"), "done");
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("spoken"))
        .collect();
    assert_eq!(lines.len(), 5, "{text}");
    let [first, second, third, fourth, fifth] = lines[..] else {
        unreachable!()
    };
    assert!(
        first.contains("error") && first.contains("two service=one"),
        "{first}"
    );
    assert!(!first.starts_with('{'), "{first}");
    for (line, wanted) in [(second, "three"), (third, "four")] {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(
            (&line["n"], &line["service"]),
            (&wanted.into(), &"two".into())
        );
    }
    assert!(
        fourth.contains("five") && !fourth.starts_with('{'),
        "{fourth}"
    );
    assert!(fifth.contains("six") && fifth.starts_with('{'), "{fifth}");
    // Steps of workflows that begin after the change are lines too.
    assert!(text.contains("primitive_execution_complete"), "{text}");
}

/// In the child.
pub(crate) fn run() {
    let config = |name| ObservabilityConfig::new(name).with_prometheus(false);
    let none = config("none").with_logs(false).init();
    assert!(none.log_handle().is_none());
    speak(Level::Error, "one");
    drop(none);

    let one = config("one")
        .with_log_level(Level::Error)
        .with_log_format(LogFormat::Text)
        .init();
    assert_eq!(one.status().part("logs").unwrap().state, State::Healthy);
    speak(Level::Error, "two");
    speak(Level::Info, "not");
    drop(one);

    let two = config("two")
        .with_log_level(Level::Info)
        .with_log_format(LogFormat::Json)
        .init();
    speak(Level::Info, "three");
    speak(Level::Debug, "not");
    let lines = two.log_handle().unwrap();
    let level = |guard: &tta_telemetry::ObservabilityGuard| {
        let status = guard.status();
        let setting = status.setting("LOG_LEVEL").unwrap().clone();
        (setting.value, setting.origin)
    };
    assert_eq!(level(&two), ("info".to_owned(), Origin::Code));
    lines.set_level(Level::Debug);
    assert_eq!(level(&two), ("debug".to_owned(), Origin::Handle));
    speak(Level::Debug, "four");
    crate::support::run_workflow().unwrap();
    lines.set_format(LogFormat::Text);
    speak(Level::Debug, "five");
    drop(two);

    // An initialisation begins with its own settings, not with what a handle left.
    let off = ObservabilityConfig::from_env_with("off", |name| {
        (name == "LOG_LEVEL").then(|| "off".to_owned())
    })
    .with_prometheus(false)
    .with_log_format(LogFormat::Json)
    .init();
    assert_eq!(off.status().part("logs").unwrap().state, State::Disabled);
    speak(Level::Error, "not");
    off.log_handle().unwrap().set_level(Level::Warn);
    speak(Level::Error, "six");
    drop(off);
    leave("done");
}

fn speak(level: Level, n: &str) {
    match level {
        Level::Error => tracing::error!(n, "spoken"),
        Level::Info => tracing::info!(n, "spoken"),
        _ => tracing::debug!(n, "spoken"),
    }
}
