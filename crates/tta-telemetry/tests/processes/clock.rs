//! Processes whose wall clock jumps while they work.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use tta_core::{SampleValue, WorkflowContext, registry, step};
use tta_testkit::faults::report;
use tta_testkit::otlp::OtlpReceiver;

use super::child::{ENDPOINT, Running, say, scenario, told};
use super::ending::config;
use super::support::block_on;

const FILE: &str = "FAKETIME_TIMESTAMP_FILE";
const DAY: Duration = Duration::from_hours(24);

/// Sets the offset of the wall clock.
fn jump(offset: &str) {
    let file = told(FILE);
    let next = format!("{file}.next");
    std::fs::write(&next, format!("{offset}\n")).unwrap();
    std::fs::rename(next, file).unwrap();
}

pub(crate) fn sees_it_jump() {
    let guard = config().with_batch_delay(Duration::from_millis(50)).init();
    let mut jumped = Duration::ZERO;
    for (there, name) in [("+1d", "forth"), ("-1d", "back")] {
        let before = SystemTime::now();
        let flow = step("waits_while_it_jumps", async |offset: &'static str| {
            tokio::time::sleep(Duration::from_millis(60)).await;
            jump(offset);
            tokio::time::sleep(Duration::from_millis(60)).await;
            Ok(())
        });
        let began = Instant::now();
        block_on(async { flow.execute(there, &WorkflowContext::new()).await.unwrap() });
        say(name, began.elapsed().as_nanos());
        let after = SystemTime::now();
        jumped += after
            .duration_since(before)
            .unwrap_or_else(|error| error.duration());
    }
    say("jumped", jumped.as_secs());
    let families = registry().gather();
    let histograms = families
        .iter()
        .filter(|family| family.spec.name == "primitive_execution_duration_seconds")
        .flat_map(|family| &family.samples);
    let sum: f64 = histograms
        .map(|sample| match &sample.value {
            SampleValue::Histogram { sum, .. } => *sum,
            _ => 0.0,
        })
        .sum();
    say("sum", sum);
    let began = Instant::now();
    let report = guard.shutdown();
    say("shutdown", began.elapsed().as_millis());
    say("delivered", report.ledger.traces.delivered);
}

/// Where Debian's `faketime` has the library that a process is started with.
fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?;
    let all = folders.filter_map(|it| Some(it.ok()?.path().join("faketime/libfaketimeMT.so.1")));
    all.into_iter().find(|path| path.is_file())
}

#[test]
fn fault_27_durations_are_real_while_the_wall_clock_jumps_by_a_day_and_back() {
    let Some(library) = library() else {
        let required = std::env::var("TTA_REQUIRE_SERVICES").is_ok_and(|it| it == "1");
        assert!(!required, "`faketime` is not installed; cargo xtask setup");
        println!("SKIPPED: `faketime` is not installed; cargo xtask setup");
        return;
    };
    let receiver = OtlpReceiver::start().unwrap();
    let file = std::env::temp_dir().join(format!("tta-clock-{}", std::process::id()));
    std::fs::write(&file, "+0d\n").unwrap();
    let said = run(&library, &file, &receiver);
    let _ = std::fs::remove_file(&file);
    let number = |name: &str| -> f64 { said.get(name).unwrap().parse().unwrap() };
    assert!(number("jumped") > 2.9 * DAY.as_secs_f64(), "{said:?}");

    let real = [number("forth"), number("back")];
    let all = receiver.spans();
    let mut spans: Vec<_> = all.iter().map(|span| &span.span).collect();
    spans.sort_by(|one, other| one.name.cmp(&other.name));
    assert_eq!(spans.len(), 4);
    let mut beyond = f64::MIN;
    for span in &spans {
        assert!(span.end_time_unix_nano >= span.start_time_unix_nano);
        let took = (span.end_time_unix_nano - span.start_time_unix_nano) as f64;
        let nearest = real.iter().map(|real| took / real - 1.0);
        beyond =
            beyond.max(nearest.fold(
                f64::MAX,
                |one, other| {
                    if one.abs() < other.abs() { one } else { other }
                },
            ));
        assert!(took >= 120e6, "{took}");
    }
    let sum = number("sum") * 1e9 / (real[0] + real[1]) - 1.0;
    let measured = format!(
        "4 spans at most {:+.2} % of the real time, the histogram {:+.2} %",
        beyond * 100.0,
        sum * 100.0
    );
    report(
        27,
        "durations, the wall clock a day ahead and then two back",
        "none negative, none beyond the real one + 1 %",
        measured,
        beyond <= 0.01 && sum <= 0.01 && sum > -0.5,
    );
    assert!(number("shutdown") < 2_100.0, "{said:?}");
}

fn run(
    library: &Path,
    file: &Path,
    receiver: &OtlpReceiver,
) -> std::collections::HashMap<String, String> {
    let mut command = scenario("sees_the_clock_jump", &[]);
    command
        .env(ENDPOINT, receiver.http_endpoint())
        .env("LD_PRELOAD", library)
        .env(FILE, file)
        .env("FAKETIME_NO_CACHE", "1")
        .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    let (said, status) = Running::start(command).end();
    assert!(status.success(), "{status} {said:?}");
    assert_eq!(said.get("delivered").map(String::as_str), Some("4"));
    said
}
