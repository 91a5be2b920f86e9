//! The window: its packages, its build, and its own tests. Without Node the program is built without it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::place::Place;
use crate::{setup, step};

const APP: &str = "web/app";

/// Builds it where there is Node; says so where there is not.
pub fn build(place: &Place) -> Result<()> {
    if !setup::has_node() {
        println!("set-up: there is no Node (20 or later): built without the window");
        return Ok(());
    }
    step::timed("window", || {
        packages(place)?;
        npm(place, &["run", "--silent", "build"])
    })
}

/// Builds it, or fails where there is no Node.
pub fn build_surely(place: &Place) -> Result<()> {
    if !setup::has_node() {
        bail!("there is no Node: install Node 20 or later, with npm");
    }
    build(place)
}

/// Rules, types, unit tests and build. Gives the folder of its packages.
pub fn test(place: &Place) -> Result<PathBuf> {
    let modules = packages(place)?;
    for script in ["check", "test"] {
        step::timed(&format!("window: {script}"), || {
            npm(place, &["run", "--silent", script])
        })?;
    }
    build(place)?;
    Ok(modules)
}

fn npm(place: &Place, arguments: &[&str]) -> Result<()> {
    let mut npm = Command::new("npm");
    step::run(npm.args(arguments).current_dir(place.root.join(APP)))
}

/// The packages that its lists name, kept in the cache, and linked to where Node looks for them. A folder that somebody
/// made by hand is left alone.
fn packages(place: &Place) -> Result<PathBuf> {
    let app = place.root.join(APP);
    let linked = app.join("node_modules");
    if linked.is_dir() && !linked.is_symlink() {
        return Ok(linked);
    }
    let kept = setup::node_packages(place, &app, "web")?;
    link(&kept, &linked)?;
    Ok(kept)
}

fn link(kept: &Path, linked: &Path) -> Result<()> {
    if linked.is_symlink() {
        fs::remove_file(linked)?;
    }
    symlink(kept, linked).with_context(|| format!("linking {}", linked.display()))
}
