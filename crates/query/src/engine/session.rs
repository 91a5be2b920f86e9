//! How SQL becomes a plan that can be run, wherever the rows of its tables come from.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arrow::array::AsArray as _;
use arrow::datatypes::TimestampNanosecondType;
use crawlspace_lake::{Lake, Snapshot, TableSnapshot};
use crawlspace_model::{Table, UnixNanos};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::session_state::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::prelude::SessionConfig;
use datafusion::sql::sqlparser::ast::Statement;
use datafusion::sql::sqlparser::dialect::DuckDbDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::TokenWithSpan;
use tokio::runtime::Handle;

use super::answer::Footer;
use super::apart::Parent;
use super::running::Work;
use super::turns::Turn;
use super::yielding::Yielding;
use super::{Asking, Query, Stored};
use crate::engine::grouping::ByCodes;
use crate::error::Error;
use crate::identifiers::{self, Columns, Resolved};
use crate::planner::Planner;
use crate::table::{Fresh, Scanned};
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

/// What a query sees.
pub(crate) struct Over {
    pub snapshot: Snapshot,
    /// If there, these rows alone.
    pub fresh: Option<Fresh>,
}

/// How a query is to be answered.
pub(crate) struct Planned {
    pub state: SessionState,
    pub plan: Arc<dyn ExecutionPlan>,
    pub scanned: Arc<Mutex<Scanned>>,
    /// As far as it is known before.
    pub footer: Footer,
}

/// Where the rows of tables come from.
#[derive(Debug, Clone)]
pub(crate) enum Tables {
    Lake(Arc<Lake>),
    /// Of the process that has them.
    Parent(Arc<Parent>),
}

/// Functions, settings, and tables that plans are made with.
#[derive(Debug)]
pub(crate) struct Session {
    pub state: SessionState,
    tables: Tables,
}

impl Session {
    pub(crate) fn new(tables: Tables, runtime: Arc<RuntimeEnv>, partitions: usize) -> Self {
        let session = SessionConfig::new()
            .with_target_partitions(partitions)
            .with_information_schema(false);
        let mut state = SessionStateBuilder::new()
            .with_config(session)
            .with_runtime_env(runtime)
            .with_default_features()
            .with_optimizer_rule(Arc::new(ByCodes))
            .with_physical_optimizer_rule(Arc::new(Yielding))
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
        Self { state, tables }
    }

    /// SQL that has been planned and started.
    pub(crate) async fn begin(
        &self,
        over: &Over,
        query: Query<'_>,
        asking: &Asking,
        (time_limit, turn): (Duration, Option<Turn>),
        workers: Option<&Handle>,
    ) -> Result<Work, Error> {
        let started = Instant::now();
        let Planned {
            state,
            plan,
            scanned,
            footer,
        } = self.planned(over, query.sql, asking, time_limit).await?;
        let rows = {
            // Plans begin tasks of their own as they are started.
            let _here = workers.map(Handle::enter);
            execute_stream(Arc::clone(&plan), state.task_ctx())
                .map_err(|source| Error::Run { source })?
        };
        Ok(Work {
            tables: self.tables.clone(),
            plan,
            rows,
            keep: query.keep,
            hidden: query.hidden,
            started,
            time_limit,
            scanned,
            footer,
            turn,
        })
    }

    /// The plan of SQL over rows that it may read.
    pub(crate) async fn planned(
        &self,
        over: &Over,
        sql: &str,
        asking: &Asking,
        time_limit: Duration,
    ) -> Result<Planned, Error> {
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
                table::source(&self.tables, table, fresh, names, stored, scanned)?,
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
}

impl Tables {
    /// Looks whether parts are damaged, where something could not be read. Answers how many were set aside.
    pub(crate) async fn check(&self) -> Result<usize, crawlspace_lake::Error> {
        match self {
            Self::Lake(lake) => lake.check_parts().await,
            Self::Parent(_) => Ok(0),
        }
    }
}

/// What is known of an answer before it is looked for.
pub(crate) fn footer_of(
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
