//! Level, filter and format while the program runs.

use std::sync::mpsc::channel;
use std::time::Duration;

use tracing_subscriber::layer::SubscriberExt;
use tta_core::Level;
use tta_telemetry::LogFormat;
use tta_telemetry::logs::{LogHandle, LogOptions, LogWriter, log_layer_with_handle};

use crate::captured::Destination;

/// Runs code under a subscriber whose lines can be changed, and returns them.
fn lines_of(filter: &str, run: impl FnOnce(&LogHandle)) -> String {
    let to = Destination::default();
    let writer = LogWriter::new(to.clone()).unwrap();
    let (layer, handle) = log_layer_with_handle(LogOptions {
        service: "shop".to_owned(),
        filter: filter.parse().unwrap(),
        format: LogFormat::Json,
        writer: writer.clone(),
    });
    let subscriber = tracing_subscriber::registry().with(layer);
    tracing::subscriber::with_default(subscriber, || run(&handle));
    assert!(writer.flush(Duration::from_secs(30)));
    to.text()
}

/// One place in the program, of which `tracing` remembers whether it is wanted.
fn speak(at: &str) {
    tracing::debug!(target: "orders", at);
    tracing::debug!(target: "hyper", at);
}

#[test]
fn a_level_holds_from_the_next_event_on_and_leaves_the_directives() {
    let lines = lines_of("info,hyper=warn", |handle| {
        speak("before");
        handle.set_level(Level::Debug);
        speak("debugging");
        handle.set_level(Level::Warn);
        speak("after");
        assert_eq!(handle.filter().to_string(), "hyper=warn,warn");
    });
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(
        lines.contains("\"target\":\"orders\"") && lines.contains("debugging"),
        "{lines}"
    );
}

#[test]
fn a_filter_replaces_the_whole_and_reaches_other_threads() {
    let lines = lines_of("error", |handle| {
        let (tell, told) = channel();
        let (done, finished) = channel();
        let dispatch = tracing::dispatcher::get_default(Clone::clone);
        let other = std::thread::spawn(move || {
            tracing::dispatcher::with_default(&dispatch, || {
                for at in told {
                    speak(at);
                    done.send(()).unwrap();
                }
            });
        });
        let elsewhere = |at: &'static str| {
            tell.send(at).unwrap();
            finished.recv().unwrap();
        };
        elsewhere("before");
        handle.set_filter(
            "off,hyper=trace,tta=debug"
                .parse::<tta_telemetry::logs::LogFilter>()
                .unwrap(),
        );
        elsewhere("filtered");
        handle.set_filter(tta_telemetry::logs::LogFilter::off());
        elsewhere("after");
        drop(tell);
        other.join().unwrap();
    });
    assert_eq!(lines.lines().count(), 1, "{lines}");
    assert!(
        lines.contains("\"target\":\"hyper\"") && lines.contains("filtered"),
        "{lines}"
    );
}

#[test]
fn a_format_holds_for_each_line_from_its_event_on() {
    let lines = lines_of("info", |handle| {
        tracing::info!(n = 1, "first");
        handle.set_format(LogFormat::Text);
        tracing::info!(n = 2, "second");
        handle.set_format(LogFormat::Json);
        tracing::info!(n = 3, "third");
        assert_eq!(handle.format(), LogFormat::Json);
        assert_eq!(handle.stats().created, 3);
    });
    let lines: Vec<_> = lines.lines().collect();
    assert!(lines[0].starts_with('{') && lines[0].ends_with("\"n\":1}"));
    assert!(lines[1].starts_with('2') && lines[1].ends_with("second n=2 service=shop"));
    assert!(lines[2].starts_with('{') && lines[2].ends_with("\"n\":3}"));
}
