//! A real Alertmanager.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use serde_json::Value;

use super::missing::{StartError, program};
use super::process::Process;
use super::prometheus::Labels;
use crate::http;

/// An Alertmanager on a free port, which keeps what it is told and tells nobody.
///
/// # Examples
///
/// ```
/// use tta_testkit::require;
/// use tta_testkit::servers::AlertmanagerServer;
///
/// # fn example() {
/// let alertmanager = require!(AlertmanagerServer::start());
/// assert!(alertmanager.alerts().unwrap().is_empty());
/// # }
/// # example();
/// ```
#[derive(Debug)]
pub struct AlertmanagerServer {
    _process: Process,
    address: SocketAddr,
}

impl AlertmanagerServer {
    /// Starts one and waits until it is ready.
    ///
    /// # Errors
    ///
    /// [`StartError::Missing`] where no `prometheus-alertmanager` is installed.
    pub fn start() -> Result<Self, StartError> {
        let program =
            program("prometheus-alertmanager", "TTA_ALERTMANAGER").map_err(StartError::Missing)?;
        let (process, [port]) = Process::launch(
            &program,
            |[port], folder| {
                let file = folder.join("alertmanager.yml");
                fs::write(&file, CONFIGURATION)?;
                let args = [
                    format!("--config.file={}", file.display()),
                    format!("--storage.path={}", folder.join("data").display()),
                    format!("--web.listen-address={}", loopback(port)),
                    // It is alone, and takes no second port for others.
                    "--cluster.listen-address=".to_owned(),
                ];
                Ok(args.into_iter().map(Into::into).collect())
            },
            |[port]| match http::get(loopback(port), "/-/ready")?.status() {
                200 => Ok(()),
                status => Err(io::Error::other(format!("it answers {status}"))),
            },
        )?;
        Ok(Self {
            _process: process,
            address: loopback(port),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The labels of every alert that fires now.
    ///
    /// # Errors
    ///
    /// When it does not answer.
    pub fn alerts(&self) -> io::Result<Vec<Labels>> {
        let answer = http::get(self.address, "/api/v2/alerts?active=true")?;
        let json: Value = serde_json::from_slice(answer.body())?;
        let alerts = json.as_array().into_iter().flatten();
        let of_alert = |alert: &Value| {
            let labels = alert.get("labels").and_then(Value::as_object);
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            labels
                .into_iter()
                .flatten()
                .map(|(name, value)| (name.clone(), text(value)))
                .collect()
        };
        Ok(alerts.map(of_alert).collect())
    }
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

const CONFIGURATION: &str = "route:\n  receiver: nobody\nreceivers:\n  - name: nobody\n";
