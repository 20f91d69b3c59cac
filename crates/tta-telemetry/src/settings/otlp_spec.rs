//! The settings of OTLP, which each signal has for itself and all have in common.

use super::spec::SettingSpec;

/// A setting that has a variable of the signal's own and a general one.
macro_rules! otlp_spec {
    ($signal:literal, $name:literal, $default:literal, $method:literal, $help:expr) => {
        SettingSpec::new(
            &[
                concat!("OTEL_EXPORTER_OTLP_", $signal, "_", $name),
                concat!("OTEL_EXPORTER_OTLP_", $name),
            ],
            $default,
            $method,
            $help,
        )
    };
}

/// The settings of one signal.
macro_rules! otlp_specs {
    ($signal:literal, $path:literal, $exporters:literal, $method:literal, $exporter_help:literal) => {
        OtlpSpecs {
            path: $path,
            exporter: SettingSpec::new(
                &[concat!("OTEL_", $signal, "_EXPORTER")],
                $exporters,
                $method,
                $exporter_help,
            ),
            endpoint: otlp_spec!(
                $signal,
                "ENDPOINT",
                "none: nothing leaves the process",
                "with_otlp_endpoint",
                concat!(
                    "Where OTLP goes, such as http://localhost:4317. Over HTTP the general \
                     variable gets the path ",
                    $path,
                    " appended and the signal's own is used as it is."
                )
            ),
            protocol: otlp_spec!(
                $signal,
                "PROTOCOL",
                "grpc for port 4317, else http/protobuf",
                "with_otlp_protocol",
                "grpc or http/protobuf."
            ),
            headers: otlp_spec!(
                $signal,
                "HEADERS",
                "none",
                "with_otlp_header",
                "Headers of each export: `key=value` pairs, comma-separated, percent-encoded."
            )
            .secret(),
            timeout: otlp_spec!(
                $signal,
                "TIMEOUT",
                "10000",
                "with_otlp_timeout",
                "How long one attempt to export may take, in milliseconds."
            ),
            compression: otlp_spec!(
                $signal,
                "COMPRESSION",
                "none",
                "with_otlp_compression",
                "gzip or none."
            ),
            insecure: otlp_spec!(
                $signal,
                "INSECURE",
                "not set",
                "with_otlp_insecure",
                "Whether an endpoint that is given without a scheme is spoken to without TLS. One \
                 with a scheme says so itself."
            ),
            certificate: otlp_spec!(
                $signal,
                "CERTIFICATE",
                "whom the system trusts",
                "with_otlp_certificate",
                "A file in PEM with the certificates of whom to trust."
            ),
            client_key: otlp_spec!(
                $signal,
                "CLIENT_KEY",
                "none",
                "with_otlp_client_certificate",
                "A file in PEM with the private key of the client's certificate."
            ),
            client_certificate: otlp_spec!(
                $signal,
                "CLIENT_CERTIFICATE",
                "none",
                "with_otlp_client_certificate",
                "A file in PEM with the client's certificate and those that lead to an authority."
            ),
        }
    };
}

/// The settings of one signal's way out. Each has a variable of the signal's own, which goes before
/// the general one.
#[derive(Debug)]
pub(crate) struct OtlpSpecs {
    /// What an endpoint for all signals gets appended over HTTP.
    pub(crate) path: &'static str,
    pub(crate) exporter: SettingSpec,
    pub(crate) endpoint: SettingSpec,
    pub(crate) protocol: SettingSpec,
    pub(crate) headers: SettingSpec,
    pub(crate) timeout: SettingSpec,
    pub(crate) compression: SettingSpec,
    pub(crate) insecure: SettingSpec,
    pub(crate) certificate: SettingSpec,
    pub(crate) client_key: SettingSpec,
    pub(crate) client_certificate: SettingSpec,
}

/// Of traces.
pub(crate) const TRACES: OtlpSpecs = otlp_specs!(
    "TRACES",
    "/v1/traces",
    "otlp when an endpoint is set, else none; console as ENVIRONMENT says",
    "with_traces_exporters",
    "Where traces go: a list of otlp, console and none."
);

/// Of metrics.
pub(crate) const METRICS: OtlpSpecs = otlp_specs!(
    "METRICS",
    "/v1/metrics",
    "prometheus",
    "with_metrics_exporters",
    "Where metrics go: a list of prometheus, otlp, console and none."
);

/// Of logs.
pub(crate) const LOGS: OtlpSpecs = otlp_specs!(
    "LOGS",
    "/v1/logs",
    "otlp when an endpoint is set, else none",
    "with_logs_exporters",
    "Where log records go: a list of otlp, console and none. The console has them anyway, as lines on \
     standard output; `LOG_LEVEL=off` stops those."
);
