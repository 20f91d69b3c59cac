//! What is set: declared as data, parsed once, and shown with where each value comes from.

mod endpoint;
mod exporters;
mod kubernetes_spec;
mod limits;
mod limits_spec;
mod log_filter;
mod nonsense;
mod otlp;
mod otlp_options;
mod otlp_spec;
mod parse;
mod pick;
mod preset;
mod resolve;
mod resource;
mod sampling;
mod sampling_spec;
mod server;
mod server_spec;
mod spec;

pub(crate) use endpoint::Endpoint;
pub use exporters::Exporter;
pub use limits::{LogLimits, SpanLimits};
pub(crate) use otlp::{Otlp, Tls};
pub use otlp_options::OtlpOptions;
pub(crate) use pick::Environment;
pub use preset::Preset;
pub(crate) use resolve::{Batching, Code, Resolved};
pub(crate) use sampling::{Sampling, TailKeep};
pub(crate) use server::{Doors, Password};
pub(crate) use spec::{LOG_FORMAT, LOG_LEVEL};
pub use spec::{SETTINGS, SettingSpec};

use std::fmt;

/// How OTLP is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// gRPC, by convention on port 4317.
    Grpc,
    /// Protobuf over HTTP/1.1, by convention on port 4318.
    HttpProtobuf,
}

impl Protocol {
    /// The name as the OpenTelemetry variables spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::HttpProtobuf => "http/protobuf",
        }
    }
}

/// How what is exported is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// With gzip.
    Gzip,
}

impl Compression {
    /// The name as the OpenTelemetry variables spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
        }
    }
}

/// Whether sums that go over OTLP count since the start or since the last time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Temporality {
    /// Since the start, as Prometheus has it.
    #[default]
    Cumulative,
    /// Since the last time, for counters and histograms.
    Delta,
    /// What costs a backend least memory: the same as [`Delta`](Self::Delta), since no instrument of
    /// ours can fall.
    LowMemory,
}

impl Temporality {
    /// The name as the OpenTelemetry variables spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cumulative => "cumulative",
            Self::Delta => "delta",
            Self::LowMemory => "lowmemory",
        }
    }
}

/// Which traces are recorded.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Sampler {
    /// All.
    AlwaysOn,
    /// None.
    AlwaysOff,
    /// This share, the same traces in every service that uses the same share.
    Ratio(f64),
    /// So many a second, and no more.
    RateLimited(f64),
    /// As the parent decided; all that have none.
    ParentBasedAlwaysOn,
    /// As the parent decided; none that have none.
    ParentBasedAlwaysOff,
    /// As the parent decided; this share of those that have none.
    ParentBasedRatio(f64),
    /// As the parent decided; of those that have none so many a second, and no more.
    ParentBasedRateLimited(f64),
}

impl fmt::Display for Sampler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AlwaysOn => "always_on",
            Self::AlwaysOff => "always_off",
            Self::Ratio(_) => "traceidratio",
            Self::RateLimited(_) => "ratelimited",
            Self::ParentBasedAlwaysOn => "parentbased_always_on",
            Self::ParentBasedAlwaysOff => "parentbased_always_off",
            Self::ParentBasedRatio(_) => "parentbased_traceidratio",
            Self::ParentBasedRateLimited(_) => "parentbased_ratelimited",
        })
    }
}

/// Where the program runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeploymentEnvironment {
    /// On a developer's machine.
    #[default]
    Development,
    /// Where releases are tried.
    Staging,
    /// Where users are.
    Production,
}

impl DeploymentEnvironment {
    /// The value of `deployment.environment.name`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Development => "development",
            Self::Staging => "staging",
            Self::Production => "production",
        }
    }
}

/// How a log line reads.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    #[default]
    Json,
    /// Words and `name=value`, for people.
    Text,
}

impl LogFormat {
    /// The value of `LOG_FORMAT`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Text => "text",
        }
    }
}

/// A setting as it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Setting {
    /// Its [name](SettingSpec::name).
    pub name: &'static str,
    /// Its value as text in one line; `***` where it is secret.
    pub value: String,
    /// Where the value comes from.
    pub origin: Origin,
}

/// Where a setting's value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The program set it.
    Code,
    /// This variable did.
    Environment(&'static str),
    /// The preset of this name has it.
    Preset(&'static str),
    /// A handle did, while the program ran.
    Handle,
    /// Nobody did.
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code => f.write_str("code"),
            Self::Environment(variable) => write!(f, "env {variable}"),
            Self::Preset(preset) => write!(f, "preset {preset}"),
            Self::Handle => f.write_str("changed while running"),
            Self::Default => f.write_str("default"),
        }
    }
}
