//! What telemetry would do here: each setting with its value and where it comes from, and how each
//! part is doing. Nothing secret is shown.
//!
//! ```text
//! OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4317 LOG_LEVEL=warn cargo run --example status
//! ```
//!
//! An argument names a preset to look at: `development`, `production` or `test`.

use tta::prelude::*;
use tta::{ObservabilityConfig, Preset};

fn main() -> Result<()> {
    let config = ObservabilityConfig::from_env("status");
    let config = match std::env::args().nth(1).as_deref() {
        None => config,
        Some("development") => config.with_preset(Preset::Development),
        Some("production") => config.with_preset(Preset::Production),
        Some("test") => config.with_preset(Preset::Test),
        Some(other) => {
            let why = format!("there is no preset {other}; name development, production or test");
            return Err(Error::new(ErrorKind::Configuration, why));
        }
    };
    let guard = config.try_init()?;
    println!("{}", guard.status());
    Ok(())
}
