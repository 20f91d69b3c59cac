//! Serving `/metrics` and `/health`.

#[cfg(feature = "metrics-server")]
pub(crate) use present::Server;

#[cfg(not(feature = "metrics-server"))]
pub(crate) use absent::Server;

/// What the application says of itself.
#[cfg_attr(
    not(feature = "metrics-server"),
    allow(dead_code, reason = "nobody asks where nothing is served")
)]
pub(crate) struct Checks {
    /// Whether all is well, and the JSON that says more.
    pub(crate) health: Box<dyn Fn() -> (bool, String) + Send + Sync>,
    /// Whether it can take work now.
    pub(crate) ready: Box<dyn Fn() -> bool + Send + Sync>,
}

/// Where metrics are shown.
pub(crate) const METRICS: &str = "metrics";

#[cfg(feature = "metrics-server")]
mod present {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::{Mutex, MutexGuard, PoisonError};
    use std::time::Duration;

    use tta_metrics_server::{BasicAuth, MetricsServer, RunningServer, ServerEvent};

    use super::{Checks, METRICS};
    use crate::config::ObservabilityConfig;
    use crate::exposition::{ExpositionOptions, PrometheusExposition};
    use crate::report;
    use crate::server_metrics::ServerMetrics;
    use crate::settings::{Doors, Resolved};
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
            checks: Checks,
        ) -> Self {
            let Some((host, port)) = &settings.prometheus else {
                return Self::without(PartStatus::disabled(METRICS, "not asked for"));
            };
            let exposition = PrometheusExposition::new(ExpositionOptions {
                target_info: settings.target_info.clone(),
                build_info: build_info(),
                user_registry: config.user_registry.clone(),
                aliases: settings.metric_aliases,
                health: checks.health,
                ready: checks.ready,
                redaction: config.redaction.clone(),
            });
            let server = MetricsServer::new(exposition)
                .with_host(host.clone())
                .with_port(*port)
                .with_observer(ServerMetrics::new())
                .with_event_listener(Teller::default().into_listener());
            let server = match locked(server, &settings.doors) {
                Ok(server) => server.start(),
                Err(why) => {
                    let why = format!("failed to protect what is served, so nothing is: {why}");
                    return Self::without(PartStatus::degraded(METRICS, why));
                }
            };
            match server {
                Ok(running) => {
                    ServerMetrics::show_connections(running.stats_reader());
                    let scheme = match settings.doors.certificate {
                        Some(_) => "https",
                        None => "http",
                    };
                    Self {
                        url: Some(format!("{scheme}://{}/metrics", running.local_addr())),
                        running: Mutex::new(Some(running)),
                        failure: None,
                    }
                }
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

    /// The server with the locks that its doors are to have, or why they cannot have them.
    fn locked(server: MetricsServer, doors: &Doors) -> Result<MetricsServer, String> {
        if let Some(why) = doors.contradiction() {
            return Err(why.to_owned());
        }
        let server = tls(server, doors)?;
        let Some(username) = &doors.username else {
            return Ok(server);
        };
        let auth = match (&doors.password, &doors.password_file) {
            (Some(password), _) => BasicAuth::new(username, password.reveal()),
            (None, Some(path)) => BasicAuth::from_password_file(username, path),
            // A name without a password is a contradiction, and has been refused.
            (None, None) => return Ok(server),
        };
        let auth = auth.map_err(|why| why.to_string())?;
        Ok(server.with_basic_auth(auth))
    }

    #[cfg(feature = "tls")]
    #[expect(
        clippy::unnecessary_wraps,
        reason = "it has the shape of the one that refuses"
    )]
    fn tls(server: MetricsServer, doors: &Doors) -> Result<MetricsServer, String> {
        let (Some(certificate), Some(key)) = (&doors.certificate, &doors.key) else {
            return Ok(server);
        };
        let mut files = tta_metrics_server::TlsFiles::new(certificate, key);
        if let Some(path) = &doors.client_ca {
            files = files.with_client_ca(path);
        }
        Ok(server.with_tls(files))
    }

    #[cfg(not(feature = "tls"))]
    fn tls(server: MetricsServer, doors: &Doors) -> Result<MetricsServer, String> {
        match doors.certificate {
            Some(_) => Err("TLS is asked for, and the feature `tls` is off".to_owned()),
            None => Ok(server),
        }
    }

    /// Says what the server tells of itself, once for each change of state.
    #[derive(Default)]
    struct Teller {
        has_panicked: AtomicBool,
    }

    impl Teller {
        fn into_listener(self) -> impl Fn(&ServerEvent) + Send + Sync {
            move |event| match event {
                ServerEvent::AcceptFailed { message } => {
                    report::degraded(METRICS, &format!("no connection is accepted: {message}"));
                }
                ServerEvent::ReloadFailed { what, message } => {
                    let why = format!("{what} could not be renewed, the former is used: {message}");
                    report::degraded(METRICS, &why);
                }
                ServerEvent::RenderPanicked { message }
                    if !self.has_panicked.swap(true, Ordering::Relaxed) =>
                {
                    report::degraded(METRICS, &format!("a page panicked: {message}"));
                }
                ServerEvent::AcceptRecovered | ServerEvent::Reloaded { .. } => {
                    report::recovered(METRICS);
                }
                _ => {}
            }
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

    use super::{Checks, METRICS};
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
            _checks: Checks,
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
