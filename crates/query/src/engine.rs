//! Runs questions: one snapshot, one plan, bounded in time, memory and rows.

pub(crate) mod answer;
pub(crate) mod apart;
pub(crate) mod coded;
pub(crate) mod grouping;
mod question;
pub(crate) mod running;
pub(crate) mod scan;
pub(crate) mod session;
mod turns;
mod yielding;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crawlspace_lake::{Lake, Snapshot};
use crawlspace_model::UnixNanos;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::request::QueryRequest;
use crate::table::Fresh;
use answer::Answer;
use running::Running;
pub(crate) use session::syntax_error;
use session::{Over, Planned, Session, Tables, footer_of};
use turns::{Turn, Turns};

/// Limits of queries. Plain data.
#[derive(Debug, Clone)]
pub struct Config {
    /// For a query that does not say.
    pub time_limit: Duration,
    /// The most that a query may ask for.
    pub time_limit_max: Duration,
    /// Rows given, for a query that does not say; further ones are counted only.
    pub rows_max: usize,
    /// The most rows that a query may ask for.
    pub rows_limit_max: usize,
    /// Queries that run at one time.
    pub running_max: usize,
    /// Queries that wait for their turn; further ones are refused.
    pub waiting_max: usize,
    /// How long one waits for its turn.
    pub wait_time_max: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            time_limit: Duration::from_secs(30),
            time_limit_max: Duration::from_secs(600),
            rows_max: 100_000,
            rows_limit_max: 10_000_000,
            running_max: cores().max(4),
            waiting_max: 64,
            wait_time_max: Duration::from_secs(10),
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// How a question is to be answered.
#[derive(Debug, Clone, Default)]
pub struct Asking {
    /// What `last` counts back from, and the age of rows.
    pub now: UnixNanos,
    pub time_limit: Option<Duration>,
    /// Rows to give at most.
    pub rows_max: Option<usize>,
    /// Columns that are offered as they are stored.
    pub stored: Stored,
}

/// Columns as they are stored: no value is made to fit others, dictionaries stay.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Stored {
    #[default]
    None,
    /// All of them; `*` means these.
    All,
    Named(BTreeSet<String>),
}

/// SQL, and what to give of its answer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query<'a> {
    pub sql: &'a str,
    /// Rows to give at most; further ones are counted.
    pub keep: usize,
    /// So many columns at the end are for the footer.
    pub hidden: usize,
}

/// Answers questions about the lake.
#[derive(Debug)]
pub struct Engine {
    pub(crate) lake: Arc<Lake>,
    config: Config,
    session: Session,
    turns: Turns,
    /// The runtime that finds rows, if it is not that of whoever asks.
    workers: Option<Handle>,
    /// Those that run SQL of users, if there are any.
    apart: Option<Arc<apart::Workers>>,
    closing: CancellationToken,
}

impl Engine {
    #[must_use]
    pub fn new(lake: Arc<Lake>, config: Config) -> Self {
        let tables = Tables::Lake(Arc::clone(&lake));
        let session = Session::new(tables, Arc::clone(lake.runtime()), cores());
        let turns = Turns::new(config.running_max, config.waiting_max, config.wait_time_max);
        Self {
            lake,
            config,
            session,
            turns,
            workers: None,
            apart: None,
            closing: CancellationToken::new(),
        }
    }

    /// Finds rows on another runtime: its threads may have less weight than those that must not wait.
    #[must_use]
    pub fn with_workers(self, workers: Handle) -> Self {
        Self {
            workers: Some(workers),
            ..self
        }
    }

    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Ends what would not end by itself: live tails.
    pub fn close(&self) {
        self.closing.cancel();
    }

    pub(crate) async fn closing(&self) {
        self.closing.cancelled().await;
    }

    /// Queries that run now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.turns.running()
    }

    /// Queries that got a turn so far.
    #[must_use]
    pub fn begun(&self) -> u64 {
        self.turns.taken()
    }

    /// Queries that wait for their turn now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.turns.waiting()
    }

    /// Answers a SELECT statement.
    ///
    /// # Errors
    /// The statement is wrong, asks for too much, or data can't be read.
    pub async fn sql(&self, sql: &str) -> Result<Answer, Error> {
        let running = self.stream_sql(sql, &Asking::default()).await?;
        running.collect().await
    }

    /// Answers a question of the query API. `now` is what `last` counts back from.
    ///
    /// # Errors
    /// The question is wrong, asks for too much, or data can't be read.
    pub async fn query(&self, request: &QueryRequest, now: UnixNanos) -> Result<Answer, Error> {
        let asking = Asking {
            now,
            ..Asking::default()
        };
        self.stream_query(request, &asking).await?.collect().await
    }

    /// Answers a SELECT statement of our own making, row by row.
    ///
    /// # Errors
    /// The statement is wrong, asks for too much, data can't be read, or too many queries run.
    pub async fn stream_sql(&self, sql: &str, asking: &Asking) -> Result<Running, Error> {
        let query = Query {
            sql,
            keep: asking.rows_max.unwrap_or(self.config.rows_max),
            hidden: 0,
        };
        let first = self.run_on(self.lake.snapshot(), query, asking).await;
        match &first {
            // Whoever found that out has looked for damaged parts already.
            Err(error) if error.is_unreadable() => {
                self.run_on(self.lake.snapshot(), query, asking).await
            }
            _ => first,
        }
    }

    /// Runs SQL over one snapshot.
    pub(crate) async fn run_on(
        &self,
        snapshot: Snapshot,
        query: Query<'_>,
        asking: &Asking,
    ) -> Result<Running, Error> {
        self.check(asking)?;
        let turn = Some(self.turns.take().await?);
        let over = Over {
            snapshot,
            fresh: None,
        };
        self.start(over, query, asking, turn).await
    }

    /// Answers SQL over rows that have just become visible. These are few, and need no turn.
    pub(crate) async fn ask_fresh(
        &self,
        sql: &str,
        keep: usize,
        fresh: Fresh,
    ) -> Result<Answer, Error> {
        let over = Over {
            snapshot: self.lake.snapshot(),
            fresh: Some(fresh),
        };
        let query = Query {
            sql,
            keep,
            hidden: 0,
        };
        let asking = Asking::default();
        let running = self.start(over, query, &asking, None).await?;
        running.collect().await
    }

    async fn start(
        &self,
        over: Over,
        query: Query<'_>,
        asking: &Asking,
        turn: Option<Turn>,
    ) -> Result<Running, Error> {
        let time_limit = asking.time_limit.unwrap_or(self.config.time_limit);
        let workers = self.workers.as_ref();
        let begun = (time_limit, turn);
        let work = self
            .session
            .begin(&over, query, asking, begun, workers)
            .await?;
        work.start(workers).await
    }

    /// The plan of SQL over rows that it may read.
    pub(crate) async fn planned(
        &self,
        over: &Over,
        sql: &str,
        asking: &Asking,
    ) -> Result<Planned, Error> {
        let time_limit = asking.time_limit.unwrap_or(self.config.time_limit);
        self.session.planned(over, sql, asking, time_limit).await
    }

    fn check(&self, asking: &Asking) -> Result<(), Error> {
        let longest = self.config.time_limit_max;
        if asking.time_limit.is_some_and(|limit| limit > longest) {
            let longest = longest.as_secs();
            return Err(Error::Request(format!(
                "a query may take at most {longest}s"
            )));
        }
        let most = self.config.rows_limit_max;
        if asking.rows_max.is_some_and(|rows| rows > most) {
            return Err(Error::Request(format!(
                "an answer has at most {most} rows: narrow its time range or its filter"
            )));
        }
        Ok(())
    }

    /// Does what is no query in a turn, within the time of one that does not say.
    pub(crate) async fn in_turn<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let _turn = self.turns.take().await?;
        let limit = self.config.time_limit;
        tokio::time::timeout(limit, work)
            .await
            .map_err(|_| Error::TimeLimit { limit })?
    }
}
