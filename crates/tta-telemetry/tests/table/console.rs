//! Spans and metrics on standard output.

use crate::row::{Row, Seen};

pub(crate) fn rows() -> Vec<Row> {
    vec![
        // To people alone, although there is an endpoint.
        Row::new(&[("OTEL_TRACES_EXPORTER", "console")]).sees(|seen| {
            assert_eq!(seen.receiver.span_count(), 0);
            assert_tree(seen);
        }),
        Row::new(&[("OTEL_TRACES_EXPORTER", "otlp, console")]).sees(|seen| {
            assert_eq!(seen.spans("work.execute").len(), 1);
            assert_tree(seen);
        }),
        // Soon enough for somebody who looks: the delay of spans is five seconds otherwise.
        Row::new(&[("OTEL_TRACES_EXPORTER", "console")])
            .until(|seen| seen.output().contains("\n  table.execute "))
            .sees(|seen| {
                let health: serde_json::Value = serde_json::from_str(&seen.health).unwrap();
                let delay = &health["settings"]["OTEL_BSP_SCHEDULE_DELAY"]["value"];
                assert_eq!(delay, "200");
                assert_eq!(health["parts"]["console"]["state"], "healthy");
            }),
        Row::new(&[("OTEL_METRICS_EXPORTER", "console")]).sees(|seen| {
            let output = seen.output();
            assert!(output.contains("\nmetrics 2"), "{output}");
            let line = "\n  primitive_executions_total{primitive=\"double\",";
            assert!(output.contains(line), "{output}");
            let line = "primitive=\"work\",primitive_type=\"StepPrimitive\"} count 1, mean 0.";
            assert!(output.contains(line), "{output}");
            assert_eq!((seen.receiver.metrics().len(), &seen.url), (0, &None));
        }),
        Row::new(&[("OTEL_METRICS_EXPORTER", "prometheus,otlp,console")]).sees(|seen| {
            assert!(seen.output().contains("\nmetrics 2"));
            assert!(seen.text_page.contains("primitive_executions_total"));
            assert_eq!(seen.metrics("primitive_executions_total").len(), 1);
        }),
        // Log records are on the console as lines, once, and nowhere else.
        Row::new(&[("OTEL_LOGS_EXPORTER", "console")]).sees(|seen| {
            assert_eq!(seen.count("said"), 1);
            assert_eq!(seen.receiver.logs().len(), 0);
        }),
        // A developer at a terminal sees the traces that have nowhere else to go,
        Row::new(&[
            ("ENVIRONMENT", "development"),
            ("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
        ])
        .on_a_terminal()
        .sees(assert_tree),
        // but not where nobody said that it is development, where there is a backend, where another
        // exporter is set, and where it is no terminal.
        none(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "")], true),
        none(&[("ENVIRONMENT", "development")], true),
        none(
            &[
                ("ENVIRONMENT", "development"),
                ("OTEL_TRACES_EXPORTER", "none"),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
            ],
            true,
        ),
        none(
            &[
                ("ENVIRONMENT", "development"),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
            ],
            false,
        ),
        none(
            &[
                ("ENVIRONMENT", "production"),
                ("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
            ],
            true,
        ),
    ]
}

/// The trace stands there as a tree, without its secret.
fn assert_tree(seen: &Seen) {
    let output = seen.output();
    assert!(output.contains("trace "), "{output}");
    assert!(output.contains("\n  table.execute "), "{output}");
    assert!(output.contains("\n    work.execute "), "{output}");
    assert!(output.contains(" a1=1 a2=2 "), "{output}");
    assert!(output.contains("\n      - e1 after "), "{output}");
    assert!(output.contains(" db.password=***"), "{output}");
    assert!(!output.contains("canary-attribute"), "{output}");
    assert_eq!(output.matches("\n  many.execute ").count(), 40, "{output}");
}

fn none(variables: &[(&str, &str)], has_terminal: bool) -> Row {
    let row = Row::new(variables);
    let row = if has_terminal {
        row.on_a_terminal()
    } else {
        row
    };
    row.sees(|seen| {
        let output = seen.output();
        assert!(!output.contains("table.execute "), "{output}");
    })
}
