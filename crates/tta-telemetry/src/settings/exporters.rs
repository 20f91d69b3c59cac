//! Which ways out a signal has.

use super::parse::Parsed;

/// A way out for a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Exporter {
    /// To the endpoint that is set, over OTLP.
    Otlp,
    /// Standard output, for people.
    Console,
    /// Served for Prometheus; metrics alone.
    Prometheus,
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
    pub(super) const OTLP: Self = Self {
        otlp: true,
        console: false,
        prometheus: false,
    };
    pub(super) const CONSOLE: Self = Self {
        otlp: false,
        console: true,
        prometheus: false,
    };
    pub(super) const PROMETHEUS: Self = Self {
        otlp: false,
        console: false,
        prometheus: true,
    };

    /// A list of ways out; metrics have one more.
    pub(super) fn parse(text: &str, are_metrics: bool) -> Parsed<Self> {
        let mut exporters = Self::default();
        for exporter in text.split(',').map(str::trim) {
            match exporter.to_ascii_lowercase().as_str() {
                "otlp" => exporters.otlp = true,
                "console" => exporters.console = true,
                "prometheus" if are_metrics => exporters.prometheus = true,
                "none" => {}
                _ if are_metrics => return Err("a list of prometheus, otlp, console and none"),
                _ => return Err("a list of otlp, console and none"),
            }
        }
        Ok(exporters)
    }

    pub(super) fn list(self) -> String {
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

impl FromIterator<Exporter> for Exporters {
    fn from_iter<I: IntoIterator<Item = Exporter>>(list: I) -> Self {
        let mut exporters = Self::default();
        for exporter in list {
            match exporter {
                Exporter::Otlp => exporters.otlp = true,
                Exporter::Console => exporters.console = true,
                Exporter::Prometheus => exporters.prometheus = true,
            }
        }
        exporters
    }
}
