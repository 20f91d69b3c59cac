//! Notes which compiler builds the crate, which no process can find out about itself.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=RUSTC");
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let answer = Command::new(compiler).arg("--version").output();
    let text = answer.map(|answer| String::from_utf8_lossy(&answer.stdout).into_owned());
    // `rustc 1.95.0 (59807616e 2026-04-14)`: the second word.
    let text = text.unwrap_or_default();
    let version = text.split(' ').nth(1).unwrap_or("unknown");
    println!("cargo::rustc-env=TTA_RUSTC_VERSION={version}");
}
