//! Which crate may depend on which: the layers.

use crate::workspace::{Kind, Package};

/// The crate that everything rests on.
pub(super) const CORE: &str = "tta-core";

/// Edges that the layers forbid, each with the rule it breaks.
pub(super) fn wrong_edges(packages: &[Package]) -> Vec<String> {
    let is_member = |name: &str| packages.iter().any(|package| package.name == name);
    let mut wrong = Vec::new();
    for package in packages {
        let from = package.name.as_str();
        for dependency in &package.dependencies {
            let to = dependency.name.as_str();
            let reason = match dependency.kind {
                // What only tests use reaches no user; but the core's own tests must not lean on
                // the layer that is judged by the core.
                Kind::Dev if from == CORE && to == "tta-telemetry" => {
                    Some("the core does not know telemetry, not even in its tests")
                }
                Kind::Normal | Kind::Build if from == CORE => Some("the core has no dependencies"),
                Kind::Normal | Kind::Build if is_member(to) => forbidden(from, to),
                Kind::Normal | Kind::Build | Kind::Dev => None,
            };
            wrong.extend(reason.map(|reason| format!("{from} -> {to}: {reason}")));
        }
    }
    wrong
}

/// What `cargo tree` prints of a crate with nothing below it is one line.
pub(super) fn more_than_one_line(tree: &str) -> Vec<String> {
    match tree.lines().filter(|line| !line.trim().is_empty()).count() {
        1 => Vec::new(),
        lines => vec![format!(
            "the tree of {CORE} has {lines} lines, not one:\n{tree}"
        )],
    }
}

fn forbidden(from: &str, to: &str) -> Option<&'static str> {
    match layer(from) {
        Layer::Telemetry | Layer::Primitive | Layer::Edge | Layer::Testkit if to == CORE => None,
        Layer::Telemetry if layer(to) == Layer::Standalone => None,
        Layer::Telemetry => Some("telemetry rests on the core and the metrics server alone"),
        Layer::Edge => Some("what crosses the process's edge rests on the core and HTTP alone"),
        Layer::Primitive => Some("a primitive rests on the core alone, never on another crate"),
        Layer::Standalone => Some("the metrics server serves any renderer and knows no crate"),
        Layer::Facade if matches!(layer(to), Layer::Testkit | Layer::Tool) => {
            Some("the facade ships no developer's tool")
        }
        Layer::Testkit => Some("what judges the crates must not rest on them"),
        Layer::Facade | Layer::Tool => None,
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Layer {
    Primitive,
    Telemetry,
    /// Context across services: the core and the libraries of HTTP.
    Edge,
    Standalone,
    Facade,
    Testkit,
    /// Programs: examples, benches, xtask and the catalogue's generator.
    Tool,
}

/// A new `tta-` crate is a primitive until this list says otherwise: the strictest rule.
fn layer(package: &str) -> Layer {
    match package {
        "tta" => Layer::Facade,
        "tta-telemetry" => Layer::Telemetry,
        "tta-http" => Layer::Edge,
        "tta-metrics-server" => Layer::Standalone,
        "tta-testkit" => Layer::Testkit,
        "tta-examples" | "tta-benches" | "tta-catalog" | "tta-fuzz" => Layer::Tool,
        name if name.starts_with("tta-") => Layer::Primitive,
        _ => Layer::Tool,
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::workspace::Dependency;

    #[test]
    fn the_layers_as_drawn_are_accepted() {
        let packages = [
            package(
                "tta-core",
                &[("proptest", Kind::Dev), ("tta-testkit", Kind::Dev)],
            ),
            package(
                "tta-cache",
                &[("tta-core", Kind::Normal), ("tta-telemetry", Kind::Dev)],
            ),
            package(
                "tta-telemetry",
                &[("tta-core", Kind::Normal), ("tonic", Kind::Normal)],
            ),
            package(
                "tta-http",
                &[
                    ("tta-core", Kind::Normal),
                    ("http", Kind::Normal),
                    ("tta-telemetry", Kind::Dev),
                ],
            ),
            package("tta-metrics-server", &[("hyper", Kind::Normal)]),
            package("tta-testkit", &[("tta-core", Kind::Normal)]),
            package(
                "tta",
                &[
                    ("tta-cache", Kind::Normal),
                    ("tta-metrics-server", Kind::Normal),
                ],
            ),
            package("assistant", &[("tta", Kind::Normal)]),
        ];
        assert_eq!(wrong_edges(&packages), Vec::<String>::new());
    }

    #[test]
    fn each_edge_against_the_layers_is_named() {
        for (from, to, kind) in [
            ("tta-core", "serde", Kind::Normal),
            ("tta-core", "cc", Kind::Build),
            ("tta-core", "tta-telemetry", Kind::Dev),
            ("tta-cache", "tta-router", Kind::Normal),
            ("tta-cache", "tta-telemetry", Kind::Normal),
            ("tta-brand-new", "tta-cache", Kind::Build),
            ("tta-telemetry", "tta-cache", Kind::Normal),
            ("tta-http", "tta-telemetry", Kind::Normal),
            ("tta-http", "tta-cache", Kind::Normal),
            ("tta-metrics-server", "tta-core", Kind::Normal),
            ("tta-testkit", "tta-telemetry", Kind::Normal),
            ("tta", "tta-testkit", Kind::Normal),
        ] {
            let mut packages = vec![package(from, &[(to, kind)])];
            if to.starts_with("tta-") {
                packages.push(package(to, &[]));
            }
            let wrong = wrong_edges(&packages);
            assert_eq!(wrong.len(), 1, "{from} -> {to}");
            assert!(
                wrong[0].starts_with(&format!("{from} -> {to}: ")),
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn a_tree_with_a_branch_is_refused() {
        assert!(more_than_one_line("tta-core v0.1.0\n").is_empty());
        assert_eq!(
            more_than_one_line("tta-core v0.1.0\n└── serde v1.0.0\n").len(),
            1
        );
        assert_eq!(more_than_one_line("").len(), 1);
    }

    fn package(name: &str, dependencies: &[(&str, Kind)]) -> Package {
        Package {
            name: name.to_owned(),
            folder: PathBuf::new(),
            features: Vec::new(),
            examples: Vec::new(),
            dependencies: dependencies
                .iter()
                .map(|(name, kind)| Dependency {
                    name: (*name).to_owned(),
                    kind: *kind,
                })
                .collect(),
        }
    }
}
