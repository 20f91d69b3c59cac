//! The judges, shown what is right and what is wrong.

use tta_testkit::judges::{OpenMetricsParser, OtlpProto, Promtool};
use tta_testkit::otlp::Signal;
use tta_testkit::require;

#[test]
fn promtool_is_content_with_good_metrics_and_says_what_is_wrong_with_others() {
    let promtool = require!(Promtool::find());
    let good = "# HELP calls_total Calls.\n# TYPE calls_total counter\ncalls_total 1\n";
    assert_eq!(promtool.check_metrics(good).unwrap(), "");
    let unnamed = promtool
        .check_metrics(&good.replace("calls_total", "calls"))
        .unwrap();
    assert!(unnamed.contains("_total"), "{unnamed}");
    assert!(
        promtool
            .check_metrics("no metric at all\n")
            .unwrap()
            .contains("text format")
    );
}

#[test]
fn the_openmetrics_parser_reads_values_labels_and_exemplars() {
    let parser = require!(OpenMetricsParser::find());
    let text = "# TYPE calls counter\n\
                calls_total{step=\"a \\\"quoted\\\" one\"} 5.0 # {trace_id=\"abc\"} 0.25\n\
                # TYPE depth gauge\ndepth +Inf\n# EOF\n";
    let samples = parser.parse(text).unwrap();
    assert_eq!(samples.len(), 2);
    assert_eq!(samples[0].name, "calls_total");
    assert_eq!(samples[0].labels["step"], "a \"quoted\" one");
    assert_eq!(samples[0].value.to_string(), "5");
    assert_eq!(samples[0].exemplar.as_ref().unwrap()["trace_id"], "abc");
    assert_eq!(
        (samples[1].value.is_infinite(), &samples[1].exemplar),
        (true, &None)
    );
}

#[test]
fn the_openmetrics_parser_refuses_a_text_without_its_end() {
    let parser = require!(OpenMetricsParser::find());
    let refused = parser.parse("# TYPE depth gauge\ndepth 1\n").unwrap_err();
    assert!(refused.to_string().contains("EOF"), "{refused}");
}

#[test]
fn a_large_exposition_does_not_fill_the_pipes() {
    let parser = require!(OpenMetricsParser::find());
    let lines: Vec<String> = (0..20_000)
        .map(|i| format!("depth{{i=\"{i}\"}} {i}\n"))
        .collect();
    let lines = lines.concat();
    let samples = parser
        .parse(&format!("# TYPE depth gauge\n{lines}# EOF\n"))
        .unwrap();
    assert_eq!(samples.len(), 20_000);
}

#[test]
fn the_messages_of_otlp_are_read_and_what_breaks_a_rule_is_not() {
    use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
    use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
    use prost::Message;

    let judge = require!(OtlpProto::find());
    let with = |severity_number| {
        let record = LogRecord {
            severity_number,
            trace_id: vec![0xab; 16],
            ..LogRecord::default()
        };
        let scope_logs = vec![ScopeLogs {
            log_records: vec![record],
            ..ScopeLogs::default()
        }];
        let request = ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs {
                scope_logs,
                ..ResourceLogs::default()
            }],
        };
        judge.decode(Signal::Logs, &request.encode_to_vec())
    };
    let read = with(9).unwrap();
    let record = &read["resource_logs"][0]["scope_logs"][0]["log_records"][0];
    assert_eq!(record["severity_number"], "SEVERITY_NUMBER_INFO");
    assert_eq!(record["trace_id"], "ab".repeat(16));
    let why = with(0).unwrap_err().to_string();
    assert!(why.contains("no severity"), "{why}");
}
