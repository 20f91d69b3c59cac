//! Sets of defaults for where a program runs.

/// A set of defaults for where a program runs. What the program or the environment sets wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Preset {
    /// On a developer's machine: see everything, soon.
    ///
    /// | setting | value | why |
    /// |---|---|---|
    /// | `ENVIRONMENT` | `development` | said outright, so that traces go to the terminal where no endpoint is set |
    /// | `LOG_LEVEL` | `debug` | each step has a line |
    /// | `LOG_FORMAT` | `text` | a person reads it |
    /// | `OTEL_BSP_SCHEDULE_DELAY`, `OTEL_BLRP_SCHEDULE_DELAY` | 200 ms | a trace is there before one has turned to the browser |
    /// | `OTEL_METRIC_EXPORT_INTERVAL` | 5 s | the same, for metrics over OTLP |
    /// | `TTA_SHUTDOWN_TIMEOUT` | 500 ms | a collector that was never started does not keep Ctrl-C waiting |
    Development,
    /// Where users are: lose nothing, pay little.
    ///
    /// | setting | value | why |
    /// |---|---|---|
    /// | `ENVIRONMENT` | `production` | traces of users are not mixed with a developer's |
    /// | `LOG_FORMAT` | `json` | a machine reads it, also where somebody attached a terminal |
    /// | `OTEL_EXPORTER_OTLP_COMPRESSION` | `gzip` | traffic between zones is paid for by the byte |
    /// | `OTEL_BSP_MAX_QUEUE_SIZE`, `OTEL_BLRP_MAX_QUEUE_SIZE` | 16,384 | a collector's restart takes longer than the two seconds that 2,048 last at 1,000 a second |
    /// | `with_queue_bytes` | 32 MiB | the same, in bytes |
    /// | `TTA_SHUTDOWN_TIMEOUT` | 5 s | an orchestrator gives 10 to 30 s, and what is left is lost |
    ///
    /// All traces are recorded: in front of models a request costs cents and its trace next to
    /// nothing. Set a ratio where there are thousands a second.
    Production,
    /// In tests: nothing leaves the process, no port is opened, nothing is printed.
    ///
    /// | setting | value | why |
    /// |---|---|---|
    /// | `OTEL_TRACES_EXPORTER`, `OTEL_METRICS_EXPORTER`, `OTEL_LOGS_EXPORTER` | `none` | a test must not depend on a collector, nor fill one |
    /// | `with_prometheus` | `false` | tests that run at once would fight for the port |
    /// | `with_logs` | `false` | the test's own output stays readable |
    /// | `OTEL_TRACES_SAMPLER` | `always_on` | a sink that the test brings sees every span |
    /// | `OTEL_BSP_SCHEDULE_DELAY` | 10 ms | and sees it soon |
    /// | `TTA_SHUTDOWN_TIMEOUT` | 500 ms | a test that fails does not hang |
    Test,
}

impl Preset {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Production => "production",
            Self::Test => "test",
        }
    }

    /// What it has for a setting, written as a variable would be.
    pub(super) fn value(self, setting: &str) -> Option<&'static str> {
        let values: &[(&str, &str)] = match self {
            Self::Development => &DEVELOPMENT,
            Self::Production => &PRODUCTION,
            Self::Test => &TEST,
        };
        let found = values.iter().find(|(name, _)| *name == setting)?;
        Some(found.1)
    }
}

const DEVELOPMENT: [(&str, &str); 7] = [
    ("ENVIRONMENT", "development"),
    ("LOG_LEVEL", "debug"),
    ("LOG_FORMAT", "text"),
    ("OTEL_BSP_SCHEDULE_DELAY", "200"),
    ("OTEL_BLRP_SCHEDULE_DELAY", "200"),
    ("OTEL_METRIC_EXPORT_INTERVAL", "5000"),
    ("TTA_SHUTDOWN_TIMEOUT", "500"),
];

const PRODUCTION: [(&str, &str); 9] = [
    ("ENVIRONMENT", "production"),
    ("LOG_FORMAT", "json"),
    ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "gzip"),
    ("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "gzip"),
    ("OTEL_EXPORTER_OTLP_LOGS_COMPRESSION", "gzip"),
    ("OTEL_BSP_MAX_QUEUE_SIZE", "16384"),
    ("OTEL_BLRP_MAX_QUEUE_SIZE", "16384"),
    ("with_queue_bytes", "33554432"),
    ("TTA_SHUTDOWN_TIMEOUT", "5000"),
];

const TEST: [(&str, &str); 8] = [
    ("OTEL_TRACES_EXPORTER", "none"),
    ("OTEL_METRICS_EXPORTER", "none"),
    ("OTEL_LOGS_EXPORTER", "none"),
    ("with_prometheus", "false"),
    ("with_logs", "false"),
    ("OTEL_TRACES_SAMPLER", "always_on"),
    ("OTEL_BSP_SCHEDULE_DELAY", "10"),
    ("TTA_SHUTDOWN_TIMEOUT", "500"),
];
