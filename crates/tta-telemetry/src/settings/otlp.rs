//! Where one signal goes, and how.

use std::time::Duration;

use tta_core::Secret;

use super::exporters::Exporters;
use super::otlp_options::OtlpOptions;
use super::otlp_spec::OtlpSpecs;
use super::parse;
use super::pick::Picker;
use super::{Compression, Endpoint, Origin, Protocol};

/// What the program set for OTLP: for all signals, and for each, which goes before it.
#[derive(Clone, Debug, Default)]
pub(crate) struct OtlpCode {
    pub(crate) general: OtlpOptions,
    pub(crate) traces: SignalCode,
    pub(crate) metrics: SignalCode,
    pub(crate) logs: SignalCode,
}

/// What the program set for one signal.
#[derive(Clone, Debug, Default)]
pub(crate) struct SignalCode {
    pub(crate) exporters: Option<Exporters>,
    pub(crate) otlp: OtlpOptions,
}

/// Where one signal goes, and how.
#[derive(Clone, Debug)]
pub(crate) struct Otlp {
    pub(crate) exporters: Exporters,
    pub(crate) endpoint: Option<Endpoint>,
    /// Why there is no endpoint although one was given.
    pub(crate) endpoint_error: Option<String>,
    pub(crate) protocol: Protocol,
    pub(crate) headers: Vec<(String, Secret)>,
    /// For one attempt.
    pub(crate) timeout: Duration,
    pub(crate) compression: Compression,
    pub(crate) tls: Tls,
}

impl Otlp {
    /// Whether it goes to a backend.
    pub(crate) fn goes_over_otlp(&self) -> bool {
        self.exporters.otlp && self.endpoint.is_some()
    }
}

/// Whom to trust, and who we are: names of files in PEM.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tls {
    pub(crate) certificate: Option<String>,
    pub(crate) client_certificate: Option<String>,
    pub(crate) client_key: Option<String>,
}

impl Picker<'_> {
    /// Where one signal goes. `usual` says which ways out it has where none is set, told whether it
    /// has an endpoint.
    pub(super) fn otlp(
        &mut self,
        specs: &OtlpSpecs,
        general: &OtlpOptions,
        signal: &SignalCode,
        usual: impl FnOnce(bool) -> Exporters,
    ) -> Otlp {
        let own = &signal.otlp;
        let is_insecure = self.pick_shown(
            &specs.insecure,
            own.insecure.or(general.insecure).map(Some),
            |text| parse::boolean(text).map(Some),
            || None,
            |insecure| insecure.map_or("not set".to_owned(), |insecure: bool| insecure.to_string()),
        );
        let (endpoint, endpoint_error) = self.endpoint(specs, general, own, is_insecure);
        let are_metrics = specs.path == METRICS_PATH;
        let exporters = self.pick_shown(
            &specs.exporter,
            signal.exporters,
            |text| Exporters::parse(text, are_metrics),
            || usual(endpoint.is_some()),
            |exporters| exporters.list(),
        );
        let by_port = endpoint
            .as_ref()
            .map_or(Protocol::HttpProtobuf, Endpoint::usual_protocol);
        let protocol = self.pick_shown(
            &specs.protocol,
            own.protocol.or(general.protocol),
            parse::protocol,
            || by_port,
            |protocol| protocol.as_str().to_owned(),
        );
        let headers = [&own.headers, &general.headers];
        let headers = headers.into_iter().find(|headers| !headers.is_empty());
        let headers = self.pick_shown(
            &specs.headers,
            headers.cloned(),
            parse::headers,
            Vec::new,
            |headers| if headers.is_empty() { "none" } else { "***" }.to_owned(),
        );
        let timeout = self.time(
            &specs.timeout,
            own.timeout.or(general.timeout),
            Duration::from_secs(10),
        );
        let compression = self.pick_shown(
            &specs.compression,
            own.compression.or(general.compression),
            parse::compression,
            Compression::default,
            |compression| compression.as_str().to_owned(),
        );
        Otlp {
            exporters,
            endpoint,
            endpoint_error,
            protocol,
            headers,
            timeout,
            compression,
            tls: self.tls(specs, general, own),
        }
    }

    fn tls(&mut self, specs: &OtlpSpecs, general: &OtlpOptions, own: &OtlpOptions) -> Tls {
        let mut file = |spec, own: &Option<String>, general: &Option<String>| {
            self.pick_shown(
                spec,
                own.clone().or_else(|| general.clone()).map(Some),
                |text| parse::text(text).map(Some),
                || None,
                |path| path.clone().unwrap_or_else(|| "none".to_owned()),
            )
        };
        let tls = Tls {
            certificate: file(&specs.certificate, &own.certificate, &general.certificate),
            client_key: file(&specs.client_key, &own.client_key, &general.client_key),
            client_certificate: file(
                &specs.client_certificate,
                &own.client_certificate,
                &general.client_certificate,
            ),
        };
        if tls.client_key.is_some() != tls.client_certificate.is_some() {
            self.warn(format!(
                "{} and {} belong together; one alone is ignored",
                specs.client_key.name(),
                specs.client_certificate.name()
            ));
        }
        tls
    }

    fn endpoint(
        &mut self,
        specs: &OtlpSpecs,
        general: &OtlpOptions,
        own: &OtlpOptions,
        is_insecure: Option<bool>,
    ) -> (Option<Endpoint>, Option<String>) {
        let own = own.endpoint.as_deref();
        let own = own.map(|text| (text, Origin::Code, true));
        let general = general.endpoint.as_deref();
        let general = general.map(|text| (text, Origin::Code, false));
        let set = specs.endpoint.variables.iter().enumerate();
        let set = set.filter_map(|(index, variable)| {
            let text = self.environment.0.get(variable)?;
            Some((text.as_str(), Origin::Environment(variable), index == 0))
        });
        let mut refused = None;
        let candidates: Vec<_> = own.into_iter().chain(general).chain(set).collect();
        for (text, origin, is_exact) in candidates {
            match Endpoint::parse(text, specs.path, is_exact, is_insecure) {
                Ok(endpoint) => {
                    self.show(&specs.endpoint, endpoint.to_string(), origin);
                    return (Some(endpoint), None);
                }
                Err(why) => {
                    let message = refusal(origin, &why);
                    self.warn(message.clone());
                    refused.get_or_insert(message);
                }
            }
        }
        self.show(&specs.endpoint, "none".to_owned(), Origin::Default);
        (None, refused)
    }
}

/// Why an endpoint is not used.
pub(super) fn refusal(origin: Origin, why: &str) -> String {
    format!("the OTLP endpoint from {origin} cannot be used: {why}")
}

/// Only metrics have one more way out.
const METRICS_PATH: &str = super::otlp_spec::METRICS.path;
