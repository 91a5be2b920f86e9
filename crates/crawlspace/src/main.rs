//! The program: reads the command line, starts the runtime and logging, and turns failures into exit codes.

mod client;
mod command;
mod config;
mod data_dir;
mod failure;
mod first_keys;
mod memory;
mod print;
mod store;
mod workers;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use command::{
    backup, completions, doctor, export, fields, import, insight, key, ledger, query, serve, sql,
    tail, team, trace,
};
use config::{Cli, Command};
use failure::Failure;
use print::Page;

/// DataFusion's plans of deep expressions take more than the usual 2 MiB.
const THREAD_STACK_BYTES: usize = 8 << 20;
/// How long the runtime may take to end once the command has.
const RUNTIME_END_TIME_MAX: Duration = Duration::from_millis(250);

/// What is logged where nothing else is asked for.
const SERVER_LOG: &str = "warn,crawlspace=info";
const LOG: &str = "warn";

/// Decoding allocates and frees all the time, on several threads; the C library's allocator spends more time on that and
/// gives less memory back. How soon it is given back is set in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;
/// Without it, 512 MiB do not last.
const _: &str = env!(
    "JEMALLOC_SYS_WITH_MALLOC_CONF",
    "build in the repository's folder: `.cargo/config.toml` says how the allocator is built"
);

/// What a process gets to hear for its allocator to give memory back on the threads that free it, with what weight they have:
/// the allocator's own have that of the process's first moments.
fn allocator_without_threads() -> (String, String) {
    let [name, setting] = ["_RJEM_MALLOC_CONF", "background_thread:false"];
    (name.to_owned(), setting.to_owned())
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match start(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            _ = writeln!(std::io::stderr(), "crawlspace: {failure}");
            ExitCode::from(failure.exit_code())
        }
    }
}

fn start(cli: Cli) -> Result<(), Failure> {
    let log = cli.log.as_deref().unwrap_or(match cli.command {
        Command::Serve(_) => SERVER_LOG,
        _ => LOG,
    });
    let filter = EnvFilter::try_new(log)
        .map_err(|error| Failure::Usage(format!("--log {log} is not a log filter: {error}")))?;
    let color = cli.no_color.is_none_or(|value| value.is_empty());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(color && std::io::stderr().is_terminal())
        .init();
    if let Command::SqlWorker(arguments) = &cli.command {
        return Ok(sql::worker::sql_worker(arguments)?);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(THREAD_STACK_BYTES)
        .build()?;
    let result = runtime.block_on(run(cli.command, &Page::new(color, cli.times)));
    runtime.shutdown_timeout(RUNTIME_END_TIME_MAX);
    result
}

async fn run(command: Command, page: &Page) -> Result<(), Failure> {
    match command {
        Command::Serve(arguments) => Ok(serve::serve(arguments).await?),
        Command::Sql(arguments) => sql::sql(arguments, page).await,
        Command::Query(arguments) => query::query(arguments, page).await,
        Command::Trace(arguments) => trace::trace(arguments, page).await,
        Command::Tail(arguments) => tail::tail(arguments, page).await,
        Command::Fields(arguments) => fields::fields(arguments, page).await,
        Command::Compare(arguments) => insight::compare::compare(arguments, page).await,
        Command::Map(arguments) => insight::map::map(arguments, page).await,
        Command::Entity(arguments) => insight::entity(arguments, page).await,
        Command::Odd(arguments) => insight::odd(arguments, page).await,
        Command::Import(arguments) => import::import(arguments).await,
        Command::Export(arguments) => export::export(arguments).await,
        Command::Backup(arguments) => backup::backup(arguments).await,
        Command::Restore(arguments) => backup::restore(arguments).await,
        Command::Doctor(arguments) => doctor::doctor(arguments).await,
        Command::Ledger(arguments) => ledger::ledger(arguments, page).await,
        Command::Saved(arguments) => team::saved(arguments, page).await,
        Command::Note(arguments) => team::note(arguments, page).await,
        Command::Key(arguments) => key::key(arguments, page).await,
        Command::Completions(arguments) => completions::completions(&arguments),
        Command::SqlWorker(_) => unreachable!("it has a runtime of its own"),
    }
}
