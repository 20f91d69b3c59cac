//! How records wait for each other, and how long a shutdown waits for them.

use tta_testkit::otlp::{Payload, Reply, Signal};

use crate::row::{Row, Seen};

pub(crate) fn rows() -> Vec<Row> {
    vec![
        // Spans go out while the program runs, and log records, told to wait, do not.
        Row::new(&[
            ("OTEL_BSP_SCHEDULE_DELAY", "2000"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "3600000"),
        ])
        .until(|seen| {
            let has_logs = !seen.receiver.logs().is_empty();
            assert!(!has_logs, "log records went out first");
            seen.receiver.span_count() > 0
        })
        .sees(|seen| assert!(!seen.receiver.logs().is_empty(), "they do at the end")),
        // The other way round.
        Row::new(&[
            ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "20"),
        ])
        .until(|seen| {
            assert_eq!(seen.receiver.span_count(), 0);
            !seen.receiver.logs().is_empty()
        })
        .sees(|seen| assert!(seen.receiver.span_count() > 0)),
        // A batch of spans, and one of log records.
        Row::new(&[
            ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "6"),
            ("OTEL_BLRP_MAX_EXPORT_BATCH_SIZE", "5"),
        ])
        .sees(|seen| {
            // A workflow's two spans come together.
            assert_eq!(largest(seen, Signal::Traces), 6);
            assert_eq!(largest(seen, Signal::Logs), 5);
        }),
        // What does not fit is dropped and counted: each signal's queue is its own.
        Row::new(&[
            ("OTEL_BSP_MAX_QUEUE_SIZE", "10"),
            ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
            ("TTA_SHUTDOWN_TIMEOUT", "100"),
        ])
        .replying(Reply::Hang)
        .sees(|seen| {
            assert!(dropped(seen, "traces") > 0, "{}", seen.text_page);
            assert_eq!(dropped(seen, "logs"), 0);
        }),
        Row::new(&[
            ("OTEL_BLRP_MAX_QUEUE_SIZE", "10"),
            ("OTEL_BLRP_SCHEDULE_DELAY", "3600000"),
            ("TTA_SHUTDOWN_TIMEOUT", "100"),
        ])
        .replying(Reply::Hang)
        .sees(|seen| {
            assert!(dropped(seen, "logs") > 0, "{}", seen.text_page);
            assert_eq!(dropped(seen, "traces"), 0);
        }),
        attempt("OTEL_BSP_EXPORT_TIMEOUT", "traces"),
        attempt("OTEL_BLRP_EXPORT_TIMEOUT", "logs_otlp"),
        Row::new(&[("TTA_SHUTDOWN_TIMEOUT", "100")])
            .replying(Reply::Hang)
            .sees(|seen| {
                // The default is two seconds.
                let took = seen.shutdown_millis();
                assert!((100..1_500).contains(&took), "{took} ms");
                assert!(seen.output().contains(" left, in "), "{}", seen.output());
            }),
        Row::new(&[("TTA_SHUTDOWN_TIMEOUT", "soon")])
            .sees(|seen| assert_eq!(seen.count("setting_ignored"), 1)),
        Row::new(&[("OTEL_BSP_MAX_QUEUE_SIZE", "0")]).sees(|seen| {
            assert_eq!(seen.count("setting_ignored"), 1);
            assert_eq!(seen.spans("many.execute").len(), 40);
        }),
    ]
}

/// An attempt that is not answered ends after the variable's time.
fn attempt(variable: &str, part: &'static str) -> Row {
    Row::new(&[
        (variable, "40"),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
        ("OTEL_BLRP_SCHEDULE_DELAY", "20"),
        ("TTA_SHUTDOWN_TIMEOUT", "100"),
    ])
    .replying(Reply::Hang)
    .until(move |seen| {
        let health: serde_json::Value = serde_json::from_str(&seen.health).unwrap_or_default();
        let reason = health["parts"][part]["reason"].as_str();
        reason.is_some_and(|reason| reason.contains("no answer within 40 ms"))
    })
}

/// The most records that came together.
fn largest(seen: &Seen, signal: Signal) -> usize {
    let requests = seen.receiver.requests();
    let of_signal = requests
        .iter()
        .filter(|request| request.signal() == signal)
        .map(|request| Payload::count(&request.payload));
    of_signal.max().unwrap_or_default()
}

/// How many records of a signal came when the queue was full.
fn dropped(seen: &Seen, signal: &str) -> u64 {
    let health: serde_json::Value = serde_json::from_str(&seen.health).unwrap();
    let reasons = &health["ledger"][signal]["dropped"];
    reasons["queue_full"].as_u64().unwrap()
}
