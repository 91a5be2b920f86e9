//! The threads that find rows for questions. They have less weight than all others, so that a question that takes every
//! core it can get does not keep telemetry waiting; those that find rows for SQL run when nothing else wants to.

use std::io;

use tokio::runtime::{Builder, Handle, Runtime};

use crate::THREAD_STACK_BYTES;

/// How much nicer they are: with a core to share, others get nine tenths of it.
const NICER_BY: i32 = 10;

/// Ends its threads when dropped, and waits for none.
#[derive(Debug)]
pub struct Workers(Option<Runtime>);

impl Workers {
    pub fn start() -> io::Result<Self> {
        Self::start_with("question", || {
            if let Err(error) = rustix::process::nice(NICER_BY) {
                tracing::debug!(%error, "questions have the weight of everything else");
            }
        })
    }

    /// For the SQL of users, which has the same class in its own processes.
    pub fn start_for_sql() -> io::Result<Self> {
        Self::start_with("sql-scan", crawlspace_query::run_when_idle)
    }

    /// Linux gives weights and classes to each thread.
    fn start_with(name: &str, lighten: fn()) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .enable_all()
            .thread_name(name)
            .thread_stack_size(THREAD_STACK_BYTES)
            .on_thread_start(lighten)
            .build()?;
        Ok(Self(Some(runtime)))
    }

    pub fn handle(&self) -> &Handle {
        self.0
            .as_ref()
            .expect("it is there until it is dropped")
            .handle()
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
