//! `export`: all events that fit, into a file or stdout, as they are found.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat};
use indicatif::ProgressBar;
use reqwest::Response;
use serde_json::{Value, json};

use crate::client::Client;
use crate::config::{ExportArguments, ExportFormat};
use crate::failure::Failure;
use crate::print::{self, Reader, number, progress};

/// What one answer may hold; see the limits of `POST /api/v1/sql`.
const ROWS_MAX: u64 = 10_000_000;
const TIMEOUT: &str = "10m";
/// How the last lines of an answer in lines of JSON begin: they are not events.
const FOOTER: &[u8] = b"{\"$footer\":";
const ERROR: &[u8] = b"{\"$error\":";

pub async fn export(arguments: ExportArguments) -> Result<(), Failure> {
    let client = Client::new(&arguments.server)?;
    let rest = question(&arguments)?;
    let expected = count(&client, &rest, arguments.condition.as_deref()).await?;
    if expected > ROWS_MAX {
        return Err(Failure::Wrong(format!(
            "{} are more than the {} of one export: take them in pieces, with --start and --end",
            number::counted(expected, "event"),
            number::grouped(&ROWS_MAX.to_string())
        )));
    }
    let (path, question) = match arguments.format {
        // Events as they came in are given by the query API alone.
        ExportFormat::Otlp => (
            "query",
            json!({
                "from": arguments.from, "range": arguments.range.json(), "where": arguments.condition,
                "limit": ROWS_MAX, "timeout": TIMEOUT,
            }),
        ),
        _ => (
            "sql",
            json!({"sql": format!("SELECT * {rest}"), "rows_max": ROWS_MAX, "timeout": TIMEOUT}),
        ),
    };
    let path = format!("/api/v1/{path}?format={}", arguments.format.name());
    let response = client
        .answer(client.post(&path).json(&question), None)
        .await?;
    let mut out = Out::open(arguments.out.as_deref())?;
    let bar = progress::of_stream();
    bar.set_message(number::counted(expected, "event"));
    let written = copy(&client, response, &mut out, arguments.format, &bar).await;
    bar.finish_and_clear();
    match written {
        Ok(Some(bytes)) => {
            out.finish()?;
            report(&arguments, expected, bytes)
        }
        Ok(None) => Ok(()),
        Err(failure) => {
            out.discard();
            Err(failure)
        }
    }
}

/// From the table on, so that rows and their number are asked for alike.
fn question(arguments: &ExportArguments) -> Result<String, Failure> {
    let mut conditions: Vec<String> = Vec::new();
    if let Some(condition) = &arguments.condition {
        conditions.push(format!("({condition})"));
    }
    let (start, end) = arguments.range.bounds()?;
    for (operator, moment) in [(">=", start), ("<", end)] {
        if let Some(moment) = moment {
            let time = DateTime::from_timestamp_nanos(moment);
            let time = time.to_rfc3339_opts(SecondsFormat::Nanos, true);
            conditions.push(format!("time {operator} '{time}'"));
        }
    }
    let filter = match conditions.is_empty() {
        true => String::new(),
        false => format!(" WHERE {}", conditions.join(" AND ")),
    };
    Ok(format!("FROM {}{filter}", arguments.from))
}

async fn count(client: &Client, rest: &str, condition: Option<&str>) -> Result<u64, Failure> {
    let question = json!({"sql": format!("SELECT count(*) {rest}"), "timeout": TIMEOUT});
    let answer = client.ask("/api/v1/sql", Some(&question), None).await;
    let answer = answer.map_err(|failure| match failure {
        Failure::Wrong(detail) if condition.is_some() => {
            Failure::Wrong(format!("{detail} (in --from or --where)"))
        }
        other => other,
    })?;
    let answer: Value = serde_json::from_slice(&answer).map_err(anyhow::Error::from)?;
    Ok(print::chart::float(&answer["rows"][0][0]).unwrap_or_default() as u64)
}

/// The bytes that were written; `None` when nobody reads them any more.
async fn copy(
    client: &Client,
    mut response: Response,
    out: &mut Out,
    format: ExportFormat,
    bar: &ProgressBar,
) -> Result<Option<u64>, Failure> {
    let mut lines = Lines::default();
    let mut written = 0;
    loop {
        let chunk = response.chunk().await;
        let chunk = chunk.map_err(|error| client.unreachable(&error))?;
        let Some(chunk) = chunk else { break };
        let events = match format {
            ExportFormat::Ndjson => lines.events(&chunk)?,
            _ => chunk.to_vec(),
        };
        written += events.len() as u64;
        bar.set_position(written);
        if out.write(&events)? == Reader::Gone {
            return Ok(None);
        }
    }
    if format == ExportFormat::Ndjson && !lines.has_footer {
        let error = anyhow::anyhow!("the answer has no footer, so it is not whole: export again");
        return Err(Failure::Trouble(error));
    }
    Ok(Some(written))
}

fn report(arguments: &ExportArguments, events: u64, bytes: u64) -> Result<(), Failure> {
    if arguments.server.json {
        print::note(&json!({"events": events, "bytes": bytes}).to_string());
        return Ok(());
    }
    let to = match &arguments.out {
        Some(path) => format!(" to `{}`", path.display()),
        None => String::new(),
    };
    let (events, bytes) = (number::counted(events, "event"), number::bytes(bytes));
    print::note(&format!("{events} exported{to}, {bytes}"));
    Ok(())
}

/// Keeps lines that are not events out of what is written.
#[derive(Default)]
struct Lines {
    /// The beginning of a line whose end has not come.
    open: Vec<u8>,
    has_footer: bool,
}

impl Lines {
    fn events(&mut self, piece: &[u8]) -> Result<Vec<u8>, Failure> {
        self.open.extend_from_slice(piece);
        let whole = self
            .open
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |end| end + 1);
        let mut events = Vec::with_capacity(whole);
        for line in self.open[..whole].split_inclusive(|byte| *byte == b'\n') {
            if let Some(problem) = line.strip_prefix(ERROR) {
                let detail = String::from_utf8_lossy(problem);
                let error = anyhow::anyhow!("the answer broke off: {}", detail.trim_end());
                return Err(Failure::Trouble(error));
            }
            match line.starts_with(FOOTER) {
                true => self.has_footer = true,
                false => events.extend_from_slice(line),
            }
        }
        self.open.drain(..whole);
        Ok(events)
    }
}

/// Where the events go. A file has its name only once it is whole.
enum Out {
    Stdout,
    File {
        file: std::fs::File,
        draft: PathBuf,
        path: PathBuf,
    },
}

impl Out {
    fn open(path: Option<&Path>) -> Result<Self, Failure> {
        let Some(path) = path.filter(|path| *path != Path::new("-")) else {
            return Ok(Self::Stdout);
        };
        let mut draft = path.as_os_str().to_owned();
        draft.push(".part");
        let draft = PathBuf::from(draft);
        let file = std::fs::File::create(&draft).map_err(|error| {
            Failure::Wrong(format!("`{}` can't be written: {error}", draft.display()))
        })?;
        Ok(Self::File {
            file,
            draft,
            path: path.to_owned(),
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<Reader, Failure> {
        match self {
            Self::Stdout => print::write(bytes),
            Self::File { file, .. } => {
                file.write_all(bytes)?;
                Ok(Reader::Listens)
            }
        }
    }

    fn finish(self) -> Result<(), Failure> {
        if let Self::File { file, draft, path } = self {
            file.sync_all()?;
            std::fs::rename(draft, path)?;
        }
        Ok(())
    }

    fn discard(self) {
        if let Self::File { draft, .. } = self {
            // What is left behind says by its name that it is not whole.
            _ = std::fs::remove_file(draft);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lines;

    #[test]
    fn footers_are_no_events_and_errors_are_failures() {
        let text = b"{\"a\":1}\n{\"b\":2}\n{\"$footer\":{\"rows\":2}}\n";
        for size in 1..=text.len() {
            let mut lines = Lines::default();
            let pieces = text.chunks(size);
            let events: Vec<u8> = pieces
                .flat_map(|piece| lines.events(piece).unwrap())
                .collect();
            assert_eq!(events, b"{\"a\":1}\n{\"b\":2}\n");
            assert!(lines.has_footer);
        }
        let broken = Lines::default().events(b"{\"a\":1}\n{\"$error\":{\"detail\":\"late\"}}\n");
        assert!(broken.unwrap_err().to_string().contains("late"));
    }
}
