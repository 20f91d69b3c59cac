//! Picking the value that holds for one setting, and noting where it comes from.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::time::Duration;

use super::parse::{self, Parsed};
use super::spec::{SETTINGS, SettingSpec};
use super::{Origin, Setting};

/// The variables that are set, and not empty.
#[derive(Clone, Default)]
pub(crate) struct Environment(pub(super) BTreeMap<&'static str, String>);

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
        let set = variables.filter_map(|name| {
            let value = lookup(name)?.trim().to_owned();
            (!value.is_empty()).then_some((*name, value))
        });
        Self(set.collect())
    }
}

/// Picks values, and keeps the account of them.
pub(super) struct Picker<'a> {
    pub(super) environment: &'a Environment,
    pub(super) shown: Vec<Setting>,
    pub(super) warnings: Vec<String>,
}

impl<'a> Picker<'a> {
    pub(super) fn new(environment: &'a Environment) -> Self {
        Self {
            environment,
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
            .found(spec, parse)
            .map(|(value, variable)| (value, Origin::Environment(variable)));
        let first = if spec.environment_wins {
            set.or(code)
        } else {
            code.or(set)
        };
        let (value, origin) = first.unwrap_or_else(|| (default(), Origin::Default));
        self.show(spec, show(&value), origin);
        value
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

    /// Says once what is wrong, however many settings share the variable.
    pub(super) fn warn(&mut self, message: String) {
        if !self.warnings.contains(&message) {
            self.warnings.push(message);
        }
    }

    pub(super) fn show(&mut self, spec: &SettingSpec, value: String, origin: Origin) {
        self.shown.push(Setting {
            name: spec.name(),
            value,
            origin,
        });
    }
}
