//! What tests need besides Rust: a C compiler, and a Python environment with client libraries.
//! Quiet when everything is there.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::place::Place;
use crate::step;

const REQUIREMENTS: &str = "crates/crawlspace/tests/requirements.txt";

/// Sets up what is missing; the Python to run clients with.
pub fn run(place: &Place) -> Result<PathBuf> {
    if !step::succeeds("cc", &["--version"]) {
        install("a C compiler", &["gcc", "libc6-dev"])?;
    }
    let requirements = place.root.join(REQUIREMENTS);
    let wanted =
        fs::read(&requirements).with_context(|| format!("reading {}", requirements.display()))?;
    let mut hash = DefaultHasher::new();
    wanted.hash(&mut hash);
    let environment = place.cache.join(format!("venv-{:016x}", hash.finish()));
    let python = environment.join("bin/python");
    // Written last: an environment without it was left half made.
    let complete = environment.join("complete");
    if !complete.exists() || !step::succeeds(&python.to_string_lossy(), &["-c", ""]) {
        make_environment(&environment, &python, &requirements)?;
        fs::write(complete, "")?;
    }
    Ok(python)
}

fn make_environment(environment: &Path, python: &Path, requirements: &Path) -> Result<()> {
    if !step::succeeds("python3", &["-c", "import ensurepip, venv"]) {
        install("Python", &["python3", "python3-venv"])?;
    }
    println!(
        "set-up: making a Python environment in {}",
        environment.display()
    );
    let mut venv = Command::new("python3");
    step::run(venv.args(["-m", "venv", "--clear"]).arg(environment))?;
    let mut pip = Command::new(python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
    ]);
    step::run(pip.arg(requirements))
}

/// Installs Debian packages, with fresh lists.
fn install(what: &str, packages: &[&str]) -> Result<()> {
    println!("set-up: installing {what} ({})", packages.join(", "));
    let identity = Command::new("id")
        .arg("-u")
        .output()
        .context("running id")?;
    let is_root = identity.stdout.trim_ascii() == b"0";
    let apt_get = |arguments: &[&str]| {
        let mut command = Command::new(if is_root { "apt-get" } else { "sudo" });
        if !is_root {
            command.arg("apt-get");
        }
        step::run(
            command
                .arg("-qq")
                .args(arguments)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )
    };
    apt_get(&["update"])?;
    apt_get(&[&["install", "-y", "--no-install-recommends"], packages].concat())
}
