//! The attributes of the process, from wherever they come.

use std::collections::BTreeMap;

use super::kubernetes_spec::{KUBERNETES, NAMESPACE};
use super::pick::Picker;
use super::resolve::Code;
use super::{DeploymentEnvironment, Origin, parse, spec};
use crate::resource::{Attributes, detect, identifying, service_account_namespace};

/// The attributes of the process.
#[derive(Debug)]
pub(super) struct ResolvedResource {
    pub(super) service_name: String,
    pub(super) attributes: Attributes,
    /// Those that `target_info` shows.
    pub(super) target_info: Attributes,
    /// Whether the program or a variable says that it runs in development.
    pub(super) is_development_stated: bool,
}

impl Picker<'_> {
    /// What is found out, and over it what the environment says, and over it what the program does.
    pub(super) fn resource(&mut self, code: &Code) -> ResolvedResource {
        let found = detect();
        let mut resource: BTreeMap<String, String> = found.iter().cloned().collect();
        self.kubernetes(&mut resource);

        let stated = self.found(&spec::RESOURCE_ATTRIBUTES, parse::pairs);
        let variable = stated.as_ref().map(|(_, variable)| *variable);
        let mut stated: BTreeMap<String, String> = stated
            .map(|(pairs, _)| pairs.into_iter().collect())
            .unwrap_or_default();
        let mut origin = variable.map_or(Origin::Default, Origin::Environment);
        if !code.resource.is_empty() {
            stated.extend(code.resource.iter().cloned());
            origin = Origin::Code;
        }
        let shown: Vec<_> = stated
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let shown = if shown.is_empty() {
            "none".to_owned()
        } else {
            shown.join(",")
        };
        self.show(&spec::RESOURCE_ATTRIBUTES, shown, origin);

        let environment = self.pick_shown(
            &spec::ENVIRONMENT,
            code.environment,
            parse::environment,
            DeploymentEnvironment::default,
            |environment| environment.as_str().to_owned(),
        );
        let environment_origin = self.latest_origin();
        resource.insert(ENVIRONMENT_KEY.to_owned(), environment.as_str().to_owned());

        let version = stated.get("service.version").cloned();
        let version_origin = version.as_ref().map_or(Origin::Default, |_| origin);
        resource.extend(stated.clone());
        // What the program says of its environment goes before what a variable says of it.
        let is_said_twice = code.resource.iter().any(|(key, _)| key == ENVIRONMENT_KEY);
        if environment_origin == Origin::Code && !is_said_twice {
            resource.insert(ENVIRONMENT_KEY.to_owned(), environment.as_str().to_owned());
        }
        let service_name = self.service_name(code, stated.get("service.name"));
        resource.insert("service.name".to_owned(), service_name.clone());
        let (version, version_origin) = match &code.service_version {
            Some(version) => (Some(version.clone()), Origin::Code),
            None => (version, version_origin),
        };
        let shown = version.clone().unwrap_or_else(|| "none".to_owned());
        self.show(&spec::SERVICE_VERSION, shown, version_origin);
        if let Some(version) = version {
            resource.insert("service.version".to_owned(), version);
        }

        let attributes: Attributes = resource.into_iter().collect();
        ResolvedResource {
            service_name,
            target_info: identifying(&attributes, &found),
            attributes,
            is_development_stated: environment == DeploymentEnvironment::Development
                && environment_origin != Origin::Default,
        }
    }

    fn service_name(&mut self, code: &Code, named: Option<&String>) -> String {
        self.pick(
            &spec::SERVICE_NAME,
            code.service_name.clone(),
            parse::text,
            || {
                named.cloned().unwrap_or_else(|| {
                    if code.name.is_empty() {
                        format!("unknown_service:{}", program())
                    } else {
                        code.name.clone()
                    }
                })
            },
        )
    }

    fn kubernetes(&mut self, resource: &mut BTreeMap<String, String>) {
        let is_in_pod = self.environment.is_in_pod();
        for (key, spec) in KUBERNETES {
            let found = self.found(spec, |text| Ok(text.to_owned()));
            let mounted = || {
                let namespace = (is_in_pod && spec.name() == NAMESPACE.name())
                    .then(service_account_namespace)??;
                Some((namespace, Origin::Default))
            };
            let value = found
                .map(|(value, variable)| (value, Origin::Environment(variable)))
                .or_else(mounted);
            let (shown, origin) = value
                .clone()
                .unwrap_or_else(|| ("none".to_owned(), Origin::Default));
            self.show(spec, shown, origin);
            if let Some((value, _)) = value {
                resource.insert(key.to_owned(), value);
            }
        }
    }
}

/// The program's name, for a service that was given none.
fn program() -> String {
    std::env::args_os()
        .next()
        .as_deref()
        .and_then(|path| std::path::Path::new(path).file_name())
        .map_or_else(
            || "rust".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        )
}

const ENVIRONMENT_KEY: &str = "deployment.environment.name";
