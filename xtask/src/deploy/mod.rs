//! `cargo xtask verify-deploy`: what is in `deploy/`, held against schemas that are not ours, and
//! against what no schema knows: the settings, the ports, and that each part finds the others.
//!
//! No container engine runs here, so nothing is started.

mod collector;
mod compose;
mod documents;
mod images;
mod kubernetes;
mod kustomize;
mod settings;
mod watchers;

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use serde_json::Value;

use self::documents::Documents;
use self::settings::Settings;
use crate::command::{Failure, Result, Run};
use crate::setup;
use crate::steps::{self, Step, Voice};
use crate::text_files;
use crate::workspace::Workspace;

/// Runs all checks.
pub(crate) fn run(workspace: &Workspace) -> Result {
    steps::run(workspace, "verify-deploy", steps(workspace))
}

/// The checks, one step each.
pub(crate) fn steps(workspace: &Workspace) -> Vec<Step<'_>> {
    vec![
        Step::new("deploy: what checks it is there", |_| {
            setup::install(workspace)
        }),
        Step::new("deploy: schemas", |voice| schemas(workspace, voice)),
        Step::new("deploy: Prometheus and Alertmanager", |voice| {
            configurations(workspace, voice)
        }),
        Step::new("deploy: what no schema knows", |_| rules(workspace)),
    ]
}

/// Compose's own schema, and those of Kubernetes for the oldest and the newest version we name.
fn schemas(workspace: &Workspace, voice: &Voice<'_>) -> Result {
    let bin = workspace.venv().join("bin");
    let compose = ["--builtin-schema", "vendor.compose-spec", COMPOSE];
    voice.run(Run::program(
        workspace.root(),
        bin.join("check-jsonschema"),
        compose,
    ))?;
    let documents = read(workspace)?;
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in OVERLAYS {
        let objects = kustomize::render(&documents, folder).map_err(Failure::new)?;
        // What an operator brings along has no schema here; its fields are checked by rules.
        let native = objects.iter().filter(|object| {
            let version = documents::text(object, "/apiVersion");
            !version.starts_with("monitoring.coreos.com/")
        });
        let mut stream = String::new();
        for object in native {
            // Writing into a string cannot fail.
            let _ = write!(stream, "---\n{object}\n");
        }
        let name = folder.rsplit('/').next().unwrap_or(folder);
        let file = workspace
            .log(&format!("kubernetes {name}"))
            .with_extension("yaml");
        let folder = file.parent().map_or(Ok(()), fs::create_dir_all);
        folder
            .and_then(|()| fs::write(&file, stream))
            .map_err(|error| Failure::new(format!("cannot write {}: {error}", file.display())))?;
        files.push(file);
    }
    for version in KUBERNETES {
        let mut args: Vec<PathBuf> = ["-k", version, "--strict", "--quiet"]
            .map(Into::into)
            .into();
        args.extend(files.iter().cloned());
        let validate = bin.join("kubernetes-validate");
        voice.run(Run::program(workspace.root(), validate, args))?;
    }
    Ok(())
}

fn configurations(workspace: &Workspace, voice: &Voice<'_>) -> Result {
    let prometheus = [
        "check",
        "config",
        "deploy/prometheus/prometheus.yml",
        "deploy/prometheus/compose.yml",
    ];
    voice.run(Run::program(workspace.root(), "promtool", prometheus))?;
    let alertmanager = ["check-config", "deploy/alertmanager/alertmanager.yml"];
    voice.run(Run::program(workspace.root(), "amtool", alertmanager))
}

fn rules(workspace: &Workspace) -> Result {
    let documents = read(workspace)?;
    let root = workspace.root();
    let file = |path: &str| {
        fs::read_to_string(root.join(path))
            .map_err(|error| Failure::new(format!("cannot read {path}: {error}")))
    };
    let settings = Settings::of(&file("docs/reference/settings.md")?);
    let dockerfile = file("deploy/Dockerfile")?;
    let compose = documents.first(COMPOSE);
    let mut wrong = Vec::new();
    let mut says = |of: &str, found: Vec<String>| {
        wrong.extend(found.into_iter().map(|what| format!("{of}: {what}")));
    };
    says(
        "deploy/Dockerfile",
        images::wrong_dockerfile(&dockerfile, &file(".dockerignore")?),
    );
    says(
        COMPOSE,
        compose::wrong(compose, |path| root.join(path).exists()),
    );
    says(
        COMPOSE,
        compose::wrong_app(compose, images::exposed(&dockerfile)),
    );
    says(COMPOSE, settings.unknown(compose::variables(compose)));
    says("deploy", watchers::wrong(&documents));
    for backend in BACKENDS {
        let path = format!("deploy/collector/{backend}.yaml");
        says(&path, collector::wrong(documents.first(&path)));
    }
    for (folder, wanted) in [(BASE, 0), (OVERLAYS[0], 1), (OVERLAYS[1], 1)] {
        let objects: Vec<Value> = kustomize::render(&documents, folder).map_err(Failure::new)?;
        says(folder, kubernetes::wrong(&objects));
        says(folder, settings.unknown(kubernetes::variables(&objects)));
        let scrapes = kubernetes::scrapes(&objects);
        if scrapes != wanted {
            says(
                folder,
                vec![format!(
                    "its pods are scraped {scrapes} times instead of {wanted}"
                )],
            );
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(Failure::new(wrong.join("\n")))
}

fn read(workspace: &Workspace) -> Result<Documents> {
    Documents::read(workspace, &text_files::read(workspace)?)
}

const COMPOSE: &str = "deploy/compose.yaml";
const BASE: &str = "deploy/kubernetes/base";
const OVERLAYS: [&str; 2] = [
    "deploy/kubernetes/overlays/podmonitor",
    "deploy/kubernetes/overlays/annotations",
];

/// The oldest that knows the pause before the end, and the newest there is a schema of.
const KUBERNETES: [&str; 2] = ["1.30", "1.37"];

const BACKENDS: [&str; 6] = [
    "jaeger",
    "tempo",
    "zipkin",
    "aws-xray",
    "google-cloud",
    "langfuse",
];
