//! An answer while it is found: batches as they come, the footer at the end. The work goes on in a task of its own that
//! ends with whoever reads, so that nobody's query takes a core.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use arrow::array::{AsArray as _, RecordBatch};
use arrow::compute::max;
use arrow::datatypes::{Float64Type, Int64Type, SchemaRef};
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use futures::TryStreamExt as _;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::answer::{Answer, Footer};
use super::session::Tables;
use super::turns::Turn;
use crate::error::Error;
use crate::request::Gaps;
use crate::table::Scanned;

/// Batches that are found ahead of the reader.
pub(super) const BATCHES_AHEAD_MAX: usize = 2;
/// A reader that takes nothing for so long has gone away.
pub(super) const READER_TIME_MAX: Duration = Duration::from_secs(60);

/// A piece of an answer. The end is the last one; an answer without it is not whole.
#[derive(Debug)]
pub enum Piece {
    Rows(RecordBatch),
    End(Box<Footer>),
}

/// An answer that is being found. Dropped, it ends the query.
#[derive(Debug)]
pub struct Running {
    schema: SchemaRef,
    /// The first piece is waited for, so that what fails at once is an error and not a broken answer.
    first: Option<Piece>,
    pieces: mpsc::Receiver<Result<Piece, Error>>,
    /// Aborted when dropped.
    task: JoinSet<()>,
    sql: Option<String>,
    is_open_ended: bool,
}

impl Running {
    /// The answer that a task finds, once it has found its first piece.
    pub(super) async fn begun(
        schema: SchemaRef,
        mut pieces: mpsc::Receiver<Result<Piece, Error>>,
        mut task: JoinSet<()>,
    ) -> Result<Self, Error> {
        let first = match pieces.recv().await {
            Some(piece) => piece?,
            None => return Err(ended_early(&mut task).await),
        };
        Ok(Self {
            schema,
            first: Some(first),
            pieces,
            task,
            sql: None,
            is_open_ended: false,
        })
    }

    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What comes next. After the end, and after an error, nothing more should be asked for.
    ///
    /// # Errors
    /// The query failed, took too long, or the reader did.
    pub async fn next(&mut self) -> Result<Piece, Error> {
        let piece = match self.first.take() {
            Some(piece) => piece,
            None => match self.pieces.recv().await {
                Some(piece) => piece?,
                None => return Err(ended_early(&mut self.task).await),
            },
        };
        Ok(match piece {
            Piece::End(mut footer) => {
                footer.sql = self.sql.take().or(footer.sql);
                if self.is_open_ended {
                    footer.rows_found = None;
                }
                Piece::End(footer)
            }
            rows @ Piece::Rows(_) => rows,
        })
    }

    /// The whole answer.
    pub(crate) async fn collect(mut self) -> Result<Answer, Error> {
        let mut batches = Vec::new();
        loop {
            match self.next().await? {
                Piece::Rows(rows) => batches.push(rows),
                Piece::End(footer) => {
                    return Ok(Answer {
                        schema: self.schema,
                        batches,
                        footer: *footer,
                    });
                }
            }
        }
    }

    /// The whole answer with rows for its empty steps.
    pub(crate) async fn filled(self, gaps: &Gaps) -> Result<Self, Error> {
        let Answer {
            schema,
            batches,
            mut footer,
        } = self.collect().await?;
        let rows = gaps.fill(&schema, &batches)?;
        footer.rows = rows.num_rows() as u64;
        footer.rows_found = footer.rows_found.map(|_| footer.rows);
        let (sender, pieces) = mpsc::channel(1);
        let (schema, end) = (rows.schema(), Piece::End(Box::new(footer)));
        sender.try_send(Ok(end)).expect("there is room for one");
        Ok(Self {
            schema,
            first: Some(Piece::Rows(rows)),
            pieces,
            task: JoinSet::new(),
            sql: None,
            is_open_ended: false,
        })
    }

    /// The question as SQL, and whether that stops before all rows are found: for the footer.
    pub(crate) fn asked_as(mut self, sql: String, is_open_ended: bool) -> Self {
        (self.sql, self.is_open_ended) = (Some(sql), is_open_ended);
        self
    }
}

/// Why a task has sent no end.
async fn ended_early(task: &mut JoinSet<()>) -> Error {
    match task.join_next().await {
        Some(Err(error)) if error.is_panic() => Error::Broken,
        _ => Error::Left {
            limit: READER_TIME_MAX,
        },
    }
}

/// A plan that has been started.
pub(crate) struct Work {
    pub tables: Tables,
    pub plan: Arc<dyn ExecutionPlan>,
    pub rows: SendableRecordBatchStream,
    /// Rows to give; further ones are counted only.
    pub keep: usize,
    /// So many columns at the end are for the footer.
    pub hidden: usize,
    pub started: Instant,
    /// Time for finding rows; the reader's own does not count.
    pub time_limit: Duration,
    pub scanned: Arc<Mutex<Scanned>>,
    /// As far as it is known at the start.
    pub footer: Footer,
    #[expect(dead_code, reason = "held, not used")]
    pub turn: Option<Turn>,
}

impl Work {
    /// Starts the task, and waits for its first piece.
    pub(crate) async fn start(self, workers: Option<&Handle>) -> Result<Running, Error> {
        let schema = self.rows.schema();
        let shown: Vec<usize> = (0..schema.fields().len() - self.hidden).collect();
        let schema = Arc::new(
            schema
                .project(&shown)
                .map_err(crawlspace_lake::Error::from)?,
        );
        let (sender, pieces) = mpsc::channel(BATCHES_AHEAD_MAX);
        let mut task = JoinSet::new();
        let run = self.run(sender);
        _ = match workers {
            Some(workers) => task.spawn_on(run, workers),
            None => task.spawn(run),
        };
        Running::begun(schema, pieces, task).await
    }

    async fn run(mut self, sender: mpsc::Sender<Result<Piece, Error>>) {
        let last = match self.find(&sender).await {
            Ok(Some(footer)) => Ok(Piece::End(footer)),
            Ok(None) => return,
            Err(error) => {
                // What keeps the parts from being read may have kept the query from it, and says it better.
                let checked = match error.is_unreadable() {
                    true => self.tables.check().await,
                    false => Ok(0),
                };
                Err(checked.err().map_or(error, Error::Lake))
            }
        };
        // The plan and the turn end before the reader knows.
        drop(self);
        _ = timeout(READER_TIME_MAX, sender.send(last)).await;
    }

    /// Finds and sends the rows; `None` if the reader has gone away.
    async fn find(
        &mut self,
        sender: &mpsc::Sender<Result<Piece, Error>>,
    ) -> Result<Option<Box<Footer>>, Error> {
        let (mut given, mut found) = (0, Some(0));
        let mut left = self.time_limit.saturating_sub(self.started.elapsed());
        loop {
            let began = Instant::now();
            let next = match timeout(left, self.rows.try_next()).await {
                Ok(next) => next.map_err(|source| Error::Run { source })?,
                // All that will be given is given: only the number of the others stays unknown.
                Err(_) if found > Some(given) => {
                    found = None;
                    break;
                }
                Err(_) => {
                    return Err(Error::TimeLimit {
                        limit: self.time_limit,
                    });
                }
            };
            left = left.saturating_sub(began.elapsed());
            let Some(batch) = next else { break };
            found = found.map(|found| found + batch.num_rows());
            let batch = self.shown(batch)?;
            let room = batch.num_rows().min(self.keep - given);
            given += room;
            if room > 0 {
                let piece = Ok(Piece::Rows(batch.slice(0, room)));
                let sent = timeout(READER_TIME_MAX, sender.send(piece)).await;
                if !matches!(sent, Ok(Ok(()))) {
                    return Ok(None);
                }
            }
        }
        Ok(Some(Box::new(self.footer(given, found))))
    }

    /// The batch without its hidden columns, which the footer takes.
    fn shown(&mut self, batch: RecordBatch) -> Result<RecordBatch, Error> {
        if self.hidden == 0 {
            return Ok(batch);
        }
        let count = batch.num_columns() - self.hidden;
        for (field, values) in batch
            .schema_ref()
            .fields()
            .iter()
            .zip(batch.columns())
            .skip(count)
        {
            let footer = &mut self.footer;
            if field.name() == "$groups" {
                let groups = values.as_primitive_opt::<Int64Type>().and_then(max);
                footer.groups = footer.groups.max(groups.map(i64::unsigned_abs));
            } else if field.name().starts_with("$error") {
                let error = values.as_primitive_opt::<Float64Type>().and_then(max);
                let known = footer.percentile_error_max.unwrap_or_default();
                footer.percentile_error_max = error
                    .map(|error| error.max(known))
                    .or(footer.percentile_error_max);
            }
        }
        let shown: Vec<usize> = (0..count).collect();
        Ok(batch
            .project(&shown)
            .map_err(crawlspace_lake::Error::from)?)
    }

    fn footer(&self, given: usize, found: Option<usize>) -> Footer {
        let scanned = *self.scanned.lock().expect("no holder of the counts panics");
        Footer {
            rows: given as u64,
            rows_found: found.map(|found| found as u64),
            cut: found.is_none_or(|found| found > given),
            elapsed_ms: self.started.elapsed().as_secs_f64() * 1e3,
            rows_scanned: scanned.rows,
            rows_in_memory: scanned.rows_in_memory,
            parts_scanned: scanned.parts,
            bytes_scanned: bytes_scanned(self.plan.as_ref()),
            ..self.footer.clone()
        }
    }
}

pub(super) fn bytes_scanned(plan: &dyn ExecutionPlan) -> u64 {
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
