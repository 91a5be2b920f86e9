//! Tasks that build the workspace and then become one of its programs.

use std::os::unix::process::CommandExt;
use std::process::Command;

use anyhow::{Context, Error, Result};

use crate::place::Place;
use crate::{setup, step, web};

/// The shop, with data in `demo-data`.
pub fn demo(place: &Place, rest: &[String]) -> Result<()> {
    place.claim_builds()?;
    setup::compiler()?;
    web::build(place)?;
    // All of the workspace: a part of it would have other features, and build DataFusion again.
    step::run(place.cargo(&place.target).args(["build", "--workspace"]))?;
    let built = place.target.join("debug");
    let mut demo = Command::new(built.join("crawlspace-demo"));
    demo.arg("--crawlspace").arg(built.join("crawlspace"));
    demo.arg("--data-dir").arg(place.root.join("demo-data"));
    become_program(demo.args(rest))
}

/// The benchmark of the release build; the page is part of the documentation.
pub fn bench(place: &Place, rest: &[String]) -> Result<()> {
    setup::compiler()?;
    web::build(place)?;
    let mut cargo = place.cargo(&place.release_target);
    step::run(cargo.args(["build", "--release", "--workspace"]))?;
    let built = place.release_target.join("release");
    let mut bench = Command::new(built.join("crawlspace-bench"));
    bench
        .arg("run")
        .arg("--crawlspace")
        .arg(built.join("crawlspace"));
    bench.arg("--out").arg("docs/reference/performance.md");
    become_program(bench.args(rest).current_dir(&place.root))
}

/// Replaces this process, so that Ctrl-C reaches the program alone and the shell waits for its end.
fn become_program(command: &mut Command) -> Result<()> {
    let error = Error::from(command.exec());
    Err(error).with_context(|| format!("starting {}", step::name(command)))
}
