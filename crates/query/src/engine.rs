//! Runs questions: one snapshot, one plan, bounded in time, memory and rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
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
use futures::TryStreamExt;

use crate::answer::{Answer, Footer};
use crate::error::Error;
use crate::identifiers::{self, Columns, Resolved};
use crate::planner::Planner;
use crate::request::QueryRequest;
use crate::table::Scanned;
use crate::{attribute, functions, guard, table};

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

/// Limits of one query. Plain data.
#[derive(Debug, Clone)]
pub struct Config {
    pub time_limit: Duration,
    /// Rows given; further ones are counted only.
    pub rows_max: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            time_limit: Duration::from_secs(30),
            rows_max: 100_000,
        }
    }
}

/// Answers questions about the lake.
#[derive(Debug)]
pub struct Engine {
    pub(crate) lake: Arc<Lake>,
    config: Config,
    state: SessionState,
}

impl Engine {
    #[must_use]
    pub fn new(lake: Arc<Lake>, config: Config) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let session = SessionConfig::new()
            .with_target_partitions(cores)
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
        session = session
            .with_scalar_functions(registry)
            .with_aggregate_functions(aggregates);
        state = session.build();
        Self {
            lake,
            config,
            state,
        }
    }

    /// Answers a SELECT statement.
    ///
    /// # Errors
    /// The statement is wrong, asks for too much, or data can't be read.
    pub async fn sql(&self, sql: &str) -> Result<Answer, Error> {
        self.run(sql, self.config.rows_max).await
    }

    /// Answers a question of the query API. `now` is what `last` counts back from.
    ///
    /// # Errors
    /// The question is wrong, asks for too much, or data can't be read.
    pub async fn query(&self, request: &QueryRequest, now: UnixNanos) -> Result<Answer, Error> {
        let snapshot = self.lake.snapshot();
        let question = request.to_sql(&snapshot, now)?;
        let mut answer = self.run(&question.sql, question.limit).await?;
        if question.is_open_ended {
            answer.footer.rows_found = None;
        }
        answer.footer.sql = Some(question.sql);
        Ok(answer)
    }

    /// Runs SQL, keeping at most `keep` rows. If data can't be read, damaged parts are set aside and the rest is asked.
    async fn run(&self, sql: &str, keep: usize) -> Result<Answer, Error> {
        let first = self.run_once(sql, keep).await;
        match &first {
            Err(error) if error.is_unreadable() => {
                self.lake.check_parts().await?;
                self.run_once(sql, keep).await
            }
            _ => first,
        }
    }

    async fn run_once(&self, sql: &str, keep: usize) -> Result<Answer, Error> {
        let started = Instant::now();
        guard::check_text(sql)?;
        let tokens = identifiers::tokenize(sql)?;
        guard::check_tokens(&tokens)?;
        let snapshot = self.lake.snapshot();
        let resolved = identifiers::resolve(tokens, None, &snapshot)?;
        let scanned = Arc::new(Mutex::new(Scanned::default()));
        let sampled = resolved
            .named
            .keys()
            .any(|table| snapshot.table(*table).is_weighted());
        let mut state = self.state.clone();
        state.mark_start_execution();
        let answering = async {
            let plan = self.plan(&state, resolved, &snapshot, &scanned)?;
            self.execute(&state, plan, keep.min(self.config.rows_max))
                .await
        };
        let limit = self.config.time_limit;
        let (mut answer, plan) = tokio::time::timeout(limit, answering)
            .await
            .map_err(|_| Error::TimeLimit { limit })??;
        let scanned = *scanned.lock().expect("no holder of the counts panics");
        answer.footer = Footer {
            elapsed_ms: started.elapsed().as_secs_f64() * 1e3,
            rows_scanned: scanned.rows,
            rows_in_memory: scanned.rows_in_memory,
            parts_scanned: scanned.parts,
            bytes_scanned: bytes_scanned(plan.as_ref()),
            position: snapshot.position,
            sampled,
            damaged_parts: snapshot.damaged_parts as u64,
            ..answer.footer
        };
        Ok(answer)
    }

    fn plan(
        &self,
        state: &SessionState,
        resolved: Resolved,
        snapshot: &Snapshot,
        scanned: &Arc<Mutex<Scanned>>,
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
            if wildcard {
                names.extend(attribute::names(table));
            }
            let is_text = |name: &&String| {
                attribute::reading(table, name).is_some_and(|reading| reading.is_text)
            };
            text.extend(names.iter().filter(is_text).cloned());
            sources.insert(
                table.table,
                table::source(&self.lake, table, names, scanned)?,
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

    /// Runs a plan of ours to its end.
    pub(crate) async fn run_plan(
        &self,
        plan: Arc<dyn ExecutionPlan>,
    ) -> Result<Vec<RecordBatch>, Error> {
        collect(plan, self.state.task_ctx())
            .await
            .map_err(|source| Error::Run { source })
    }

    async fn execute(
        &self,
        state: &SessionState,
        plan: LogicalPlan,
        keep: usize,
    ) -> Result<(Answer, Arc<dyn ExecutionPlan>), Error> {
        let plan = state
            .create_physical_plan(&plan)
            .await
            .map_err(|source| Error::Plan { source })?;
        let run = |source| Error::Run { source };
        let mut rows = execute_stream(Arc::clone(&plan), state.task_ctx()).map_err(run)?;
        let schema = rows.schema();
        let (mut batches, mut given, mut found) = (Vec::<RecordBatch>::new(), 0, 0);
        while let Some(batch) = rows.try_next().await.map_err(run)? {
            found += batch.num_rows();
            let room = batch.num_rows().min(keep - given);
            if room > 0 {
                batches.push(batch.slice(0, room));
                given += room;
            }
        }
        let footer = Footer {
            rows: given as u64,
            rows_found: Some(found as u64),
            cut: found > given,
            ..Footer::default()
        };
        Ok((
            Answer {
                schema,
                batches,
                footer,
            },
            plan,
        ))
    }
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

fn bytes_scanned(plan: &dyn ExecutionPlan) -> u64 {
    let own = plan
        .metrics()
        .and_then(|metrics| metrics.sum_by_name("bytes_scanned"))
        .map_or(0, |value| value.as_usize());
    own as u64
        + plan
            .children()
            .iter()
            .map(|child| bytes_scanned(child.as_ref()))
            .sum::<u64>()
}
