//! Runs one command and sends it SIGTERM when told to stop, so that a program that does not watch
//! its standard input still ends with the demo, however the demo ends.

use std::ffi::OsString;
use std::process::{ExitCode, Stdio};
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::stop;

/// How long the command may take to end by itself after SIGTERM.
pub const GUARDED_STOP_TIME_MAX: Duration = Duration::from_secs(20);

#[derive(clap::Args)]
pub struct GuardArguments {
    /// The program and its arguments.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<OsString>,
}

/// Runs the command to its end and answers with its exit code.
pub fn run(arguments: &GuardArguments) -> anyhow::Result<ExitCode> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(guard(&arguments.command))
}

async fn guard(command: &[OsString]) -> anyhow::Result<ExitCode> {
    let stop = stop::of_child()?;
    let [program, arguments @ ..] = command else {
        anyhow::bail!("no command to guard");
    };
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .spawn()
        .with_context(|| format!("start `{}`", program.display()))?;
    let status = tokio::select! {
        status = child.wait() => status?,
        () = stop::requested(stop) => terminate(&mut child).await?,
    };
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}

async fn terminate(child: &mut Child) -> anyhow::Result<std::process::ExitStatus> {
    let pid = child
        .id()
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    if let Some(pid) = pid {
        kill_process(pid, Signal::TERM).context("send SIGTERM")?;
    }
    if let Ok(status) = tokio::time::timeout(GUARDED_STOP_TIME_MAX, child.wait()).await {
        return Ok(status?);
    }
    child.kill().await.context("kill the guarded command")?;
    Ok(child.wait().await?)
}
