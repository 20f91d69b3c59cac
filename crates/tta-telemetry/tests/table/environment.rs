//! Whether there is telemetry, how settings are read, and log lines.

use crate::row::Row;

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(&[("OTEL_SDK_DISABLED", "TRUE")]).sees(|seen| {
            assert_eq!(seen.receiver.request_count(), 0);
            assert_eq!(seen.url, None);
            assert_eq!(seen.lines().len(), 0, "{}", seen.output());
        }),
        // Only the word switches off; what is no boolean is said once and ignored.
        Row::new(&[("OTEL_SDK_DISABLED", "1")]).sees(|seen| {
            assert_eq!(seen.spans("work.execute").len(), 1);
            assert_eq!(seen.count("setting_ignored"), 1);
            assert!(seen.output().contains("OTEL_SDK_DISABLED=1 is ignored"));
        }),
        // Empty is not set, and nothing to warn of.
        Row::new(&[
            ("OTEL_SDK_DISABLED", ""),
            ("OTEL_SERVICE_NAME", ""),
            ("OTEL_TRACES_EXPORTER", " "),
            ("OTEL_BSP_MAX_QUEUE_SIZE", ""),
            ("LOG_LEVEL", ""),
        ])
        .sees(|seen| {
            assert_eq!(seen.resource_text("service.name").unwrap(), "table");
            assert_eq!(seen.spans("work.execute").len(), 1);
            assert_eq!(seen.count("said"), 1);
            assert_eq!(seen.count("setting_ignored"), 0);
        }),
        // One variable serves three signals, and is complained of once.
        Row::new(&[("OTEL_EXPORTER_OTLP_TIMEOUT", "10s")]).sees(|seen| {
            assert_eq!(seen.count("setting_ignored"), 1, "{}", seen.output());
            assert_eq!(seen.spans("work.execute").len(), 1);
        }),
        Row::new(&[("LOG_LEVEL", "debug")]).sees(|seen| {
            assert_eq!((seen.count("said"), seen.count("whispered")), (1, 1));
        }),
        Row::new(&[("RUST_LOG", "info,app=off")]).sees(|seen| {
            assert_eq!(
                (seen.count("said"), seen.count("workflow_executed")),
                (0, 41)
            );
        }),
        Row::new(&[("OTEL_LOG_LEVEL", "none")]).sees(|seen| {
            assert_eq!(seen.lines().len(), 0, "{}", seen.output());
        }),
        Row::new(&[("LOG_FORMAT", "text")]).sees(|seen| {
            assert_eq!(seen.lines().len(), 0);
            assert!(
                seen.output().contains("info app: said"),
                "{}",
                seen.output()
            );
        }),
        Row::new(&[("OTEL_PROPAGATORS", "")]).sees(|seen| {
            let all = r#"headers ["baggage", "traceparent", "x-correlation-id"]"#;
            assert!(seen.output().contains(all), "{}", seen.output());
        }),
        Row::new(&[("OTEL_PROPAGATORS", "tracecontext, b3")]).sees(|seen| {
            let one = r#"headers ["traceparent", "x-correlation-id"]"#;
            assert!(seen.output().contains(one), "{}", seen.output());
            assert_eq!(seen.count("setting_ignored"), 1);
        }),
        Row::new(&[("OTEL_PROPAGATORS", "none")]).sees(|seen| {
            assert!(seen.output().contains(r#"headers ["x-correlation-id"]"#));
            assert_eq!(seen.count("setting_ignored"), 0);
        }),
        // Where each value comes from is shown, and what is secret is not.
        Row::new(&[
            ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=canary"),
            ("LOG_LEVEL", "debug"),
        ])
        .sees(|seen| {
            let health: serde_json::Value = serde_json::from_str(&seen.health).unwrap();
            let settings = &health["settings"];
            assert_eq!(settings["LOG_LEVEL"]["value"], "debug");
            assert_eq!(settings["LOG_LEVEL"]["origin"], "env LOG_LEVEL");
            assert_eq!(settings["OTEL_SERVICE_NAME"]["origin"], "default");
            let headers = &settings["OTEL_EXPORTER_OTLP_TRACES_HEADERS"];
            assert_eq!(headers["value"], "***");
            for shown in [&seen.health, &seen.text_page, &seen.output()] {
                assert!(!shown.contains("canary\""), "{shown}");
            }
        }),
    ]
}
