//! Where one signal goes, and how.

use std::time::Duration;

use tta_core::Secret;

use super::otlp_spec::OtlpSpecs;
use super::parse;
use super::pick::Picker;
use super::{Compression, Endpoint, Origin, Protocol};

/// What the program set for OTLP.
#[derive(Clone, Debug, Default)]
pub(crate) struct OtlpCode {
    pub(crate) endpoint: Option<String>,
    /// The signal's own, which is used as it is.
    pub(crate) traces_endpoint: Option<String>,
    pub(crate) metrics_endpoint: Option<String>,
    pub(crate) logs_endpoint: Option<String>,
    pub(crate) protocol: Option<Protocol>,
    pub(crate) headers: Vec<(String, Secret)>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) compression: Option<Compression>,
    pub(crate) certificate: Option<String>,
    pub(crate) client_certificate: Option<String>,
    pub(crate) client_key: Option<String>,
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

/// Which ways out a signal has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Exporters {
    pub(crate) otlp: bool,
    pub(crate) console: bool,
    /// Metrics alone.
    pub(crate) prometheus: bool,
}

impl Exporters {
    pub(crate) const OTLP: Self = Self {
        otlp: true,
        console: false,
        prometheus: false,
    };
    pub(crate) const PROMETHEUS: Self = Self {
        otlp: false,
        console: false,
        prometheus: true,
    };

    fn list(self) -> String {
        let all = [
            ("prometheus", self.prometheus),
            ("otlp", self.otlp),
            ("console", self.console),
        ];
        let list: Vec<_> = all
            .into_iter()
            .filter_map(|(name, is_in)| is_in.then_some(name))
            .collect();
        if list.is_empty() {
            "none".to_owned()
        } else {
            list.join(",")
        }
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
    /// Where one signal goes; `own` is the endpoint that the program set for it alone.
    pub(super) fn otlp(
        &mut self,
        specs: &OtlpSpecs,
        code: &OtlpCode,
        own: Option<&str>,
        usual: Exporters,
    ) -> Otlp {
        let exporters = self.pick_shown(
            &specs.exporter,
            None,
            |text| parse::exporters(text, usual.prometheus),
            || usual,
            |exporters| exporters.list(),
        );
        let is_insecure = self.pick_shown(
            &specs.insecure,
            None,
            |text| parse::boolean(text).map(Some),
            || None,
            |insecure| insecure.map_or("not set".to_owned(), |insecure: bool| insecure.to_string()),
        );
        let (endpoint, endpoint_error) = self.endpoint(specs, code, own, is_insecure);
        let by_port = endpoint
            .as_ref()
            .map_or(Protocol::HttpProtobuf, Endpoint::usual_protocol);
        let protocol = self.pick_shown(
            &specs.protocol,
            code.protocol,
            parse::protocol,
            || by_port,
            |protocol| protocol.as_str().to_owned(),
        );
        let headers = (!code.headers.is_empty()).then(|| code.headers.clone());
        let headers = self.pick_shown(
            &specs.headers,
            headers,
            parse::headers,
            Vec::new,
            |headers| if headers.is_empty() { "none" } else { "***" }.to_owned(),
        );
        let timeout = self.time(&specs.timeout, code.timeout, Duration::from_secs(10));
        let compression = self.pick_shown(
            &specs.compression,
            code.compression,
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
            tls: self.tls(specs, code),
        }
    }

    fn tls(&mut self, specs: &OtlpSpecs, code: &OtlpCode) -> Tls {
        let mut file = |spec, code: &Option<String>| {
            self.pick_shown(
                spec,
                code.clone().map(Some),
                |text| parse::text(text).map(Some),
                || None,
                |path| path.clone().unwrap_or_else(|| "none".to_owned()),
            )
        };
        let tls = Tls {
            certificate: file(&specs.certificate, &code.certificate),
            client_key: file(&specs.client_key, &code.client_key),
            client_certificate: file(&specs.client_certificate, &code.client_certificate),
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
        code: &OtlpCode,
        own: Option<&str>,
        is_insecure: Option<bool>,
    ) -> (Option<Endpoint>, Option<String>) {
        let own = own.map(|text| (text, Origin::Code, true));
        let general = code.endpoint.as_deref();
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
                    let message = format!("the OTLP endpoint from {origin} cannot be used: {why}");
                    self.warn(message.clone());
                    refused.get_or_insert(message);
                }
            }
        }
        self.show(&specs.endpoint, "none".to_owned(), Origin::Default);
        (None, refused)
    }
}
