//! All rows of a range for whoever counts values: rows in memory as a scan gives them, and parts row group by row group,
//! with columns as they are stored.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use crawlspace_lake::catalogue::{Column, ColumnType, Part};
use crawlspace_lake::{Chunk, Lake, PartGroups, Snapshot, StoredChunk, TableSnapshot, memory_type};
use crawlspace_model::Table;
use crawlspace_model::attribute::Kind;
use datafusion::common::tree_node::{Transformed, TransformedResult as _, TreeNode as _};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::TaskContext;
use datafusion::execution::session_state::SessionState;
use datafusion::logical_expr::Expr;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::{ExecutionPlan, collect};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::answer::Footer;
use super::running::{Piece, Running};
use super::scan::{Scan, named};
use super::turns::Turn;
use super::{Asking, Engine, Over, footer_of};
use crate::attribute;
use crate::error::Error;
use crate::request::Bounds;
use crate::table::table_named;

/// Row groups that are read ahead of whoever counts.
const GROUPS_AHEAD_MAX: usize = 1;

/// What comes next of a coded scan.
#[derive(Debug)]
pub enum CodedPiece {
    Group(Group),
    /// Stored columns, fields and marks, as a scan gives them.
    Rows(RecordBatch),
    End(Box<Footer>),
}

/// A row group of a part.
#[derive(Debug)]
pub struct Group {
    /// Of all its rows: stored columns, fields that are read from more than one column, and marks.
    pub rows: RecordBatch,
    /// The other fields that the part has.
    pub fields: Vec<(String, GroupField)>,
    /// Read of the part for it.
    bytes: u64,
}

/// A field that is a column.
#[derive(Debug)]
pub struct GroupField {
    stored: StoredChunk,
    groups: Arc<PartGroups>,
}

impl GroupField {
    /// What kind of values the field has.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.stored.kind()
    }

    /// What is in `room` is forgotten.
    ///
    /// # Errors
    /// The part is damaged.
    pub fn decode(&self, room: Vec<u32>) -> Result<Chunk, Error> {
        let chunk = self.stored.decode(room);
        chunk.map_err(|source| Error::Lake(self.groups.error(source)))
    }
}

/// Rows that are being read. Dropped, it ends the query.
#[derive(Debug)]
pub struct CodedScan {
    groups: Option<Groups>,
    rows: Option<Running>,
    footer: Footer,
    started: Instant,
    time_limit: Duration,
}

#[derive(Debug)]
struct Groups {
    read: mpsc::Receiver<Result<Group, Error>>,
    /// Who reads them; aborted when dropped.
    task: JoinSet<()>,
    _turn: Turn,
}

impl Groups {
    /// The next one; nothing at the end. If who reads them has died, that is no end.
    async fn next(&mut self) -> Result<Option<Group>, Error> {
        if let Some(group) = self.read.recv().await {
            return group.map(Some);
        }
        match self.task.join_next().await {
            Some(Err(died)) => Err(Error::Lake(died.into())),
            _ => Ok(None),
        }
    }
}

impl CodedScan {
    /// After the end, and after an error, nothing more should be asked for.
    ///
    /// # Errors
    /// The query failed or took too long.
    pub async fn next(&mut self) -> Result<CodedPiece, Error> {
        // Rows in memory first: what gives them does not wait for ever.
        if let Some(rows) = &mut self.rows {
            match rows.next().await? {
                Piece::Rows(rows) => return Ok(CodedPiece::Rows(named(&rows)?)),
                Piece::End(footer) => {
                    self.footer.rows_scanned += footer.rows_scanned;
                    self.footer.rows_in_memory += footer.rows_in_memory;
                    self.footer.parts_scanned += footer.parts_scanned;
                    self.footer.bytes_scanned += footer.bytes_scanned;
                    self.rows = None;
                }
            }
        }
        if let Some(groups) = &mut self.groups {
            let left = self.time_limit.saturating_sub(self.started.elapsed());
            let group = timeout(left, groups.next()).await;
            let limit = self.time_limit;
            if let Some(group) = group.map_err(|_| Error::TimeLimit { limit })?? {
                self.footer.bytes_scanned += group.bytes;
                return Ok(CodedPiece::Group(group));
            }
            self.groups = None;
        }
        self.footer.elapsed_ms = self.started.elapsed().as_secs_f64() * 1e3;
        Ok(CodedPiece::End(Box::new(self.footer.clone())))
    }
}

impl Engine {
    /// Reads all rows of a range, however many. Rows of a group that are out of the range fulfil no mark.
    ///
    /// # Errors
    /// A condition is wrong, data can't be read, or too many queries run.
    pub async fn scan_coded(
        &self,
        snapshot: &Snapshot,
        scan: &Scan<'_>,
        asking: &Asking,
    ) -> Result<CodedScan, Error> {
        let asking = Asking {
            stored: scan.stored.clone(),
            ..asking.clone()
        };
        self.check(&asking)?;
        let table = snapshot.table(table_named(scan.from)?);
        let turn = self.turns.take().await?;
        let footer = footer_of(snapshot, [table.table].into_iter(), asking.now);
        let mut coded = CodedScan {
            groups: None,
            rows: None,
            footer,
            started: Instant::now(),
            time_limit: asking.time_limit.unwrap_or(self.config.time_limit),
        };
        let mut over = Over {
            snapshot: snapshot.clone(),
            fresh: None,
        };
        // Where related rows are looked at, all are read by one plan.
        if !scan.is_of_own_rows(table, &asking)? {
            coded.rows = Some(self.rows_of_scan(over, scan, &asking, Some(turn)).await?);
            return Ok(coded);
        }
        let bounds = scan.range.as_ref().map(|range| range.bounds(asking.now));
        let bounds = bounds.transpose()?.unwrap_or_default();
        let parts = table.parts.iter().filter(|part| is_within(part, bounds));
        let parts: Vec<Arc<Part>> = parts.cloned().collect();
        if !table.memory.is_empty() {
            over.fresh = Some((table.table, table.memory.clone()));
            coded.rows = Some(self.rows_of_scan(over, scan, &asking, None).await?);
        }
        if !parts.is_empty() {
            coded.footer.parts_scanned = parts.len() as u64;
            coded.footer.rows_scanned = parts.iter().map(|part| part.meta.rows).sum();
            let reader = self.group_reader(snapshot, scan, &asking).await?;
            coded.groups = Some(reader.start(parts, turn));
        }
        Ok(coded)
    }

    /// What evaluates a scan's marks on rows that are given to it.
    async fn group_reader(
        &self,
        snapshot: &Snapshot,
        scan: &Scan<'_>,
        asking: &Asking,
    ) -> Result<GroupReader, Error> {
        let table = snapshot.table(table_named(scan.from)?);
        let (mut columns, mut evaluated) = (Vec::new(), Vec::new());
        for name in scan.fields {
            match column_of(table, name) {
                Some(column) => columns.push(((*name).to_owned(), column)),
                None => evaluated.push(*name),
            }
        }
        let within = scan.range.as_ref().map(|range| range.condition(asking.now));
        let within = within.transpose()?.flatten();
        let marks = scan.marks.iter().map(|(name, condition)| {
            let condition = match &within {
                Some(within) => format!("({condition}) AND {within}"),
                None => (*condition).to_owned(),
            };
            (*name, condition)
        });
        let marks: Vec<(&str, String)> = marks.collect();
        let marks: Vec<(&str, &str)> = marks.iter().map(|(name, c)| (*name, c.as_str())).collect();
        let scan = Scan {
            range: None,
            fields: &evaluated,
            marks: &marks,
            ..scan.clone()
        };
        let over = Over {
            snapshot: snapshot.clone(),
            fresh: Some((table.table, Vec::new())),
        };
        let sql = scan.sql(snapshot, asking)?;
        let planned = self.planned(&over, &sql, asking).await?;
        Ok(GroupReader {
            lake: Arc::clone(&self.lake),
            needed: leaf_schema(&planned.plan),
            plan: planned.plan,
            state: planned.state,
            columns,
        })
    }
}

fn is_within(part: &Part, (start, end): Bounds) -> bool {
    start.is_none_or(|start| part.meta.time_max >= start)
        && end.is_none_or(|end| part.meta.time_min < end)
}

/// The column that a field is, if it is one and nothing else.
fn column_of(table: &TableSnapshot, name: &str) -> Option<Arc<Column>> {
    let reading = attribute::reading(table, name)?;
    let [column] = &reading.columns[..] else {
        return None;
    };
    let is_plain = matches!(reading.expression, Expr::Column(_));
    (is_plain && is_coded(table.table, column)).then(|| Arc::clone(column))
}

fn is_coded(table: Table, column: &Column) -> bool {
    use arrow::datatypes::DataType;
    let in_memory = memory_type(table, column);
    match column.column_type {
        ColumnType::Text => true,
        ColumnType::Int => in_memory == DataType::Int64,
        ColumnType::Double => in_memory == DataType::Float64,
        ColumnType::Bool => in_memory == DataType::Boolean,
        _ => false,
    }
}

struct GroupReader {
    lake: Arc<Lake>,
    /// Over no rows; those of a group take their place.
    plan: Arc<dyn ExecutionPlan>,
    needed: SchemaRef,
    state: SessionState,
    columns: Vec<(String, Arc<Column>)>,
}

impl GroupReader {
    fn start(self, parts: Vec<Arc<Part>>, turn: Turn) -> Groups {
        let (sender, read) = mpsc::channel(GROUPS_AHEAD_MAX);
        let mut task = JoinSet::new();
        task.spawn(async move {
            if let Err(error) = self.read(&parts, &sender).await {
                // What keeps the parts from being read says it better.
                let checked = match error.is_unreadable() {
                    true => self.lake.check_parts().await,
                    false => Ok(0),
                };
                let error = checked.err().map_or(error, Error::Lake);
                _ = sender.send(Err(error)).await;
            }
        });
        Groups {
            read,
            task,
            _turn: turn,
        }
    }

    async fn read(
        &self,
        parts: &[Arc<Part>],
        sender: &mpsc::Sender<Result<Group, Error>>,
    ) -> Result<(), Error> {
        for part in parts {
            let groups = Arc::new(self.lake.part_groups(part, &self.needed).await?);
            for index in 0..groups.count() {
                let group = self.group(&groups, index).await?;
                if sender.send(Ok(group)).await.is_err() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    async fn group(&self, groups: &Arc<PartGroups>, index: usize) -> Result<Group, Error> {
        let rows = self
            .evaluated(groups.rows(index, &[0..groups.rows_of(index)]).await?)
            .await?;
        let columns = self.columns.iter().map(|(_, column)| column.as_ref());
        let chunks = groups.chunks(index, columns).await?;
        let fields = self.columns.iter().zip(chunks);
        let fields = fields.filter_map(|((name, _), stored)| {
            let groups = Arc::clone(groups);
            let stored = stored?;
            Some((name.clone(), GroupField { stored, groups }))
        });
        let fields: Vec<(String, GroupField)> = fields.collect();
        let of_fields: u64 = fields.iter().map(|(_, field)| field.stored.bytes()).sum();
        Ok(Group {
            rows,
            fields,
            bytes: groups.bytes_of_rows(index) + of_fields,
        })
    }

    /// What the plan makes of these rows, one for one.
    async fn evaluated(&self, rows: RecordBatch) -> Result<RecordBatch, Error> {
        let schema = rows.schema();
        // Of all of them at once, so that they need not be put together again.
        let config = self.state.config().clone();
        let config = config.with_batch_size(rows.num_rows().max(1));
        let context = TaskContext::from(&self.state).with_session_config(config);
        let context = Arc::new(context);
        let given = MemorySourceConfig::try_new_exec(&[vec![rows]], schema, None);
        let given: Arc<dyn ExecutionPlan> = given.map_err(|source| Error::Run { source })?;
        let plan = Arc::clone(&self.plan).transform_up(|node| {
            let is_leaf = node.is::<EmptyExec>();
            Ok(if is_leaf {
                Transformed::yes(Arc::clone(&given))
            } else {
                Transformed::no(node)
            })
        });
        let plan = plan.data().map_err(|source| Error::Run { source })?;
        let rows = collect(Arc::clone(&plan), context).await;
        let rows = rows.map_err(|source| Error::Run { source })?;
        let rows = concat_batches(&plan.schema(), &rows).map_err(crawlspace_lake::Error::from)?;
        named(&rows)
    }
}

/// The columns that a plan over no rows would read.
fn leaf_schema(plan: &Arc<dyn ExecutionPlan>) -> SchemaRef {
    match plan.children()[..] {
        [input] => leaf_schema(input),
        _ => plan.schema(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use tokio::sync::mpsc;
    use tokio::task::JoinSet;

    use super::super::turns::Turns;
    use super::{CodedScan, Groups};
    use crate::{Error, Footer};

    /// A scan whose groups that task reads, and nothing else.
    async fn scan(read: impl Future<Output = ()> + Send + 'static) -> CodedScan {
        let (sender, groups) = mpsc::channel(1);
        let mut task = JoinSet::new();
        task.spawn(async move {
            read.await;
            drop(sender);
        });
        let turns = Turns::new(1, 1, Duration::ZERO);
        CodedScan {
            groups: Some(Groups {
                read: groups,
                task,
                _turn: turns.take().await.unwrap(),
            }),
            rows: None,
            footer: Footer::default(),
            started: Instant::now(),
            time_limit: Duration::from_millis(50),
        }
    }

    #[tokio::test]
    async fn a_reader_that_dies_or_stalls_is_no_end() {
        let died = scan(async { panic!("on purpose") }).await.next().await;
        assert!(matches!(died, Err(Error::Lake(_))), "{died:?}");
        let stalled = scan(std::future::pending()).await.next().await;
        assert!(
            matches!(stalled, Err(Error::TimeLimit { .. })),
            "{stalled:?}"
        );
    }
}
