//! A table of a snapshot as DataFusion sees it: stored columns at the bottom, and a view over them with the names that
//! queries use. Only the columns that a query names are offered, since planning costs time for each.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use crawlspace_lake::catalogue::{Column, Part};
use crawlspace_lake::{Lake, MemoryBatch, PartScan, TableSnapshot, scan_memory};
use crawlspace_model::Table;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, DataFusionError, Result, ScalarValue};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    BinaryExpr, Expr, LogicalPlanBuilder, Operator, TableProviderFilterPushDown, TableSource,
    TableType, ident,
};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;

use crate::attribute;
use crate::engine::Stored;
use crate::engine::apart::AskedTable;
use crate::engine::session::Tables;
use crate::error::Error;
use crate::functions::rewrite_id_comparison;
use crate::trace::columns_of;

/// What a query had to look at.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Scanned {
    pub rows: u64,
    pub rows_in_memory: u64,
    pub parts: u64,
}

/// Before the name of a column as it is stored, beside what that name reads as in queries.
pub(crate) const STORED: &str = "stored:";

/// Rows that have just become visible, of one table.
pub(crate) type Fresh = (Table, Vec<Arc<MemoryBatch>>);

/// The table as a query may use it, with the columns it names; those wanted as they are stored beside.
/// With fresh rows it has no others, but names mean what they mean in the whole table.
pub(crate) fn source(
    tables: &Tables,
    table: &TableSnapshot,
    fresh: Option<&Fresh>,
    named: &BTreeSet<String>,
    stored: &Stored,
    scanned: &Arc<Mutex<Scanned>>,
) -> Result<Arc<dyn TableSource>, Error> {
    let mut expressions = Vec::new();
    let mut columns: Vec<Arc<Column>> = Vec::new();
    if *stored != Stored::None {
        columns = columns_of(table);
        if let Stored::Named(names) = stored {
            columns.retain(|column| names.contains(&column.name));
        }
        expressions.extend(
            columns
                .iter()
                .map(|column| ident(&column.stored_name).alias(format!("{STORED}{}", column.name))),
        );
    }
    let fixed = table
        .table
        .fixed_columns()
        .iter()
        .map(|column| column.name)
        .filter(|name| named.contains(*name));
    let attributes = named
        .iter()
        .map(String::as_str)
        .filter(|name| !table.table.fixed_columns().iter().any(|c| c.name == *name));
    for name in fixed.chain(attributes) {
        let Some(reading) = attribute::reading(table, name) else {
            continue;
        };
        expressions.push(reading.expression.alias(name));
        for column in reading.columns {
            if !columns
                .iter()
                .any(|known| known.stored_name == column.stored_name)
            {
                columns.push(column);
            }
        }
    }
    let mut snapshot = table.clone();
    if let Some((_, rows)) = fresh {
        (snapshot.parts, snapshot.memory) = (Arc::default(), rows.clone());
    }
    let provider: Arc<dyn TableProvider> = match tables {
        Tables::Lake(lake) => Arc::new(StoredTable::new(lake, snapshot, columns, scanned)),
        Tables::Parent(parent) => Arc::new(AskedTable {
            parent: Arc::clone(parent),
            table: table.table,
            schema: PartScan::schema(table.table, &columns),
            columns,
        }),
    };
    let view = LogicalPlanBuilder::scan(table.table.name(), provider_as_source(provider), None)
        .and_then(|scan| scan.project(expressions))
        .and_then(LogicalPlanBuilder::build)
        .map_err(|source| Error::Plan { source })?;
    Ok(provider_as_source(Arc::new(ViewTable::new(view, None))))
}

/// The stored columns of parts and memory.
#[derive(Debug, Clone)]
pub(crate) struct StoredTable {
    lake: Arc<Lake>,
    snapshot: TableSnapshot,
    columns: Vec<Arc<Column>>,
    schema: SchemaRef,
    scanned: Arc<Mutex<Scanned>>,
}

#[async_trait]
impl TableProvider for StoredTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        // Parts leave out what can't match, rows in memory are all given: the filter above stays.
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let projection = projection.unwrap_or(&all);
        let filters: Vec<Expr> = filters
            .iter()
            .cloned()
            .map(by_bytes)
            .collect::<Result<_>>()?;
        let (parts, memory) = self.chosen(&filters);
        let mut inputs: Vec<Arc<dyn ExecutionPlan>> = Vec::new();
        if !memory.is_empty() {
            let columns: Vec<Arc<Column>> = projection
                .iter()
                .map(|index| Arc::clone(&self.columns[*index]))
                .collect();
            let batches = scan_memory(self.snapshot.table, &columns, &memory)
                .map_err(|error| external(error.into()))?;
            let schema = PartScan::schema(self.snapshot.table, &columns);
            inputs.push(MemorySourceConfig::try_new_exec(&[batches], schema, None)?);
        }
        if !parts.is_empty() {
            let groups = balanced(parts, state.config().target_partitions());
            let predicate = self.predicate(state, filters)?;
            inputs.push(self.part_plan(groups, projection, predicate, limit)?);
        }
        match inputs.len() {
            0 => Ok(Arc::new(EmptyExec::new(Arc::new(
                self.schema.project(projection)?,
            )))),
            1 => Ok(inputs.remove(0)),
            _ => UnionExec::try_new(inputs),
        }
    }
}

impl StoredTable {
    pub(crate) fn new(
        lake: &Arc<Lake>,
        snapshot: TableSnapshot,
        columns: Vec<Arc<Column>>,
        scanned: &Arc<Mutex<Scanned>>,
    ) -> Self {
        Self {
            lake: Arc::clone(lake),
            schema: PartScan::schema(snapshot.table, &columns),
            snapshot,
            columns,
            scanned: Arc::clone(scanned),
        }
    }

    pub(crate) fn lake(&self) -> &Arc<Lake> {
        &self.lake
    }

    pub(crate) fn table(&self) -> Table {
        self.snapshot.table
    }

    pub(crate) fn columns(&self) -> &[Arc<Column>] {
        &self.columns
    }

    /// The parts and batches that may have rows which the filters leave. They count as looked at.
    pub(crate) fn chosen(&self, filters: &[Expr]) -> (Vec<Arc<Part>>, Vec<Arc<MemoryBatch>>) {
        let times = Times::of(filters);
        let parts = self.snapshot.parts.iter();
        let parts: Vec<Arc<Part>> = parts
            .filter(|part| times.meet_part(part))
            .cloned()
            .collect();
        let memory = self.snapshot.memory.iter();
        let memory: Vec<Arc<MemoryBatch>> = memory
            .filter(|batch| times.meet_memory(batch))
            .cloned()
            .collect();
        self.note(&parts, &memory);
        (parts, memory)
    }

    fn note(&self, parts: &[Arc<Part>], memory: &[Arc<MemoryBatch>]) {
        let in_memory: u64 = memory
            .iter()
            .map(|batch| batch.rows.num_rows() as u64)
            .sum();
        let in_parts: u64 = parts.iter().map(|part| part.meta.rows).sum();
        let mut scanned = self.scanned.lock().expect("no holder of the counts panics");
        scanned.rows += in_memory + in_parts;
        scanned.rows_in_memory += in_memory;
        scanned.parts += parts.len() as u64;
    }

    /// The filters as an expression that plans evaluate.
    pub(crate) fn predicate(
        &self,
        state: &dyn Session,
        filters: Vec<Expr>,
    ) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        let schema = DFSchema::try_from_qualified_schema(self.snapshot.table.name(), &self.schema)?;
        conjunction(filters)
            .map(|filter| state.create_physical_expr(filter, &schema))
            .transpose()
    }

    /// Reads each group of parts on its own.
    pub(crate) fn part_plan(
        &self,
        groups: Vec<Vec<Arc<Part>>>,
        projection: &[usize],
        predicate: Option<Arc<dyn PhysicalExpr>>,
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let scan = PartScan {
            table: self.snapshot.table,
            columns: &self.columns,
            projection: Some(projection.to_vec()),
            groups,
            predicate,
            limit,
        };
        scan.plan(&self.lake)
            .map_err(|error| external(error.into()))
    }
}

pub(crate) fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

pub(crate) fn by_bytes(filter: Expr) -> Result<Expr> {
    filter
        .transform_up(|expression| Ok(Transformed::yes(rewrite_id_comparison(expression))))
        .map(|rewritten| rewritten.data)
}

/// The parts in groups of about equal size.
pub(crate) fn balanced(mut parts: Vec<Arc<Part>>, groups: usize) -> Vec<Vec<Arc<Part>>> {
    parts.sort_by_key(|part| std::cmp::Reverse(part.meta.size_bytes));
    let mut balanced: Vec<(u64, Vec<Arc<Part>>)> =
        vec![(0, Vec::new()); groups.clamp(1, parts.len().max(1))];
    for part in parts {
        if let Some((bytes, group)) = balanced.iter_mut().min_by_key(|(bytes, _)| *bytes) {
            *bytes += part.meta.size_bytes;
            group.push(part);
        }
    }
    balanced.into_iter().map(|(_, group)| group).collect()
}

/// The times that filters leave: stretches with both ends included, of which a row is in one.
#[derive(Debug, Clone)]
struct Times(Vec<(i64, i64)>);

/// More stretches are read as the one around them.
const STRETCHES_MAX: usize = 64;

impl Times {
    fn of(filters: &[Expr]) -> Self {
        let all = Self(vec![(i64::MIN, i64::MAX)]);
        filters
            .iter()
            .fold(all, |times, filter| times.and(&Self::left_by(filter)))
    }

    fn left_by(filter: &Expr) -> Self {
        let all = (i64::MIN, i64::MAX);
        let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else {
            return Self(vec![all]);
        };
        match (op, left.as_ref(), right.as_ref()) {
            (Operator::And, left, right) => Self::left_by(left).and(&Self::left_by(right)),
            (Operator::Or, left, right) => {
                let mut times = Self::left_by(left);
                times.0.extend(Self::left_by(right).0);
                times.bounded()
            }
            (
                op,
                Expr::Column(column),
                Expr::Literal(ScalarValue::TimestampNanosecond(Some(time), _), _),
            ) if column.name == "time" => Self(vec![match op {
                Operator::Eq => (*time, *time),
                Operator::Gt | Operator::GtEq => (*time, i64::MAX),
                Operator::Lt | Operator::LtEq => (i64::MIN, *time),
                _ => all,
            }]),
            _ => Self(vec![all]),
        }
    }

    fn and(&self, other: &Self) -> Self {
        let pairs = self
            .0
            .iter()
            .flat_map(|one| other.0.iter().map(move |two| (one, two)));
        let both = pairs.map(|(one, two)| (one.0.max(two.0), one.1.min(two.1)));
        Self(both.filter(|(from, to)| from <= to).collect()).bounded()
    }

    fn bounded(self) -> Self {
        if self.0.len() <= STRETCHES_MAX {
            return self;
        }
        let from = self.0.iter().map(|(from, _)| *from).min();
        let to = self.0.iter().map(|(_, to)| *to).max();
        Self(from.zip(to).into_iter().collect())
    }

    fn meet(&self, first: i64, last: i64) -> bool {
        self.0
            .iter()
            .any(|(from, to)| last >= *from && first <= *to)
    }

    fn meet_part(&self, part: &Part) -> bool {
        self.meet(part.meta.time_min.0, part.meta.time_max.0)
    }

    fn meet_memory(&self, batch: &MemoryBatch) -> bool {
        self.meet(batch.time_min.0, batch.time_max.0)
    }
}

/// The table of a name, in any case.
pub(crate) fn table_named(name: &str) -> Result<Table, Error> {
    Table::parse(name).ok_or_else(|| Error::UnknownTable {
        name: name.to_owned(),
    })
}
