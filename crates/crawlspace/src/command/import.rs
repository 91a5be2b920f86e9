//! `import`: files of telemetry, read piece by piece, sent over the OTLP door, and accounted for.

mod counts;
mod input;
mod log_line;
mod otlp_json;
mod protobuf;
mod sender;

use std::path::PathBuf;

use indicatif::ProgressBar;
use serde_json::json;
use tokio::sync::mpsc;

use crate::client::Client;
use crate::config::ImportArguments;
use crate::failure::Failure;
use crate::print::{self, number, progress};

use counts::Account;
use input::{Found, Input};
use sender::Sender;

/// Batches that are read and not yet sent.
const BATCHES_WAITING_MAX: usize = 8;
/// Bad places that are told one by one; the rest is counted.
const TOLD_MAX: u64 = 20;

/// A request to a door: some records of one signal.
#[derive(Debug, PartialEq, Eq)]
struct Batch {
    signal: Signal,
    is_json: bool,
    body: Vec<u8>,
    records: u64,
    /// Where it is from, as `spans.jsonl:7`.
    place: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Signal {
    Traces,
    Logs,
    Metrics,
}

impl Signal {
    fn path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Logs => "/v1/logs",
            Self::Metrics => "/v1/metrics",
        }
    }
}

pub async fn import(arguments: ImportArguments) -> Result<(), Failure> {
    let client = Client::new(&arguments.server)?;
    let total = size_of(&arguments.files)?;
    let bar = match total {
        Some(total) => progress::of_bytes(total),
        None => progress::of_stream(),
    };
    let (batches, found) = mpsc::channel(BATCHES_WAITING_MAX);
    let input = Input {
        files: arguments.files.clone(),
        format: arguments.format,
        signal: arguments.signal,
        service: arguments.service.clone(),
        bar: bar.clone(),
    };
    // Files and decompression block: they have a thread.
    let reading = tokio::task::spawn_blocking(move || input.read(&batches));
    let sent = take(&client, found, &arguments, &bar).await;
    // When sending has failed, the reader finds nobody to give batches to, and ends.
    let read = reading.await.map_err(anyhow::Error::from)?;
    bar.finish_and_clear();
    let account = sent?;
    report(&arguments, &account)?;
    read?;
    match account.refused + account.unread {
        0 => Ok(()),
        _ => Err(Failure::Wrong(
            "not everything was taken: the places and reasons stand above".to_owned(),
        )),
    }
}

/// Sends what is found, or only counts it.
async fn take(
    client: &Client,
    mut found: mpsc::Receiver<Found>,
    arguments: &ImportArguments,
    bar: &ProgressBar,
) -> Result<Account, Failure> {
    let mut account = Account::default();
    let mut sender = Sender::new(client.clone());
    let mut told = 0;
    let mut tell = |text: String| {
        told += 1;
        if told <= TOLD_MAX {
            bar.suspend(|| print::note(&text));
        } else if told == TOLD_MAX + 1 {
            bar.suspend(|| print::note("… further ones are only counted"));
        }
    };
    while let Some(found) = found.recv().await {
        match found {
            Found::Unreadable { place, why } => {
                account.unread += 1;
                tell(format!("{place}: {why}"));
            }
            Found::Batch(batch) if arguments.dry_run => account.read(batch.signal, batch.records),
            Found::Batch(batch) => {
                account.read(batch.signal, batch.records);
                for outcome in sender.send(batch).await? {
                    account.settle(&outcome, &mut tell);
                }
            }
        }
        bar.set_message(number::counted(account.total(), "record"));
    }
    for outcome in sender.finish().await? {
        account.settle(&outcome, &mut tell);
    }
    Ok(account)
}

/// All bytes to read, unless some come from a stream.
fn size_of(files: &[PathBuf]) -> Result<Option<u64>, Failure> {
    let mut total = 0;
    for path in files {
        if input::is_stdin(path) {
            return Ok(None);
        }
        let metadata = std::fs::metadata(path).map_err(|error| input::unreadable(path, &error))?;
        if !metadata.is_file() {
            return Ok(None);
        }
        total += metadata.len();
    }
    Ok(Some(total))
}

fn report(arguments: &ImportArguments, account: &Account) -> Result<(), Failure> {
    if arguments.server.json {
        let json = json!({
            "spans": account.spans, "log_records": account.log_records, "data_points": account.data_points,
            "accepted": account.accepted(), "refused": account.refused, "unreadable": account.unread,
            "dry_run": arguments.dry_run,
        });
        print::write_text(&json.to_string())?;
        return Ok(());
    }
    let parts = [
        (account.spans, "span"),
        (account.log_records, "log record"),
        (account.data_points, "data point"),
    ];
    let parts = parts.iter().filter(|(count, _)| *count > 0);
    let mut parts: Vec<String> = parts
        .map(|(count, what)| number::counted(*count, what))
        .collect();
    if parts.is_empty() {
        parts.push("nothing".to_owned());
    }
    let mut text = format!("{} read", parts.join(", "));
    text.push_str(&match arguments.dry_run {
        true => ", nothing sent (--dry-run)".to_owned(),
        false => format!(
            ": {} accepted, {} refused",
            number::grouped(&account.accepted().to_string()),
            number::grouped(&account.refused.to_string())
        ),
    });
    if account.unread > 0 {
        text.push_str(&format!(
            "; {} left out",
            number::counted(account.unread, "unreadable place")
        ));
    }
    print::write_text(&text)?;
    Ok(())
}
