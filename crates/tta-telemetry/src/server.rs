//! Serving `/metrics` and `/health`.

#[cfg(feature = "metrics-server")]
pub(crate) use present::Server;

#[cfg(not(feature = "metrics-server"))]
pub(crate) use absent::Server;

/// Where metrics are shown.
pub(crate) const METRICS: &str = "metrics";

#[cfg(feature = "metrics-server")]
mod present {
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use std::time::Duration;

    use tta_metrics_server::{MetricsServer, RunningServer};

    use super::METRICS;
    use crate::config::ObservabilityConfig;
    use crate::exposition::{ExpositionOptions, HealthCheck, PrometheusExposition};
    use crate::settings::Resolved;
    use crate::status::PartStatus;

    /// The server, if it could be started.
    #[derive(Debug)]
    pub(crate) struct Server {
        running: Mutex<Option<RunningServer>>,
        url: Option<String>,
        failure: Option<PartStatus>,
    }

    impl Server {
        pub(crate) fn start(
            config: &ObservabilityConfig,
            settings: &Resolved,
            health: HealthCheck,
        ) -> Self {
            let Some((host, port)) = &settings.prometheus else {
                return Self::without(PartStatus::disabled(METRICS, "not asked for"));
            };
            let exposition = PrometheusExposition::new(ExpositionOptions {
                target_info: settings.target_info.clone(),
                build_info: build_info(),
                user_registry: config.user_registry.clone(),
                aliases: settings.metric_aliases,
                health,
            });
            let server = MetricsServer::new(exposition)
                .with_host(host.clone())
                .with_port(*port)
                .start();
            match server {
                Ok(running) => Self {
                    url: Some(format!("http://{}/metrics", running.local_addr())),
                    running: Mutex::new(Some(running)),
                    failure: None,
                },
                Err(why) => {
                    Self::without(PartStatus::degraded(METRICS, format!("failed to {why}")))
                }
            }
        }

        /// No server.
        pub(crate) fn without(why: PartStatus) -> Self {
            Self {
                running: Mutex::new(None),
                url: None,
                failure: Some(why),
            }
        }

        pub(crate) fn status(&self) -> PartStatus {
            match &self.failure {
                Some(why) => why.clone(),
                None if self.is_running() => PartStatus::healthy(METRICS),
                None => PartStatus::disabled(METRICS, "shut down"),
            }
        }

        pub(crate) fn is_running(&self) -> bool {
            self.running()
                .as_ref()
                .is_some_and(RunningServer::is_running)
        }

        pub(crate) fn url(&self) -> Option<&str> {
            self.url.as_deref().filter(|_| self.is_running())
        }

        /// Lets requests finish until the deadline, and frees the port.
        pub(crate) fn shutdown(&self, patience: Duration) {
            let running = self.running().take();
            if let Some(running) = running {
                let _report = running.shutdown(patience);
            }
        }

        fn running(&self) -> MutexGuard<'_, Option<RunningServer>> {
            // Each change is a single step, and no other code runs under the lock.
            self.running.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    /// What is shown as `tta_build_info`.
    fn build_info() -> Vec<(String, String)> {
        let features = [
            ("logs", cfg!(feature = "logs")),
            ("metrics-server", cfg!(feature = "metrics-server")),
            ("otlp", cfg!(feature = "otlp")),
            ("prometheus", cfg!(feature = "prometheus")),
        ];
        let features = features.into_iter().filter(|(_, on)| *on);
        let features: Vec<_> = features.map(|(name, _)| name).collect();
        vec![
            ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ("features".to_owned(), features.join(",")),
        ]
    }
}

#[cfg(not(feature = "metrics-server"))]
#[allow(
    clippy::unused_self,
    reason = "it has the shape of the one that is there"
)]
mod absent {
    use std::time::Duration;

    use super::METRICS;
    use crate::config::ObservabilityConfig;
    use crate::settings::Resolved;
    use crate::status::PartStatus;

    /// No server.
    #[derive(Debug)]
    pub(crate) struct Server(PartStatus);

    impl Server {
        pub(crate) fn start(
            _config: &ObservabilityConfig,
            _settings: &Resolved,
            _health: Box<dyn Fn() -> (bool, String) + Send + Sync>,
        ) -> Self {
            Self(PartStatus::disabled(
                METRICS,
                "the feature `metrics-server` is off",
            ))
        }

        pub(crate) fn without(why: PartStatus) -> Self {
            Self(why)
        }

        pub(crate) fn status(&self) -> PartStatus {
            self.0.clone()
        }

        pub(crate) fn is_running(&self) -> bool {
            false
        }

        pub(crate) fn url(&self) -> Option<&str> {
            None
        }

        pub(crate) fn shutdown(&self, _patience: Duration) {}
    }
}
