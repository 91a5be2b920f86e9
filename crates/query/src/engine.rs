//! Runs questions: one snapshot, one plan, bounded in time, memory and rows.

pub(crate) mod answer;
pub(crate) mod coded;
mod question;
pub(crate) mod running;
pub(crate) mod scan;
mod turns;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::TimestampNanosecondType;
use crawlspace_lake::{Lake, Snapshot, TableSnapshot};
use crawlspace_model::{Table, UnixNanos};
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, collect, execute_stream};
use datafusion::prelude::SessionConfig;
use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::dialect::DuckDbDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::TokenWithSpan;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::identifiers::{self, Columns, Resolved};
use crate::planner::Planner;
use crate::request::QueryRequest;
use crate::table::{Fresh, Scanned};
use crate::{attribute, functions, guard, table};
use answer::{Answer, Footer};
use running::{Running, Work};
use turns::{Turn, Turns};

/// Functions whose result can be many times larger than what they are given: one call could take all memory.
const GROWING_FUNCTIONS: [&str; 10] = [
    "repeat",
    "lpad",
    "rpad",
    "range",
    "generate_series",
    "gen_series",
    "array_repeat",
    "list_repeat",
    "array_resize",
    "list_resize",
];

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

/// What a query sees.
struct Over {
    snapshot: Snapshot,
    /// If there, these rows alone.
    fresh: Option<Fresh>,
}

/// How a query is to be answered.
struct Planned {
    state: SessionState,
    plan: Arc<dyn ExecutionPlan>,
    scanned: Arc<Mutex<Scanned>>,
    /// As far as it is known before.
    footer: Footer,
}

/// Answers questions about the lake.
#[derive(Debug)]
pub struct Engine {
    pub(crate) lake: Arc<Lake>,
    config: Config,
    state: SessionState,
    turns: Turns,
    /// The runtime that finds rows, if it is not that of whoever asks.
    workers: Option<Handle>,
    closing: CancellationToken,
}

impl Engine {
    #[must_use]
    pub fn new(lake: Arc<Lake>, config: Config) -> Self {
        let session = SessionConfig::new()
            .with_target_partitions(cores())
            .with_information_schema(false);
        let mut state = SessionStateBuilder::new()
            .with_config(session)
            .with_runtime_env(Arc::clone(lake.runtime()))
            .with_default_features()
            .build();
        let mut registry = functions::scalars();
        let mut session = SessionStateBuilder::new_from_existing(state.clone());
        let scalars = state
            .scalar_functions()
            .iter()
            .filter(|(name, _)| !GROWING_FUNCTIONS.contains(&name.as_str()));
        registry.extend(scalars.map(|(_, function)| Arc::clone(function)));
        let mut aggregates = functions::aggregates();
        aggregates.extend(state.aggregate_functions().values().cloned());
        let mut windows = functions::windows();
        windows.extend(state.window_functions().values().cloned());
        session = session
            .with_scalar_functions(registry)
            .with_aggregate_functions(aggregates)
            .with_window_functions(windows);
        state = session.build();
        let turns = Turns::new(config.running_max, config.waiting_max, config.wait_time_max);
        Self {
            lake,
            config,
            state,
            turns,
            workers: None,
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

    /// Answers a SELECT statement, row by row.
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
        let started = Instant::now();
        let time_limit = asking.time_limit.unwrap_or(self.config.time_limit);
        let planned = self.planned(&over, query.sql, asking).await?;
        let Planned {
            state,
            plan,
            scanned,
            footer,
        } = planned;
        let rows = {
            // Plans begin tasks of their own as they are started.
            let _here = self.workers.as_ref().map(Handle::enter);
            execute_stream(Arc::clone(&plan), state.task_ctx())
                .map_err(|source| Error::Run { source })?
        };
        let work = Work {
            lake: Arc::clone(&self.lake),
            plan,
            rows,
            keep: query.keep,
            hidden: query.hidden,
            started,
            time_limit,
            scanned,
            footer,
            turn,
        };
        work.start(self.workers.as_ref()).await
    }

    /// The plan of SQL over rows that it may read.
    async fn planned(&self, over: &Over, sql: &str, asking: &Asking) -> Result<Planned, Error> {
        let snapshot = &over.snapshot;
        guard::check_text(sql)?;
        let tokens = identifiers::tokenize(sql)?;
        guard::check_tokens(&tokens)?;
        let resolved = identifiers::resolve(tokens, None, snapshot)?;
        let scanned = Arc::new(Mutex::new(Scanned::default()));
        let footer = footer_of(snapshot, resolved.named.keys().copied(), asking.now);
        let mut state = self.state.clone();
        state.mark_start_execution();
        if over.fresh.is_some() {
            // What is given keeps its order.
            state.config_mut().options_mut().execution.target_partitions = 1;
        }
        let time_limit = asking.time_limit.unwrap_or(self.config.time_limit);
        let planning = async {
            let plan = self.plan(&state, resolved, over, &scanned, &asking.stored)?;
            state
                .create_physical_plan(&plan)
                .await
                .map_err(|source| Error::Plan { source })
        };
        let plan = tokio::time::timeout(time_limit, planning)
            .await
            .map_err(|_| Error::TimeLimit { limit: time_limit })??;
        Ok(Planned {
            state,
            plan,
            scanned,
            footer,
        })
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

    fn plan(
        &self,
        state: &SessionState,
        resolved: Resolved,
        Over { snapshot, fresh }: &Over,
        scanned: &Arc<Mutex<Scanned>>,
        stored: &Stored,
    ) -> Result<LogicalPlan, Error> {
        let Resolved {
            tokens,
            mut named,
            wildcard,
        } = resolved;
        let statement = parse(tokens)?;
        let mut sources = BTreeMap::new();
        let mut text = BTreeSet::new();
        for (table, names) in &mut named {
            let table = snapshot.table(*table);
            let fresh = fresh.as_ref().filter(|(of, _)| *of == table.table);
            match fresh {
                Some((_, rows)) if wildcard => names.extend(attribute::names_in(rows)),
                None if wildcard && *stored != Stored::All => names.extend(attribute::names(table)),
                _ => {}
            }
            let is_text = |name: &&String| {
                attribute::reading(table, name).is_some_and(|reading| reading.is_text)
            };
            text.extend(names.iter().filter(is_text).cloned());
            sources.insert(
                table.table,
                table::source(&self.lake, table, fresh, names, stored, scanned)?,
            );
        }
        let known: BTreeSet<String> = named
            .keys()
            .flat_map(|table| snapshot.names(*table))
            .collect();
        Planner::new(state, sources, text)
            .plan(statement)
            .map_err(|source| Error::planning(source, known.iter().map(String::as_str)))
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

    /// Runs a plan of ours to its end.
    pub(crate) async fn run_plan(
        &self,
        plan: Arc<dyn ExecutionPlan>,
    ) -> Result<Vec<RecordBatch>, Error> {
        collect(plan, self.state.task_ctx())
            .await
            .map_err(|source| Error::Run { source })
    }
}

/// What is known of an answer before it is looked for.
fn footer_of(
    snapshot: &Snapshot,
    tables: impl Iterator<Item = Table> + Clone,
    now: UnixNanos,
) -> Footer {
    let newest = tables
        .clone()
        .filter_map(|table| newest(snapshot.table(table)))
        .max();
    let mut tables = tables.map(|table| snapshot.table(table));
    Footer {
        position: snapshot.position,
        sampled: tables.any(TableSnapshot::is_weighted),
        damaged_parts: snapshot.damaged_parts as u64,
        newest_received_at: newest.map(|newest| newest.0.to_string()),
        newest_age_ms: newest
            .filter(|_| now != UnixNanos::default())
            .map(|newest| {
                #[expect(clippy::cast_precision_loss, reason = "an age in milliseconds")]
                let nanos = now.0.saturating_sub(newest.0) as f64;
                nanos / 1e6
            }),
        ..Footer::default()
    }
}

/// When the newest row of a table came in.
fn newest(table: &TableSnapshot) -> Option<UnixNanos> {
    let parts = table.parts.iter().map(|part| part.meta.received_max);
    // Batches are in the order in which they came.
    let memory = table.memory.last().and_then(|batch| {
        let received = batch.rows.column_by_name("received_at")?;
        arrow::compute::max(received.as_primitive::<TimestampNanosecondType>()).map(UnixNanos)
    });
    parts.chain(memory).max()
}

impl Columns for TableSnapshot {
    fn has_column(&self, _: Table, name: &str) -> bool {
        attribute::is_known(self, name)
    }

    fn names(&self, _: Table) -> BTreeSet<String> {
        attribute::names(self)
    }
}

impl Columns for Snapshot {
    fn has_column(&self, table: Table, name: &str) -> bool {
        attribute::is_known(self.table(table), name)
    }

    fn names(&self, table: Table) -> BTreeSet<String> {
        attribute::names(self.table(table))
    }
}

/// The one SELECT statement of a query.
fn parse(tokens: Vec<TokenWithSpan>) -> Result<Statement, Error> {
    let mut statements = Parser::new(&DuckDbDialect {})
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(|error| syntax_error(&error))?;
    match (statements.pop(), statements.is_empty()) {
        (Some(statement @ Statement::Query(_)), true) => Ok(statement),
        (None, _) => Err(Error::Request(
            "there is no statement: write one SELECT".to_owned(),
        )),
        (Some(_), false) => Err(Error::Request(
            "there are several statements: send one SELECT at a time".to_owned(),
        )),
        (Some(_), true) => Err(Error::Request(
            "only SELECT statements are answered: data is never changed by SQL".to_owned(),
        )),
    }
}

/// The parser tells the place of an error in its text: `… at Line: 1, Column: 8`.
pub(crate) fn syntax_error(error: &ParserError) -> Error {
    let text = match error {
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.clone(),
        ParserError::RecursionLimitExceeded => "the query is nested too deeply".to_owned(),
    };
    let place = text.rsplit_once(" at Line: ").and_then(|(message, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        Some((
            message.to_owned(),
            line.parse().ok()?,
            column.trim().parse().ok()?,
        ))
    });
    let (message, line, column) = place.unwrap_or((text, 1, 1));
    Error::Syntax {
        message: format!("{message} at line {line}, column {column}"),
        line,
        column,
    }
}
