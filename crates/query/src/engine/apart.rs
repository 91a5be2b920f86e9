//! SQL of users, in a process of its own: whatever it does there, it does to nothing else. The process understands,
//! plans and runs it, and asks for the rows of tables; the server reads these, watches it, and ends it when it takes too
//! long or too much.

mod asked;
mod filter;
mod grouped;
mod parent;
mod process;
mod question;
mod scans;
mod wire;
mod worker;

use std::sync::Arc;

pub(crate) use asked::AskedTable;
pub(crate) use grouped::{can_be_asked, newest_of_server, plan_of_server};
pub(crate) use parent::Parent;
pub(crate) use process::Workers;
pub use process::{WorkerConfig, WorkerStatistics, run_when_idle};
pub use scans::SCANS_MAX;
use tokio::runtime::Handle;
pub use worker::work;

use super::running::Running;
use super::session::footer_of;
use super::{Asking, Engine};
use crate::error::Error;
use crate::{guard, identifiers};
use question::Question;
use scans::Scans;
use wire::{Ask, Order, words};

impl Engine {
    /// Answers SQL of users in processes of their own. Their rows are found on `scanning`, if not where those of others are.
    #[must_use]
    pub fn with_sql_workers(self, config: WorkerConfig, scanning: Option<Handle>) -> Self {
        Self {
            apart: Some(Arc::new(Workers::new(config, scanning))),
            ..self
        }
    }

    /// What became of the processes for SQL, where there are any.
    #[must_use]
    pub fn sql_workers(&self) -> Option<WorkerStatistics> {
        self.apart.as_ref().map(|workers| workers.statistics())
    }

    /// Answers a SELECT statement that somebody has written, row by row: in a process of its own where there are any.
    ///
    /// # Errors
    /// The statement is wrong, asks for too much, data can't be read, or too many queries run.
    pub async fn stream_users_sql(&self, sql: &str, asking: &Asking) -> Result<Running, Error> {
        let Some(workers) = &self.apart else {
            return self.stream_sql(sql, asking).await;
        };
        let first = self.ask_apart(workers, sql, asking).await;
        match &first {
            // Whoever found that out has looked for damaged parts already.
            Err(error) if error.is_unreadable() => self.ask_apart(workers, sql, asking).await,
            _ => first,
        }
    }

    async fn ask_apart(
        &self,
        workers: &Arc<Workers>,
        sql: &str,
        asking: &Asking,
    ) -> Result<Running, Error> {
        self.check(asking)?;
        guard::check_text(sql)?;
        // Which tables it may name is all that is read of it here, word by word.
        let tokens = identifiers::tokenize(sql)?;
        guard::check_tokens(&tokens)?;
        let tables = identifiers::tables(&tokens);
        let turn = self.turns.take().await?;
        let mut lease = workers.take().await?;
        let snapshot = self.lake.snapshot();
        let time_limit = asking.time_limit.unwrap_or(self.config.time_limit);
        let keep = asking.rows_max.unwrap_or(self.config.rows_max);
        let ask = Order::Ask(Ask {
            sql: sql.to_owned(),
            keep,
            time_limit,
            tables: tables
                .iter()
                .map(|table| snapshot.table(*table).outline())
                .collect(),
        });
        let outgoing = lease.worker().outgoing.clone();
        if outgoing.send(words(&ask)).await.is_err() {
            return Err(lease.death().await);
        }
        let footer = footer_of(&snapshot, tables.iter().copied(), asking.now);
        let (lake, state) = (Arc::clone(&self.lake), self.session.state.clone());
        let scanning = workers.scanning.clone().or_else(|| self.workers.clone());
        let scans = Scans::new(lake, snapshot, state, scanning, outgoing);
        Question::new(lease, scans, (keep, time_limit), footer, turn)
            .start()
            .await
    }
}
