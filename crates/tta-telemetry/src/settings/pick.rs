//! Picking the value that holds for one setting, and noting where it comes from.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::time::Duration;

use super::kubernetes_spec::KUBERNETES;
use super::parse::{self, Parsed};
use super::spec::{SETTINGS, SettingSpec};
use super::{Origin, Preset, Setting};

/// The variables that are set, and not empty.
#[derive(Clone, Default)]
pub(crate) struct Environment(pub(super) BTreeMap<&'static str, String>);

/// Set in every container of a pod.
const IN_POD: &str = "KUBERNETES_SERVICE_HOST";

impl fmt::Debug for Environment {
    /// Any of them may be secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Environment {
    /// Reads every variable that a setting has.
    pub(crate) fn read(mut lookup: impl FnMut(&str) -> Option<String>) -> Self {
        let variables = SETTINGS.iter().flat_map(|spec| spec.variables);
        let set = variables.chain([&IN_POD]).filter_map(|name| {
            let value = lookup(name)?.trim().to_owned();
            (!value.is_empty()).then_some((*name, value))
        });
        let mut environment = Self(set.collect());
        if !environment.is_in_pod() {
            // Elsewhere these names may mean something else.
            let is_general = |name: &str| {
                let of_pods = KUBERNETES
                    .iter()
                    .any(|(_, spec)| spec.variables.contains(&name));
                of_pods && !name.starts_with("K8S_")
            };
            environment.0.retain(|name, _| !is_general(name));
        }
        environment
    }

    /// Whether the process runs in a pod of Kubernetes.
    pub(super) fn is_in_pod(&self) -> bool {
        self.0.contains_key(IN_POD)
    }
}

/// Picks values, and keeps the account of them.
pub(super) struct Picker<'a> {
    pub(super) environment: &'a Environment,
    preset: Option<Preset>,
    pub(super) shown: Vec<Setting>,
    pub(super) warnings: Vec<String>,
}

impl<'a> Picker<'a> {
    pub(super) fn new(environment: &'a Environment, preset: Option<Preset>) -> Self {
        Self {
            environment,
            preset,
            shown: Vec::new(),
            warnings: Vec::new(),
        }
    }

    pub(super) fn time(
        &mut self,
        spec: &SettingSpec,
        code: Option<Duration>,
        default: Duration,
    ) -> Duration {
        self.pick_shown(
            spec,
            code,
            parse::milliseconds,
            || default,
            |time| time.as_millis().to_string(),
        )
    }

    pub(super) fn pick<T: Display>(
        &mut self,
        spec: &SettingSpec,
        code: Option<T>,
        parse: impl Fn(&str) -> Parsed<T>,
        default: impl FnOnce() -> T,
    ) -> T {
        self.pick_shown(spec, code, parse, default, ToString::to_string)
    }

    pub(super) fn pick_shown<T>(
        &mut self,
        spec: &SettingSpec,
        code: Option<T>,
        parse: impl Fn(&str) -> Parsed<T>,
        default: impl FnOnce() -> T,
        show: impl Fn(&T) -> String,
    ) -> T {
        let code = code.map(|value| (value, Origin::Code));
        let set = self
            .found(spec, &parse)
            .map(|(value, variable)| (value, Origin::Environment(variable)));
        let first = if spec.environment_wins {
            set.or(code)
        } else {
            code.or(set)
        };
        // What a preset has is written by us, and can be parsed.
        let by_preset = || {
            let (text, origin) = self.preset_of(spec)?;
            Some((parse(&text).ok()?, origin))
        };
        let (value, origin) = first
            .or_else(by_preset)
            .unwrap_or_else(|| (default(), Origin::Default));
        self.show(spec, show(&value), origin);
        value
    }

    /// What the preset, if there is one, has for a setting, as text.
    pub(super) fn preset_of(&self, spec: &SettingSpec) -> Option<(String, Origin)> {
        let preset = self.preset?;
        let text = preset.value(spec.name())?;
        Some((text.to_owned(), Origin::Preset(preset.as_str())))
    }

    /// The value of the first variable that is set and can be parsed.
    pub(super) fn found<T>(
        &mut self,
        spec: &SettingSpec,
        parse: impl Fn(&str) -> Parsed<T>,
    ) -> Option<(T, &'static str)> {
        for variable in spec.variables {
            let Some(text) = self.environment.0.get(variable) else {
                continue;
            };
            match parse(text) {
                Ok(value) => return Some((value, variable)),
                Err(wanted) => {
                    let text = if spec.secret { "***" } else { text };
                    self.warn(format!(
                        "{variable}={text} is ignored, for it is not {wanted}"
                    ));
                }
            }
        }
        None
    }

    /// Where the value that was picked last comes from.
    pub(super) fn latest_origin(&self) -> Origin {
        self.shown
            .last()
            .map_or(Origin::Default, |setting| setting.origin)
    }

    /// Says once what is wrong, however many settings share the variable.
    pub(super) fn warn(&mut self, message: String) {
        if !self.warnings.contains(&message) {
            self.warnings.push(message);
        }
    }

    pub(super) fn show(&mut self, spec: &SettingSpec, value: String, origin: Origin) {
        self.shown.push(Setting {
            name: spec.name(),
            value: in_one_line(value),
            origin,
        });
    }
}

/// What a terminal would obey is written out.
fn in_one_line(value: String) -> String {
    if !value.contains(char::is_control) {
        return value;
    }
    let mut line = String::with_capacity(value.len() + 8);
    for c in value.chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}
