//! What the operating system says about the process.
#![cfg(target_os = "linux")]

use std::collections::HashMap;
use std::fs::File;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use tta_core::{Registry, SampleValue};
use tta_telemetry::process::observe_process;

#[test]
fn the_readings_are_those_of_this_process() {
    let registry = Registry::new();
    observe_process(&registry).unwrap();
    let first = readings(&registry);

    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs_f64();
    let age = now - first["process_start_time_seconds"];
    assert!((-1.5..3_600.0).contains(&age), "{age}");
    let resident = first["process_resident_memory_bytes"];
    assert!((1e6..1e11).contains(&resident), "{resident}");

    let files: Vec<File> = (0..50)
        .map(|_| File::open("/proc/self/stat").unwrap())
        .collect();
    let open = readings(&registry)["process_open_fds"];
    // Other tests of this process open files and sockets meanwhile.
    assert!(open >= 50.0, "{open} with {}", files.len());

    let began = Instant::now();
    let spent =
        || readings(&registry)["process_cpu_seconds_total"] - first["process_cpu_seconds_total"];
    while spent() < 0.05 {
        assert!(began.elapsed().as_secs() < 30, "no CPU time is measured");
    }
}

#[test]
fn a_registry_may_be_asked_twice() {
    let registry = Registry::new();
    observe_process(&registry).unwrap();
    observe_process(&registry).unwrap();
    assert_eq!(readings(&registry).len(), 4);
}

fn readings(registry: &Registry) -> HashMap<&'static str, f64> {
    let families = registry.gather();
    let value = |value: &SampleValue| match value {
        SampleValue::Counter(value, _) | SampleValue::Gauge(value) => *value,
        other => panic!("{other:?}"),
    };
    families
        .iter()
        .map(|family| {
            (
                family.spec.name,
                value(&family.samples.first().unwrap().value),
            )
        })
        .collect()
}
