//! A table of the server's in a plan of a worker's. What the plan finds out while it runs about the rows that it still
//! needs, like the least of the newest ones so far, the server is told.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use crawlspace_lake::PartScan;
use crawlspace_lake::catalogue::Column;
use crawlspace_model::Table;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr::expressions::DynamicFilterPhysicalExpr;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation, PushedDown,
};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use futures::stream::try_unfold;

use super::filter::Filter;
use super::parent::{Parent, Reading};
use super::wire::Scanning;
use crate::table::by_bytes;

/// The stored columns of a table that the server has.
#[derive(Debug)]
pub(crate) struct AskedTable {
    pub parent: Arc<Parent>,
    pub table: Table,
    pub columns: Vec<Arc<Column>>,
    pub schema: SchemaRef,
}

#[async_trait]
impl TableProvider for AskedTable {
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
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.columns.len()).collect();
        let columns = projection.unwrap_or(&all).iter();
        let columns: Vec<Arc<Column>> = columns
            .map(|index| Arc::clone(&self.columns[*index]))
            .collect();
        let filters: Vec<Expr> = filters
            .iter()
            .cloned()
            .map(by_bytes)
            .collect::<Result<_>>()?;
        let scanning = Scanning {
            table: self.table,
            columns: columns.iter().map(|column| column.name.clone()).collect(),
            filters: filters.iter().filter_map(Filter::of).collect(),
            limit,
            grouping: None,
            newest: None,
        };
        let (scan, partitions) = self.parent.open(scanning).await?;
        let schema = PartScan::schema(self.table, &columns);
        Ok(Arc::new(AskedPlan::new(
            &self.parent,
            scan,
            partitions,
            schema,
        )))
    }
}

/// A scan that the server has opened.
#[derive(Debug, Clone)]
pub(super) struct AskedPlan {
    parent: Arc<Parent>,
    scan: u32,
    properties: Arc<PlanProperties>,
    /// Conditions that become narrower while the plan runs.
    narrowing: Vec<Arc<dyn PhysicalExpr>>,
}

impl AskedPlan {
    pub(super) fn new(
        parent: &Arc<Parent>,
        scan: u32,
        partitions: usize,
        schema: SchemaRef,
    ) -> Self {
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self {
            parent: Arc::clone(parent),
            scan,
            properties: Arc::new(properties),
            narrowing: Vec::new(),
        }
    }
}

impl DisplayAs for AskedPlan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AskedPlan: scan={}", self.scan)
    }
}

impl ExecutionPlan for AskedPlan {
    fn name(&self) -> &'static str {
        "AskedPlan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        for narrowing in &self.narrowing {
            if f(narrowing)? == TreeNodeRecursion::Stop {
                return Ok(TreeNodeRecursion::Stop);
            }
        }
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    /// Another run needs other rows.
    fn reset_state(self: Arc<Self>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self {
            narrowing: Vec::new(),
            ..self.as_ref().clone()
        }))
    }

    fn handle_child_pushdown_result(
        &self,
        phase: FilterPushdownPhase,
        pushed: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let filters = pushed
            .parent_filters
            .into_iter()
            .map(|pushed| pushed.filter);
        let narrowing: Vec<_> = filters
            .clone()
            .filter(|filter| filter.is::<DynamicFilterPhysicalExpr>())
            .collect();
        let is_told = phase == FilterPushdownPhase::Post && !narrowing.is_empty();
        let updated = is_told.then(|| {
            let narrowed = Self {
                narrowing,
                ..self.clone()
            };
            Arc::new(narrowed) as _
        });
        Ok(FilterPushdownPropagation {
            // Rows may come that do not fulfil them.
            filters: filters.map(|_| PushedDown::No).collect(),
            updated_node: updated,
        })
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let (parent, scan) = (Arc::clone(&self.parent), self.scan);
        let (schema, narrowing) = (self.schema(), self.narrowing.clone());
        let columns = narrowing.iter().flat_map(collect_columns);
        let mut columns: Vec<String> = columns
            .filter_map(|column| Some(schema.fields().get(column.index())?.name().clone()))
            .collect();
        columns.sort();
        columns.dedup();
        let columns_of = Arc::clone(&schema);
        let rows = try_unfold(None, move |reading: Option<Reading>| {
            let (parent, columns) = (Arc::clone(&parent), columns.clone());
            let (narrowing, schema) = (narrowing.clone(), Arc::clone(&columns_of));
            async move {
                let mut reading = match reading {
                    Some(reading) => reading,
                    None => parent.read(scan, partition, columns).await?,
                };
                let narrower = || {
                    let filters = narrowing.iter();
                    let filters = filters.filter_map(|filter| Filter::of_physical(filter, &schema));
                    let filters: Vec<Filter> = filters.collect();
                    (!filters.is_empty()).then_some(Filter::All(filters))
                };
                let rows = reading.next(narrower).await?;
                Ok(rows.map(|rows| (rows, Some(reading))))
            }
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, rows)))
    }
}
