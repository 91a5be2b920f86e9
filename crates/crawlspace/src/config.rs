//! Flags and environment of every command: the only place that reads either.

mod look;
mod map;
mod team;
mod transfer;
mod who;

use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use crawlspace_control::Secret;

use crate::command::backup::{BackupArguments, RestoreArguments};
use crate::command::doctor::DoctorArguments;
use crate::command::sql::worker::SqlWorkerArguments;
use crate::store::StoreArguments;
pub use look::{CompareArguments, FieldsArguments, RangeArguments, TailArguments};
pub use map::{MapArguments, vendors};
pub use team::{NoteAction, NoteArguments, SavedAction, SavedArguments};
pub use transfer::{
    CompletionsArguments, ExportArguments, ExportFormat, ImportArguments, ImportFormat,
};
pub use who::{EntityArguments, OddArguments};

use crate::print::Times;

/// Heading of the flags that every command has.
const EVERYWHERE: &str = "Everywhere";
/// Heading of those that say which server is asked.
const SERVER: &str = "Server";

/// See inside the distributed system you did not mean to build.
#[derive(Debug, Parser)]
#[command(name = "crawlspace", version, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// What to log to stderr, for example `debug` or `warn,crawlspace_ingest=debug`; without, `warn`, and of `serve`
    /// `warn,crawlspace=info`
    #[arg(
        long,
        global = true,
        value_name = "FILTER",
        env = "CRAWLSPACE_LOG",
        help_heading = EVERYWHERE
    )]
    pub log: Option<String>,
    /// Whose time zone times are shown in
    #[arg(
        long,
        global = true,
        value_name = "ZONE",
        env = "CRAWLSPACE_TIMES",
        default_value = "utc",
        help_heading = EVERYWHERE
    )]
    pub times: Times,
    /// No colours, whatever the value; where the output is no terminal there are none, anyway
    #[arg(
        long,
        global = true,
        value_name = "ANY",
        env = "NO_COLOR",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "1",
        hide_env_values = true,
        help_heading = EVERYWHERE
    )]
    pub no_color: Option<String>,
}

const EXAMPLES: &str = "\
Exit codes:
  0  done
  1  the question or the data is wrong, or there is no such thing
  2  the command line is wrong
  3  no server answers
  4  the server does not allow it: the key is missing or wrong
  5  the server, or this machine, could not do it

Examples:
  crawlspace serve --data-dir ./data
  crawlspace query --calculate count --calculate 'p99(duration_ns)' --group-by service.name --last 1h
  crawlspace sql 'SELECT name, count(*) FROM spans GROUP BY name'
  crawlspace trace 4bf92f3577b34da6a3ce929d0e0e4736";

#[derive(Debug, Subcommand)]
pub enum Command {
    Serve(ServeArguments),
    Sql(SqlArguments),
    Query(QueryArguments),
    Trace(TraceArguments),
    Tail(TailArguments),
    Fields(FieldsArguments),
    Compare(CompareArguments),
    Map(MapArguments),
    Entity(EntityArguments),
    Odd(OddArguments),
    Import(ImportArguments),
    Export(ExportArguments),
    Backup(BackupArguments),
    Restore(RestoreArguments),
    Doctor(DoctorArguments),
    Ledger(LedgerArguments),
    Saved(SavedArguments),
    Note(NoteArguments),
    Key(KeyArguments),
    Completions(CompletionsArguments),
    #[command(hide = true)]
    SqlWorker(SqlWorkerArguments),
}

/// Take telemetry, keep it, answer questions
#[derive(Debug, Args)]
#[command(after_help = SERVE_EXAMPLES)]
pub struct ServeArguments {
    /// The directory that holds everything; made if absent
    #[arg(
        long,
        value_name = "DIR",
        env = "CRAWLSPACE_DATA_DIR",
        default_value = "crawlspace-data"
    )]
    pub data_dir: PathBuf,
    /// Where the API listens, OTLP/HTTP included; port 0 takes a free one
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "CRAWLSPACE_HTTP",
        default_value = "127.0.0.1:4320"
    )]
    pub http: SocketAddr,
    /// Where OTLP listens at the port that SDKs use for HTTP; port 0 takes a free one
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "CRAWLSPACE_OTLP_HTTP",
        default_value = "127.0.0.1:4318"
    )]
    pub otlp_http: SocketAddr,
    /// Where OTLP listens at the port that SDKs use for gRPC; port 0 takes a free one
    #[arg(
        long,
        value_name = "ADDRESS",
        env = "CRAWLSPACE_OTLP_GRPC",
        default_value = "127.0.0.1:4317"
    )]
    pub otlp_grpc: SocketAddr,
    /// Ask for a key on loopback too; where other machines can reach an address, one is always asked for
    #[arg(long, env = "CRAWLSPACE_AUTH")]
    pub auth: bool,
    /// A name that this server is called by, beside localhost and addresses; repeated
    #[arg(
        long = "host",
        value_name = "NAME",
        env = "CRAWLSPACE_HOST",
        value_delimiter = ',',
        value_parser = host
    )]
    pub hosts: Vec<String>,
    /// A TOML file of vendors for the map, beside those that are well known
    #[arg(long, value_name = "FILE", env = "CRAWLSPACE_VENDORS")]
    pub vendors: Option<PathBuf>,
    /// Print one line of JSON once ready instead of words
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    pub store: StoreArguments,
    /// Whether a request that a client repeats within 10 minutes, since it lost the answer, is stored once
    #[arg(
        long,
        value_name = "SWITCH",
        env = "CRAWLSPACE_DEDUP",
        default_value = "on"
    )]
    pub dedup: Switch,
    /// What one key may send per second, on average; twice that at once, and a 429 beyond; without, no limit
    #[arg(long, value_name = "SIZE", env = "CRAWLSPACE_KEY_RATE", value_parser = bytes)]
    pub key_rate: Option<u64>,
    /// For tests: what is to go wrong on purpose, in a build with debug assertions
    #[arg(long, hide = true, value_name = "FAULT", env = "CRAWLSPACE_FAULT")]
    pub fault: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
}

const SERVE_EXAMPLES: &str = "\
Examples:
  crawlspace serve --data-dir ./data
  crawlspace serve --data-dir /tmp/try --http 127.0.0.1:0 --otlp-http 127.0.0.1:0 --otlp-grpc 127.0.0.1:0 --json
  crawlspace serve --http 0.0.0.0:4320 --otlp-http 0.0.0.0:4318 --host crawlspace.example
  crawlspace serve --retention-age 90d,logs=7d --retention-size 200GiB
  crawlspace serve --store s3://telemetry/house --store-region eu-central-1

Ctrl-C or SIGTERM ends it: what came is written first.";

/// What every command that asks a server has.
#[derive(Debug, Args)]
pub struct ServerArguments {
    /// The server to ask
    #[arg(
        long,
        global = true,
        value_name = "URL",
        env = "CRAWLSPACE_SERVER",
        default_value = "http://127.0.0.1:4320",
        help_heading = SERVER
    )]
    pub server: String,
    /// The key to ask with; the variable keeps it out of histories and lists of processes
    #[arg(
        long,
        global = true,
        value_name = "KEY",
        env = "CRAWLSPACE_KEY",
        hide_env_values = true,
        value_parser = secret,
        help_heading = SERVER
    )]
    pub key: Option<Secret>,
    /// Ask the server that runs on this data directory, wherever it listens; `key` and `backup` work on the directory
    /// itself, where none runs
    #[arg(long, global = true, value_name = "DIR", help_heading = SERVER)]
    pub data_dir: Option<PathBuf>,
    /// Print JSON, for programs
    #[arg(long, global = true)]
    pub json: bool,
}

/// Ask in SQL: SELECT from spans, logs, metrics and changes
#[derive(Debug, Args)]
#[command(after_help = SQL_EXAMPLES)]
pub struct SqlArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
    /// The statement; `-` reads it from stdin
    pub sql: String,
}

const SQL_EXAMPLES: &str = "\
Names with dots stand as they are, in double quotes only if they have other signs. `crawlspace fields` lists them.

Examples:
  crawlspace sql 'SELECT service.name, count(*) FROM spans GROUP BY service.name'
  crawlspace sql --json 'SELECT * FROM spans ORDER BY duration_ns DESC LIMIT 5'
  crawlspace sql - < question.sql";

/// Ask without SQL: filter, group, calculate
#[derive(Debug, Args)]
#[command(after_help = QUERY_EXAMPLES)]
pub struct QueryArguments {
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
    /// Fields to group by, separated by commas or repeated
    #[arg(long, value_name = "FIELD", value_delimiter = ',')]
    pub group_by: Vec<String>,
    /// What to calculate per group: count, rate, sum(f), avg(f), min(f), max(f), stddev(f), count_distinct(f), first(f),
    /// last(f), p50(f), p99.9(f), or heatmap(f) alone; repeated
    #[arg(long, value_name = "CALCULATION")]
    pub calculate: Vec<String>,
    /// An SQL condition on groups
    #[arg(long, value_name = "CONDITION")]
    pub having: Option<String>,
    /// A field or calculation to order by, with a minus in front for the largest first; repeated
    #[arg(long, value_name = "FIELD", allow_hyphen_values = true)]
    pub order_by: Vec<String>,
    /// The most rows to answer; without, 1,000 groups, 10,000 steps of time, or 100 events
    #[arg(long, value_name = "ROWS")]
    pub limit: Option<u64>,
    /// One group per step of time, for example 1m; drawn as a chart
    #[arg(long, value_name = "DURATION", value_parser = checked_duration)]
    pub granularity: Option<String>,
    /// What empty steps of time have: null or zero; without, they are left out
    #[arg(long, value_name = "VALUE", requires = "granularity")]
    pub fill: Option<String>,
    /// Put the groups beyond the limit together as one more
    #[arg(long, requires = "granularity")]
    pub other: bool,
    /// Print a table where there would be a chart
    #[arg(long, conflicts_with_all = ["json", "csv"])]
    pub table: bool,
    /// Print CSV
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

const QUERY_EXAMPLES: &str = "\
Without --calculate, --group-by and --granularity the events themselves are shown. Of spans, root.f, parent.f and any.f
are fields of other spans of the same trace. Of metrics, rate(value) and increase(value) read counters, p99(histogram)
reads histograms.

Examples:
  crawlspace query --calculate count --group-by service.name --last 1h
  crawlspace query --where \"status_code = 'error'\" --calculate count --granularity 1m --last 30m
  crawlspace query --calculate 'heatmap(duration_ns)' --last 3h
  crawlspace query --calculate 'p99(duration_ns)' --group-by service.name,name --order-by '-p99(duration_ns)' --limit 10
  crawlspace query --where \"root.name = 'POST /orders'\" --calculate count --group-by service.name
  crawlspace query --from metrics --where \"name = 'http.requests'\" --calculate 'rate(value)' --granularity 1m";

/// Show one trace as a waterfall
#[derive(Debug, Args)]
#[command(after_help = TRACE_EXAMPLES)]
pub struct TraceArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// 32 hex digits, or a whole traceparent
    pub id: String,
}

const TRACE_EXAMPLES: &str = "\
Examples:
  crawlspace trace 4bf92f3577b34da6a3ce929d0e0e4736
  crawlspace trace 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Make, list and revoke keys
///
/// Asks the server at --server, with an admin key. With --data-dir it works on that directory itself, where no server
/// runs: the way back in if all keys are lost.
#[derive(Debug, Args)]
#[command(after_help = KEY_EXAMPLES)]
pub struct KeyArguments {
    #[command(subcommand)]
    pub action: KeyAction,
    #[command(flatten)]
    pub server: ServerArguments,
}

#[derive(Debug, Subcommand)]
pub enum KeyAction {
    /// Make a key, and print it: this is the one time it is shown
    Create {
        /// What it is for: ingest (send), browser (send from web pages), read (ask), admin (everything)
        #[arg(long, value_name = "SCOPE")]
        scope: String,
        /// A name to know it by
        #[arg(
            long,
            value_name = "NAME",
            default_value = "",
            hide_default_value = true
        )]
        name: String,
        /// The origin of pages that may use a browser key; repeated
        #[arg(long = "origin", value_name = "URL")]
        origins: Vec<String>,
    },
    /// List all keys, without their secrets
    List,
    /// Refuse a key from now on
    Revoke {
        /// The key's number, as `crawlspace key list` shows it
        number: u32,
    },
}

const KEY_EXAMPLES: &str = "\
Examples:
  crawlspace key create --scope ingest --name checkout
  crawlspace key create --scope browser --name shop --origin https://shop.example
  crawlspace key list
  crawlspace key revoke 3
  crawlspace key create --scope admin --data-dir ./data";

/// Show what became of everything that was sent: stored, repeated, refused, and why
#[derive(Debug, Args)]
#[command(after_help = LEDGER_EXAMPLES)]
pub struct LedgerArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// One line for each day
    #[arg(long)]
    pub by_day: bool,
}

const LEDGER_EXAMPLES: &str = "\
Records received = stored + deduplicated + sampled out + refused, since the data directory was made. Below stand the last
refusals with their reasons.

Examples:
  crawlspace ledger
  crawlspace ledger --by-day
  crawlspace ledger --json";

/// A length of time as the server reads it, in nanoseconds.
pub fn nanoseconds(text: &str) -> Result<i64, String> {
    let length = crawlspace_query::parse_duration(text).map_err(|error| error.to_string())?;
    i64::try_from(length.as_nanos()).map_err(|error| error.to_string())
}

fn checked_duration(text: &str) -> Result<String, String> {
    nanoseconds(text).map(|_| text.to_owned())
}

/// Takes any text: a refusal of the command line would print it.
fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

/// Reads a host name.
fn host(text: &str) -> Result<String, String> {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    match !text.is_empty() && text.bytes().all(is_name) {
        true => Ok(text.to_owned()),
        false => {
            Err("give a name without scheme and port, for example crawlspace.example".to_owned())
        }
    }
}

/// Reads a size with a unit: bytes by thousands (MB, GB) or by 1,024 (MiB, GiB).
pub fn bytes(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let unit: u64 = match unit {
        "B" => 1,
        "KB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        "TB" => 1_000_000_000_000,
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1 << 30,
        "TiB" => 1 << 40,
        _ => 0,
    };
    let number: Option<u64> = number.parse().ok();
    match number.and_then(|number| number.checked_mul(unit)) {
        Some(bytes) if bytes > 0 => Ok(bytes),
        _ => Err("give a number above 0 with a unit (KiB, MiB, GiB, TiB, or KB, MB, GB, TB), for example 200GiB".to_owned()),
    }
}

/// Reads a number with a unit: ms, s, m, h or d.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let milliseconds: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => 0,
    };
    let number: Option<u64> = number.parse().ok();
    match number.and_then(|number| number.checked_mul(milliseconds)) {
        Some(milliseconds) if milliseconds > 0 => Ok(Duration::from_millis(milliseconds)),
        _ => Err("give a number above 0 with a unit (ms, s, m, h, d), for example 5s".to_owned()),
    }
}

#[cfg(test)]
mod tests;
