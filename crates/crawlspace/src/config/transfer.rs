//! Flags of the commands that move data: `import` and `export`; and of `completions`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{RangeArguments, ServerArguments};
use crate::command::import::Signal;

/// Send files of telemetry to a server
#[derive(Debug, Args)]
#[command(after_help = IMPORT_EXAMPLES)]
pub struct ImportArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// Files to send, one after the other, compressed with gzip or zstd or not; `-` is stdin
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// What is in the files; without, it is found out
    #[arg(long, value_name = "FORMAT")]
    pub format: Option<ImportFormat>,
    /// The signal of OTLP in protobuf; without, the first record says so
    #[arg(long, value_name = "SIGNAL")]
    pub signal: Option<Signal>,
    /// The service of lines that are no OTLP and name none
    #[arg(long, value_name = "NAME")]
    pub service: Option<String>,
    /// Read and count everything, send nothing
    #[arg(long)]
    pub dry_run: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ImportFormat {
    /// Lines of JSON: OTLP/JSON, as the Collector's file exporter writes it, or any other object as a log record
    Jsonl,
    /// OTLP in protobuf: one message, or several with their lengths
    Otlp,
}

const IMPORT_EXAMPLES: &str = "\
Lines that are no OTLP become log records: time (or timestamp, ts), message (msg, body), level (severity), trace_id,
span_id and service are found by name, the rest are attributes. A bad line is told with its number, and the rest goes on.

Examples:
  crawlspace import traces.jsonl logs.json.zst
  crawlspace import --dry-run app.log.gz
  journalctl -o json -u shop | crawlspace import --service shop -
  crawlspace import --server http://backup:4320 spans.otlp";

/// Write all events that fit into a file
#[derive(Debug, Args)]
#[command(after_help = EXPORT_EXAMPLES)]
pub struct ExportArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// The table: spans, logs, metrics or changes
    #[arg(long, value_name = "TABLE", default_value = "spans")]
    pub from: String,
    #[command(flatten)]
    pub range: RangeArguments,
    /// An SQL condition on events
    #[arg(long = "where", value_name = "CONDITION")]
    pub condition: Option<String>,
    /// How to write them
    #[arg(long, value_name = "FORMAT", default_value = "ndjson")]
    pub format: ExportFormat,
    /// The file to write; without, or with `-`, stdout
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// A JSON object for each event, on a line each
    Ndjson,
    /// RFC 4180, with a header
    Csv,
    /// An Arrow IPC stream
    Arrow,
    /// A Parquet file
    Parquet,
    /// OTLP/JSON as it came in, a document on each line: what `import` and the Collector read
    Otlp,
}

impl ExportFormat {
    /// As the API calls it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
            Self::Otlp => "otlp",
        }
    }
}

const EXPORT_EXAMPLES: &str = "\
All events are written, or the command fails: a file is there under its name only when it is whole.

Examples:
  crawlspace export --last 1h --out spans.ndjson
  crawlspace export --from logs --where \"service.name = 'shop'\" --format parquet --out logs.parquet
  crawlspace export --format otlp | crawlspace import --server http://other:4320 -
  crawlspace export --start 2026-11-22T00:00:00Z --end 2026-11-23T00:00:00Z --format csv | gzip > day.csv.gz";

/// Print a script with which a shell completes commands and flags
#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS_EXAMPLES)]
pub struct CompletionsArguments {
    /// The shell
    pub shell: clap_complete::Shell,
}

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  crawlspace completions bash > /etc/bash_completion.d/crawlspace
  crawlspace completions zsh > \"${fpath[1]}/_crawlspace\"
  crawlspace completions fish > ~/.config/fish/completions/crawlspace.fish";
