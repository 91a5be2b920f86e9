//! What builds and tests need besides Rust: a C compiler and `make`, a browser, and client libraries for Python and Node.
//! Quiet when everything is there.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

use crate::place::Place;
use crate::step;

const REQUIREMENTS: &str = "crates/crawlspace/tests/requirements.txt";
const CLIENTS: &str = "crates/crawlspace/tests/clients";
const CHROMIUM: &str = "/usr/bin/chromium";

/// Where the clients are, by the variables that tests find them with.
pub type Clients = [(&'static str, PathBuf); 3];

/// Sets up what is missing.
pub fn run(place: &Place) -> Result<Clients> {
    compiler()?;
    Ok([
        ("CRAWLSPACE_TEST_PYTHON", python(place)?),
        ("CRAWLSPACE_TEST_NODE_MODULES", node_modules(place)?),
        ("CRAWLSPACE_TEST_CHROMIUM", chromium()?),
    ])
}

/// What the libraries that are written in C are built with.
pub fn compiler() -> Result<()> {
    if !step::succeeds("cc", &["--version"]) {
        install("a C compiler", &["gcc", "libc6-dev"])?;
    }
    if !step::succeeds("make", &["--version"]) {
        install("make", &["make"])?;
    }
    Ok(())
}

/// A Python with the libraries that its clients use.
fn python(place: &Place) -> Result<PathBuf> {
    let requirements = place.root.join(REQUIREMENTS);
    let environment = place.cache.join(format!(
        "venv-{}",
        hash_of(std::slice::from_ref(&requirements))?
    ));
    let python = environment.join("bin/python");
    // Written last: an environment without it was left half made.
    let complete = environment.join("complete");
    if !complete.exists() || !step::succeeds(&python.to_string_lossy(), &["-c", ""]) {
        make_environment(&environment, &python, &requirements)?;
        fs::write(complete, "")?;
    }
    Ok(python)
}

/// The libraries that clients for Node use.
fn node_modules(place: &Place) -> Result<PathBuf> {
    if !has_node() {
        install("Node", &["nodejs", "npm"])?;
    }
    node_packages(place, &place.root.join(CLIENTS), "node")
}

pub fn has_node() -> bool {
    step::succeeds("node", &["--version"]) && step::succeeds("npm", &["--version"])
}

/// The packages that a folder's lists name, in the cache.
pub fn node_packages(place: &Place, lists: &Path, name: &str) -> Result<PathBuf> {
    let names = ["package.json", "package-lock.json"];
    let hash = hash_of(&names.map(|name| lists.join(name)))?;
    let directory = place.cache.join(format!("{name}-{hash}"));
    let complete = directory.join("complete");
    if !complete.exists() {
        println!(
            "set-up: installing packages for Node in {}",
            directory.display()
        );
        fs::create_dir_all(&directory)?;
        for name in names {
            fs::copy(lists.join(name), directory.join(name))?;
        }
        let mut npm = Command::new("npm");
        npm.args([
            "ci",
            "--ignore-scripts",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ]);
        step::run(npm.current_dir(&directory))?;
        fs::write(complete, "")?;
    }
    Ok(directory.join("node_modules"))
}

/// The browser that tests drive.
fn chromium() -> Result<PathBuf> {
    if !step::succeeds(CHROMIUM, &["--version"]) {
        install("Chromium", &["chromium"])?;
    }
    Ok(CHROMIUM.into())
}

/// Of the files' content: what is set up from other content stands elsewhere.
fn hash_of(files: &[PathBuf]) -> Result<String> {
    let mut hash = DefaultHasher::new();
    for file in files {
        let content = fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        content.hash(&mut hash);
    }
    Ok(format!("{:016x}", hash.finish()))
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
