//! Metrics over OTLP, as a backend receives them.

#![expect(clippy::float_cmp, reason = "counts are whole")]

mod support;

use std::time::Duration;

use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, HistogramDataPoint, Metric, NumberDataPoint, metric, number_data_point,
};
use support::{alone, run_workflow, run_workflows, traces_only};
use tta_telemetry::{Compression, ObservabilityConfig, ObservabilityGuard, Protocol, Temporality};
use tta_testkit::otlp::{OtlpReceiver, Payload, Reply, Signal};

/// Metrics alone, in intervals that a test does not live to see: it flushes.
fn metrics_to(endpoint: String, protocol: Protocol) -> ObservabilityConfig {
    ObservabilityConfig::from_env_with("test", |name| {
        (name == "OTEL_METRICS_EXPORTER").then(|| "otlp".to_owned())
    })
    .with_logs(false)
    .with_otlp_metrics_endpoint(endpoint)
    .with_otlp_protocol(protocol)
}

fn http(receiver: &OtlpReceiver) -> ObservabilityConfig {
    metrics_to(
        format!("{}/v1/metrics", receiver.http_endpoint()),
        Protocol::HttpProtobuf,
    )
}

/// What the receiver has of one metric since it was last asked to forget.
fn received(receiver: &OtlpReceiver, name: &str) -> Vec<Metric> {
    let all = receiver.metrics().into_iter();
    all.filter(|received| received.metric.name == name)
        .map(|received| received.metric)
        .collect()
}

fn flush(guard: &ObservabilityGuard) {
    assert!(guard.flush(Duration::from_secs(5)), "{}", guard.status());
}

/// The sum of the series with this pair among its attributes.
fn sum_of(metric: &Metric, value: &str) -> Option<(f64, i32)> {
    let Some(metric::Data::Sum(sum)) = &metric.data else {
        panic!("{metric:?} is no sum");
    };
    let mut points = sum.data_points.iter();
    let point = points.find(|point| has(point, value))?;
    match point.value {
        Some(number_data_point::Value::AsDouble(number)) => {
            Some((number, sum.aggregation_temporality))
        }
        _ => panic!("{point:?} is no double"),
    }
}

fn has(point: &NumberDataPoint, value: &str) -> bool {
    format!("{:?}", point.attributes).contains(&format!("{value:?}"))
}

fn durations(metric: &Metric, primitive: &str) -> HistogramDataPoint {
    let Some(metric::Data::Histogram(histogram)) = &metric.data else {
        panic!("{metric:?} is no histogram");
    };
    let mut points = histogram.data_points.iter();
    let of = |point: &&HistogramDataPoint| {
        format!("{:?}", point.attributes).contains(&format!("{primitive:?}"))
    };
    let found = points.find(of);
    found
        .unwrap_or_else(|| panic!("no series of {primitive}"))
        .clone()
}

#[test]
fn counters_gauges_and_histograms_arrive_over_both_protocols_compressed_and_not() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    for (protocol, compression) in [
        (Protocol::Grpc, Compression::None),
        (Protocol::Grpc, Compression::Gzip),
        (Protocol::HttpProtobuf, Compression::None),
        (Protocol::HttpProtobuf, Compression::Gzip),
    ] {
        let config = match protocol {
            Protocol::Grpc => metrics_to(receiver.grpc_endpoint(), protocol),
            _ => http(&receiver),
        };
        let guard = config.with_otlp_compression(compression).init();
        receiver.forget();
        run_workflow().unwrap();
        flush(&guard);

        let executions = received(&receiver, "primitive_executions_total");
        assert_eq!(executions.len(), 1, "{protocol:?} {compression:?}");
        assert!(sum_of(&executions[0], "double").unwrap().0 >= 1.0);
        assert_eq!(executions[0].unit, "1");
        let durations_of = received(&receiver, "primitive_execution_duration_seconds");
        let point = durations(&durations_of[0], "double");
        assert_eq!(point.count, point.bucket_counts.iter().sum::<u64>());
        assert_eq!(point.bucket_counts.len(), point.explicit_bounds.len() + 1);
        assert_eq!(durations_of[0].unit, "s");
        assert_eq!(received(&receiver, "active_workflows").len(), 1);

        let account = guard.ledger().metrics;
        assert!(
            account.is_balanced() && account.delivered > 0,
            "{account:?}"
        );
        assert_eq!(account.delivered, account.created);
        assert_eq!(guard.ledger().traces.created, 0);
        drop(guard);
        assert_eq!(receiver.undecodable_count(), 0);
    }
}

#[test]
fn what_is_compressed_is_smaller_on_the_wire() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let mut sizes = [Compression::None, Compression::Gzip].map(|compression| {
        let guard = http(&receiver).with_otlp_compression(compression).init();
        run_workflow().unwrap();
        receiver.forget();
        flush(&guard);
        receiver.requests().remove(0).body_bytes
    });
    sizes.reverse();
    assert!(sizes[0] * 3 < sizes[1], "{sizes:?}");
}

#[test]
fn cumulative_sums_grow_and_differences_do_not() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    for (temporality, expected) in [
        (Temporality::Cumulative, AggregationTemporality::Cumulative),
        (Temporality::Delta, AggregationTemporality::Delta),
        (Temporality::LowMemory, AggregationTemporality::Delta),
    ] {
        let guard = http(&receiver).with_metric_temporality(temporality).init();
        flush(&guard);
        let read = || {
            receiver.forget();
            run_workflows(3);
            flush(&guard);
            let sums = received(&receiver, "primitive_executions_total");
            let (sum, temporality) = sum_of(&sums[0], "increment").unwrap();
            assert_eq!(temporality, i32::from(expected));
            let histogram = received(&receiver, "primitive_execution_duration_seconds");
            (sum, durations(&histogram[0], "increment"))
        };
        let (first, first_durations) = read();
        let (second, second_durations) = read();
        if expected == AggregationTemporality::Delta {
            assert_eq!((first, second), (3.0, 3.0));
            assert_eq!((first_durations.count, second_durations.count), (3, 3));
            assert_eq!(
                second_durations.start_time_unix_nano,
                first_durations.time_unix_nano
            );
        } else {
            assert_eq!(second - first, 3.0);
            assert_eq!(second_durations.count - first_durations.count, 3);
            assert_eq!(
                second_durations.start_time_unix_nano,
                first_durations.start_time_unix_nano
            );
        }
    }
}

#[test]
fn an_outage_takes_no_difference_away() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let guard = http(&receiver)
        .with_metric_temporality(Temporality::Delta)
        .init();
    run_workflow().unwrap();
    flush(&guard);
    receiver.forget();
    receiver.stop();
    for _ in 0..5 {
        run_workflows(2);
        assert!(!guard.flush(Duration::from_millis(100)));
    }
    receiver.restart_on_same_port().unwrap();
    flush(&guard);
    // What came while a reading was waiting is in the next one.
    flush(&guard);
    let sums = received(&receiver, "primitive_executions_total");
    let total: f64 = sums
        .iter()
        .filter_map(|sum| sum_of(sum, "double"))
        .map(|(sum, _)| sum)
        .sum();
    assert_eq!(total, 10.0);
    assert_eq!(guard.ledger().metrics.dropped(), 0);
    assert!(guard.ledger().metrics.is_balanced());
}

#[test]
fn an_exemplar_leads_to_a_span_that_was_exported() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let guard = http(&receiver)
        .with_otlp_traces_endpoint(format!("{}/v1/traces", receiver.http_endpoint()))
        .with_batch_delay(Duration::from_millis(20))
        .init();
    // An example is renewed once a second at most, and other tests have left theirs.
    std::thread::sleep(Duration::from_millis(1100));
    run_workflow().unwrap();
    flush(&guard);
    let histogram = received(&receiver, "primitive_execution_duration_seconds");
    let point = durations(&histogram[0], "double");
    let spans = receiver.spans();
    let is_of_a_span = |trace_id: &[u8], span_id: &[u8]| {
        spans
            .iter()
            .any(|received| received.span.trace_id == trace_id && received.span.span_id == span_id)
    };
    assert!(
        point
            .exemplars
            .iter()
            .any(|example| is_of_a_span(&example.trace_id, &example.span_id)),
        "{:?} among {} spans",
        point.exemplars,
        spans.len()
    );
}

#[test]
fn a_difference_has_examples_of_its_own_time_alone() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let guard = http(&receiver)
        .with_otlp_traces_endpoint(format!("{}/v1/traces", receiver.http_endpoint()))
        .with_metric_temporality(Temporality::Delta)
        .init();
    let flow = tta_core::step("exemplary_delta", async |n: u32| Ok(n));
    support::block_on(flow.run(1)).unwrap();
    let examples = || {
        receiver.forget();
        flush(&guard);
        let durations_of = received(&receiver, "primitive_execution_duration_seconds");
        let of_histogram = durations(&durations_of[0], "exemplary_delta").exemplars;
        let executions = received(&receiver, "primitive_executions_total");
        let Some(metric::Data::Sum(sum)) = &executions[0].data else {
            panic!("{executions:?} is no sum");
        };
        let mut points = sum.data_points.iter();
        let of_counter = points.find(|point| has(point, "exemplary_delta")).unwrap();
        (of_histogram.len(), of_counter.exemplars.len())
    };
    assert_eq!(examples(), (1, 1));
    assert_eq!(examples(), (0, 0), "nothing was measured since");
}

#[test]
fn the_last_reading_goes_out_with_the_shutdown() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let guard = http(&receiver).init();
    run_workflow().unwrap();
    let report = guard.shutdown();
    assert!(report.result().is_ok(), "{report}");
    assert!(report.delivered > 0);
    assert_eq!(received(&receiver, "primitive_executions_total").len(), 1);
}

#[test]
fn metrics_go_out_by_themselves_in_intervals() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let guard = http(&receiver)
        .with_metric_interval(Duration::from_millis(30))
        .init();
    run_workflow().unwrap();
    receiver
        .wait_for_requests(3, Duration::from_secs(10))
        .unwrap();
    drop(guard);
    let requests = receiver.requests();
    assert!(
        requests
            .iter()
            .all(|request| matches!(request.payload, Payload::Metrics(_)))
    );
}

#[test]
fn a_shutdown_while_the_backend_hangs_ends_at_its_deadline_and_says_what_was_left() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    receiver.set_default(Reply::Hang);
    let guard = http(&receiver)
        .with_shutdown_timeout(Duration::from_millis(300))
        .init();
    run_workflow().unwrap();
    let (report, took) = support::timed(|| guard.shutdown());
    assert!(took <= Duration::from_millis(400), "{took:?}");
    assert!(report.result().is_err());
    assert_eq!(report.left, report.ledger.metrics.created);
    assert!(report.ledger.metrics.is_balanced());
}

#[test]
fn without_the_exporter_no_metrics_leave_the_process() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let guard = traces_only()
        .with_otlp_endpoint(receiver.http_endpoint())
        .init();
    run_workflow().unwrap();
    flush(&guard);
    drop(guard);
    assert_eq!(receiver.metrics().len(), 0);
    receiver.push_for(Signal::Metrics, Reply::Ok);
    assert!(receiver.spans().len() >= 3);
}
