//! How telemetry is doing, part by part.

use std::fmt;

use crate::json::Object;
use crate::ledger::{Ledger, SignalLedger};
use crate::settings::{Resolved, Setting};

/// How telemetry is doing. Prints itself for people.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Status {
    /// The worst of the parts.
    pub state: State,
    /// Whether telemetry had been initialised before, so that this guard shares the first one's.
    pub already_initialized: bool,
    /// Each part.
    pub parts: Vec<PartStatus>,
    /// Each setting as it holds, and where its value comes from.
    pub settings: Vec<Setting>,
    /// The attributes of the process, as every signal has them.
    pub resource: Vec<(String, String)>,
    /// What is wrong with the settings.
    pub warnings: Vec<String>,
    /// Where metrics are served, if they are.
    pub metrics_url: Option<String>,
    /// Where traces go, if anywhere.
    pub otlp_endpoint: Option<String>,
    /// How they go there.
    pub otlp_protocol: Option<&'static str>,
    /// Why the latest export that failed did, be it over or not.
    pub last_export_error: Option<String>,
    /// The account of all records of this initialisation.
    pub ledger: Ledger,
}

/// How one part of telemetry is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PartStatus {
    /// traces, metrics, logs, tracing (the spans of other libraries), and what goes over OTLP
    /// besides: `metrics_otlp` and `logs_otlp`.
    pub name: &'static str,
    /// How it is doing.
    pub state: State,
    /// Why, where it is not healthy.
    pub reason: Option<String>,
}

/// How something is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// All is well.
    Healthy,
    /// It does not work as it should; the application is not affected.
    Degraded,
    /// It is off, as was asked for.
    Disabled,
}

impl State {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Degraded => "degraded",
            Self::Disabled => "disabled",
        }
    }

    /// The state of something that has these parts.
    pub(crate) fn of(parts: &[PartStatus]) -> Self {
        let any = |state| parts.iter().any(|part| part.state == state);
        if any(Self::Degraded) {
            Self::Degraded
        } else if any(Self::Healthy) {
            Self::Healthy
        } else {
            Self::Disabled
        }
    }
}

impl PartStatus {
    pub(crate) fn healthy(name: &'static str) -> Self {
        Self {
            name,
            state: State::Healthy,
            reason: None,
        }
    }

    pub(crate) fn degraded(name: &'static str, reason: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Degraded,
            reason: Some(reason.into()),
        }
    }

    pub(crate) fn disabled(name: &'static str, reason: impl Into<String>) -> Self {
        Self {
            name,
            state: State::Disabled,
            reason: Some(reason.into()),
        }
    }
}

impl Status {
    /// What a handle says behind which no telemetry of this process runs: a child's that was forked
    /// from the process in which it does, or one's that came while another began or ended.
    pub(crate) fn of_nothing_here(settings: &Resolved, why: PartStatus) -> Self {
        Self {
            state: why.state,
            already_initialized: false,
            parts: vec![why],
            settings: settings.shown.clone(),
            resource: settings.resource.clone(),
            warnings: settings.warnings.clone(),
            metrics_url: None,
            otlp_endpoint: None,
            otlp_protocol: None,
            last_export_error: None,
            ledger: Ledger::default(),
        }
    }

    /// A part by its name.
    pub fn part(&self, name: &str) -> Option<&PartStatus> {
        self.parts.iter().find(|part| part.name == name)
    }

    /// A setting by its name.
    pub fn setting(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.name == name)
    }

    /// What `/health` answers: states, counts, and settings with their origins; what is secret as
    /// `***`.
    pub fn to_json(&self) -> String {
        let mut parts = Object::new();
        for part in &self.parts {
            let mut json = Object::new().text("state", part.state.as_str());
            if let Some(reason) = &part.reason {
                json = json.text("reason", reason);
            }
            parts = parts.raw(part.name, &json.finish());
        }
        let mut ledger = Object::new();
        for (signal, account) in self.ledger.signals() {
            ledger = ledger.raw(signal, &account_json(&account));
        }
        let mut settings = Object::new();
        for setting in &self.settings {
            let json = Object::new()
                .text("value", &setting.value)
                .text("origin", &setting.origin.to_string());
            settings = settings.raw(setting.name, &json.finish());
        }
        Object::new()
            .text("status", self.state.as_str())
            .raw("parts", &parts.finish())
            .raw("ledger", &ledger.finish())
            .raw("settings", &settings.finish())
            .finish()
    }
}

fn account_json(account: &SignalLedger) -> String {
    let mut dropped = Object::new();
    for (reason, count) in account.reasons() {
        dropped = dropped.number(reason.as_str(), count);
    }
    Object::new()
        .number("created", account.created)
        .number("delivered", account.delivered)
        .raw("dropped", &dropped.finish())
        .number("queued", account.queued)
        .number("in_flight", account.in_flight)
        .finish()
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "telemetry: {}", self.state.as_str())?;
        if self.already_initialized {
            f.write_str(" (already initialized; the first initialisation holds)")?;
        }
        for part in &self.parts {
            write!(f, "\n  {}: {}", part.name, part.state.as_str())?;
            if let Some(reason) = &part.reason {
                write!(f, " ({reason})")?;
            }
        }
        if let Some(url) = &self.metrics_url {
            write!(f, "\n  metrics at {url}")?;
        }
        if let (Some(endpoint), Some(protocol)) = (&self.otlp_endpoint, self.otlp_protocol) {
            write!(f, "\n  traces to {endpoint} over {protocol}")?;
        }
        if let Some(error) = &self.last_export_error {
            write!(f, "\n  latest export error: {error}")?;
        }
        for warning in &self.warnings {
            write!(f, "\n  warning: {warning}")?;
        }
        f.write_str("\nresource:")?;
        for (key, value) in &self.resource {
            write!(f, "\n  {key} = {value}")?;
        }
        f.write_str("\nsettings:")?;
        for setting in &self.settings {
            let Setting {
                name,
                value,
                origin,
            } = setting;
            write!(f, "\n  {name} = {value} ({origin})")?;
        }
        Ok(())
    }
}
