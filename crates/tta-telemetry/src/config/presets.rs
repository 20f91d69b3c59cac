//! Configurations to begin with.

use super::ObservabilityConfig;
use crate::settings::Preset;

impl ObservabilityConfig {
    /// For a developer's machine: everything is recorded and shown soon, traces on the terminal where
    /// no endpoint is set. The environment is read, and wins. See [`Preset::Development`].
    ///
    /// # Examples
    ///
    /// ```no_run
    /// let guard = tta_telemetry::ObservabilityConfig::development("my-app").init();
    /// # drop(guard);
    /// ```
    pub fn development(service_name: impl Into<String>) -> Self {
        Self::from_env(service_name).with_preset(Preset::Development)
    }

    /// For where users are: JSON lines, compressed exports, room for a collector's restart, and time
    /// to deliver at the end. The environment is read, and wins. See [`Preset::Production`].
    pub fn production(service_name: impl Into<String>) -> Self {
        Self::from_env(service_name).with_preset(Preset::Production)
    }

    /// For tests: nothing leaves the process, no port is opened and nothing is printed. The
    /// environment is not read, so that a test does the same everywhere. See [`Preset::Test`].
    pub fn test(service_name: impl Into<String>) -> Self {
        Self::new(service_name).with_preset(Preset::Test)
    }

    /// Takes the defaults that are not set from a preset.
    pub fn with_preset(mut self, preset: Preset) -> Self {
        self.code.preset = Some(preset);
        self
    }
}
