//! `sql-worker`: the process that SQL of users runs in. `serve` starts it and speaks with it over standard input. It
//! gives up all that it will not need before it is told anything.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use clap::Args;
use rustix::process::{Resource, Rlimit, setrlimit};
use tokio::runtime::Builder;

/// Threads that run questions, at most. Of several cores one is left to telemetry: even where it runs only when nothing else
/// wants to, what holds all of them keeps others waiting at times.
const THREADS_MAX: usize = 4;
/// Plans nest as deeply as their SQL. Only what is used is taken from memory.
const STACK_BYTES: usize = 64 << 20;
/// What the program takes of addresses without taking memory: itself, stacks, what the allocator sets aside.
const ADDRESS_BYTES: u64 = 8 << 30;
const END_TIME_MAX: Duration = Duration::from_millis(50);

/// Run SQL for the server that starts this
#[derive(Debug, Args)]
pub struct SqlWorkerArguments {
    /// What plans may take of memory, in bytes
    #[arg(long, value_name = "BYTES")]
    pub memory: u64,
}

/// Returns when the server has closed the connection.
pub fn sql_worker(arguments: &SqlWorkerArguments) -> io::Result<()> {
    let connection = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let runtime = Builder::new_multi_thread()
        .worker_threads(cores.saturating_sub(1).clamp(1, THREADS_MAX))
        .thread_name("sql")
        .thread_stack_size(STACK_BYTES)
        .enable_time()
        .build()?;
    give_up(arguments.memory)?;
    let memory = usize::try_from(arguments.memory).unwrap_or(usize::MAX);
    let result = crawlspace_query::work(connection, runtime.handle(), memory);
    runtime.shutdown_timeout(END_TIME_MAX);
    result
}

/// No file can be opened, nothing is left behind; and it is the first to go where memory is short.
fn give_up(memory: u64) -> io::Result<()> {
    if let Err(error) = std::fs::write("/proc/self/oom_score_adj", "1000") {
        tracing::debug!(%error, "SQL is as dear as everything else where memory is short");
    }
    let addresses = memory.saturating_mul(4).saturating_add(ADDRESS_BYTES);
    for (resource, most) in [
        (Resource::Nofile, 0),
        (Resource::Core, 0),
        (Resource::As, addresses),
    ] {
        let most = Some(most);
        setrlimit(
            resource,
            Rlimit {
                current: most,
                maximum: most,
            },
        )?;
    }
    Ok(())
}
