//! Debian packages, installed without their services.
//!
//! The tests start their own servers on free ports. A Redis on 6379 that a package started would
//! hide a test which forgot to, and take a port from the machine's owner.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::command::{Failure, Result, Run, find_program};
use crate::steps::Voice;

/// The programs that are not installed.
pub(super) fn missing() -> Vec<String> {
    PROGRAMS
        .iter()
        .filter(|(program, _)| find_program(program).is_none())
        .map(|(program, _)| (*program).to_owned())
        .collect()
}

/// Installs the packages of the missing programs.
pub(super) fn install(root: &Path, voice: &Voice<'_>) -> Result {
    let packages: BTreeSet<&str> = PROGRAMS
        .iter()
        .filter(|(program, _)| find_program(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    if packages.is_empty() {
        return Ok(());
    }
    install_packages(root, voice, &packages)?;
    match missing() {
        still if still.is_empty() => Ok(()),
        still => Err(Failure::new(format!(
            "installed, but still not found: {}",
            still.join(", ")
        ))),
    }
}

/// Installs Debian packages, or says the command that somebody with the right to it can type.
pub(super) fn install_packages(
    root: &Path,
    voice: &Voice<'_>,
    packages: &BTreeSet<&str>,
) -> Result {
    let names: Vec<&str> = packages.iter().copied().collect();
    let by_hand = format!(
        "apt-get update && apt-get install --yes --no-install-recommends {}",
        names.join(" ")
    );
    if find_program("apt-get").is_none() {
        return Err(Failure::new(format!(
            "this machine has no apt-get; install the equivalent of: {}",
            names.join(" ")
        )));
    }
    if !is_root() {
        return Err(Failure::new(format!(
            "not root; run as root: sh -c '{by_hand}'"
        )));
    }
    let before = running_services();
    let policy = NoServices::set();
    voice.run(apt(root, ["update"]))?;
    let install = ["install", "--yes", "--no-install-recommends"];
    voice.run(apt(root, install.into_iter().chain(names.iter().copied())))?;
    drop(policy);
    quiet_services(root, voice, &before)
}

fn apt<'a>(root: &Path, args: impl IntoIterator<Item = &'a str>) -> Run {
    Run::program(root, "apt-get", ["-q"].into_iter().chain(args))
        .env("DEBIAN_FRONTEND", "noninteractive")
}

/// Keeps package scripts from starting services while it lives, unless the machine has its own
/// say in the matter already.
struct NoServices {
    ours: bool,
}

impl NoServices {
    fn set() -> Self {
        let policy = Path::new(POLICY);
        if policy.exists() {
            return Self { ours: false };
        }
        let written = fs::write(policy, "#!/bin/sh\nexit 101\n")
            .and_then(|()| fs::set_permissions(policy, fs::Permissions::from_mode(0o755)));
        // What could not be prevented is stopped afterwards.
        Self {
            ours: written.is_ok(),
        }
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours {
            let _ = fs::remove_file(POLICY);
        }
    }
}

/// Stops what the installation started in spite of the policy, and never what ran before it.
/// Under systemd it would start again at the next boot, so there it is disabled too.
fn quiet_services(root: &Path, voice: &Voice<'_>, before: &BTreeSet<&str>) -> Result {
    if Path::new("/run/systemd/system").is_dir() {
        for service in SERVICES.iter().filter(|service| !before.contains(*service)) {
            let unit = Path::new("/lib/systemd/system").join(format!("{service}.service"));
            if unit.exists() {
                voice.run(Run::program(
                    root,
                    "systemctl",
                    ["disable", "--now", service],
                ))?;
            }
        }
    }
    for service in running_services().difference(before) {
        voice.say(&format!(
            "stopping the service {service}, which the package started"
        ));
        voice.run(Run::program(root, "service", [service, "stop"]))?;
    }
    Ok(())
}

/// Those of our packages' services that run as daemons now.
fn running_services() -> BTreeSet<&'static str> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return BTreeSet::new();
    };
    let commands: BTreeSet<String> = processes
        .flatten()
        .filter(|process| is_daemon(&process.path()))
        .filter_map(|process| fs::read_to_string(process.path().join("comm")).ok())
        .map(|comm| comm.trim().to_owned())
        .collect();
    SERVICES
        .iter()
        .copied()
        .filter(|service| {
            // The kernel keeps fifteen characters of a command's name.
            let comm: String = service.chars().take(15).collect();
            commands.contains(&comm)
        })
        .collect()
}

/// A daemon is a child of init: a server that somebody started in a shell is not our business.
fn is_daemon(process: &Path) -> bool {
    fs::read_to_string(process.join("status"))
        .is_ok_and(|status| status.lines().any(|line| line.trim_end() == "PPid:\t1"))
}

fn is_root() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| {
        status
            .lines()
            .find_map(|line| line.strip_prefix("Uid:"))
            // Real, effective, saved, file system: the effective one has the rights.
            .and_then(|ids| ids.split_whitespace().nth(1))
            == Some("0")
    })
}

/// Each program the tests start, and the package that brings it.
const PROGRAMS: &[(&str, &str)] = &[
    ("redis-server", "redis-server"),
    ("prometheus", "prometheus"),
    ("promtool", "prometheus"),
    ("prometheus-alertmanager", "prometheus-alertmanager"),
    ("amtool", "prometheus-alertmanager"),
    ("faketime", "faketime"),
    ("valgrind", "valgrind"),
    ("prlimit", "util-linux"),
    ("setpriv", "util-linux"),
];

/// What those packages, and the ones they recommend, start by themselves.
const SERVICES: &[&str] = &[
    "redis-server",
    "prometheus",
    "prometheus-alertmanager",
    "prometheus-node-exporter",
];

/// Asked by Debian's package scripts before they start a service; 101 forbids it.
const POLICY: &str = "/usr/sbin/policy-rc.d";
