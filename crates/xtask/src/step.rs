//! Running other programs as headed, timed steps, each of which ends the task when it fails.

use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

/// Does `work` under a heading, and says how long it took.
pub fn timed(heading: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    println!("== {heading}");
    let began = Instant::now();
    work().with_context(|| heading.to_owned())?;
    println!("== {heading}: {:.1} s", began.elapsed().as_secs_f64());
    Ok(())
}

/// Runs to the end; an unsuccessful end is an error.
pub fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("starting {}", name(command)))?;
    ensure!(status.success(), "{} ended with {status}", name(command));
    Ok(())
}

/// Whether the program exists and succeeds, without a word.
pub fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

pub fn name(command: &Command) -> String {
    command.get_program().to_string_lossy().into_owned()
}
