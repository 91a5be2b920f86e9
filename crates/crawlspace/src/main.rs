//! The program: reads the command line, starts the runtime and logging, and turns failures into exit codes.

mod backup;
mod client;
mod config;
mod data_dir;
mod doctor;
mod first_keys;
mod key;
mod ledger;
mod print;
mod serve;
mod store;
mod waterfall;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

use client::Failure;
use config::{Cli, Command};

/// DataFusion's plans of deep expressions take more than the usual 2 MiB.
const THREAD_STACK_BYTES: usize = 8 << 20;
/// How long the runtime may take to end once the command has.
const RUNTIME_END_TIME_MAX: Duration = Duration::from_millis(250);

/// Decoding allocates and frees all the time, on several threads; the C library's allocator spends more time on that and
/// gives less memory back.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    let filter = EnvFilter::try_new(&cli.log)
        .map_err(|error| anyhow::anyhow!("--log {} is not a log filter: {error}", cli.log))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_stack_size(THREAD_STACK_BYTES)
        .build()
        .map_err(anyhow::Error::from)?;
    let result = runtime.block_on(run(cli.command));
    runtime.shutdown_timeout(RUNTIME_END_TIME_MAX);
    result
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(arguments) => Ok(serve::serve(arguments).await?),
        Command::Sql(arguments) => client::sql(arguments).await,
        Command::Query(arguments) => client::query(arguments).await,
        Command::Trace(arguments) => client::trace(arguments).await,
        Command::Backup(arguments) => backup::backup(arguments).await,
        Command::Restore(arguments) => backup::restore(arguments).await,
        Command::Doctor(arguments) => doctor::doctor(arguments).await,
        Command::Ledger(arguments) => client::ledger(arguments).await,
        Command::Key(arguments) => key::key(arguments).await,
    }
}
