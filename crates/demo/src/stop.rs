//! How a process of the demo learns that it must end: the children by the end of their standard
//! input (which also comes when their parent is killed) or SIGTERM, the parent by Ctrl-C or
//! SIGTERM.

use std::io::Read;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Becomes true once and stays so.
pub type Stop = watch::Receiver<bool>;

/// The stop sign of a child process. Needs a running Tokio runtime.
pub fn of_child() -> anyhow::Result<Stop> {
    let (sender, receiver) = watch::channel(false);
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    let sender_of_signal = sender.clone();
    tokio::spawn(async move {
        terminate.recv().await;
        sender_of_signal.send_replace(true);
    });
    // A thread of its own: a blocked read of Tokio's standard input would keep the runtime from
    // ending.
    std::thread::spawn(move || {
        let mut bytes = [0; 64];
        while matches!(std::io::stdin().read(&mut bytes), Ok(1..)) {}
        sender.send_replace(true);
    });
    Ok(receiver)
}

/// Waits for Ctrl-C or SIGTERM.
pub async fn of_parent() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for SIGTERM")?;
    tokio::select! {
        outcome = tokio::signal::ctrl_c() => outcome.context("listen for Ctrl-C"),
        _ = terminate.recv() => Ok(()),
    }
}

/// Waits until `stop` is true; a lost sender counts as a stop.
pub async fn requested(mut stop: Stop) {
    let _ = stop.wait_for(|stopped| *stopped).await;
}
