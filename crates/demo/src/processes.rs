//! The child processes of the demo: started, waited for until ready (their first line of output),
//! and ended by closing their standard input.

use std::ffi::OsStr;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

use crate::guard::GUARDED_STOP_TIME_MAX;

const START_TIME_MAX: Duration = Duration::from_secs(30);
const WATCH_INTERVAL: Duration = Duration::from_millis(500);
/// Longer than the guard's own limit: a guard that is killed leaves its command behind.
const STOP_TIME_MAX: Duration = GUARDED_STOP_TIME_MAX.saturating_add(Duration::from_secs(5));

/// A running child.
pub struct Process {
    name: String,
    child: Child,
    /// Apart from `child`, whose `wait` would close it and so ask the child to stop.
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    drain: Option<JoinHandle<()>>,
}

impl Process {
    /// Starts this same program in another role, given as its arguments.
    pub fn start<A: AsRef<OsStr>>(
        name: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("find this program's own path")?;
        let mut child = Command::new(program)
            .args(arguments)
            // A proxy has no business between processes on the loopback interface.
            .env("NO_PROXY", "*")
            // Ctrl-C in a terminal goes to a whole group; the parent alone decides the order in
            // which things end.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| format!("start {name}"))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        Ok(Self {
            name: name.to_owned(),
            child,
            stdin,
            stdout,
            drain: None,
        })
    }

    /// The first line the child writes, which says that it is ready; what it writes later is
    /// dropped.
    pub async fn first_line(&mut self) -> anyhow::Result<String> {
        let stdout = self
            .stdout
            .take()
            .context("the first line was read before")?;
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        let read = tokio::time::timeout(START_TIME_MAX, stdout.read_line(&mut line)).await;
        let size = read
            .with_context(|| format!("{} is not ready after {START_TIME_MAX:?}", self.name))?
            .with_context(|| format!("read from {}", self.name))?;
        if size == 0 {
            let status = self.child.wait().await?;
            bail!("{} ended before it was ready ({status})", self.name);
        }
        self.drain = Some(tokio::spawn(async move {
            let _ = tokio::io::copy(&mut stdout, &mut tokio::io::sink()).await;
        }));
        Ok(line)
    }

    async fn stop(mut self) -> anyhow::Result<()> {
        drop(self.stdin.take());
        let Ok(status) = tokio::time::timeout(STOP_TIME_MAX, self.child.wait()).await else {
            self.child
                .kill()
                .await
                .with_context(|| format!("kill {}", self.name))?;
            bail!(
                "{} did not stop within {STOP_TIME_MAX:?} and was killed",
                self.name
            );
        };
        let status = status.with_context(|| format!("wait for {}", self.name))?;
        if let Some(drain) = self.drain {
            let _ = drain.await;
        }
        if !status.success() {
            bail!("{} ended badly ({status})", self.name);
        }
        Ok(())
    }
}

/// Watches over processes that should run: fails as soon as one has ended by itself.
pub async fn any_ended(processes: &mut [Process]) -> anyhow::Result<()> {
    loop {
        for process in &mut *processes {
            if let Some(status) = process.child.try_wait()? {
                bail!("{} ended by itself ({status})", process.name);
            }
        }
        tokio::time::sleep(WATCH_INTERVAL).await;
    }
}

/// Stops all, the last started first, and answers with the first that went wrong.
pub async fn stop_all(processes: Vec<Process>) -> anyhow::Result<()> {
    let mut outcome = Ok(());
    for process in processes.into_iter().rev() {
        outcome = outcome.and(process.stop().await);
    }
    outcome
}
