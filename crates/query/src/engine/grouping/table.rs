//! What takes the place of a table in plans where its rows are only grouped: a table of the groups.

use std::fmt;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use crawlspace_lake::catalogue::Part;
use crawlspace_lake::{Lake, MemoryBatch};
use crawlspace_model::Table;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryPool};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_expr::expressions::Column as PlanColumn;
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{
    Count, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet,
};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, SendableRecordBatchStream,
};
use futures::TryStreamExt as _;
use futures::stream::{iter, once};
use tokio::task::{JoinError, JoinSet};

use super::Grouping;
use super::block::Blocks;
use super::fold::{Fold, Prepared};
use crate::engine::apart::{Parent, can_be_asked, plan_of_server};
use crate::table::{StoredTable, external};

/// Where the rows are.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    Lake(StoredTable),
    /// In the process that has them.
    Server(Table, Arc<Parent>),
}

impl Origin {
    pub fn table(&self) -> Table {
        match self {
            Self::Lake(stored) => stored.table(),
            Self::Server(table, _) => *table,
        }
    }

    /// Whether it can find groups, or with the times as key the newest rows.
    pub fn can_find(&self, grouping: &Grouping) -> bool {
        match self {
            Self::Lake(_) => true,
            Self::Server(..) => can_be_asked(grouping),
        }
    }
}

/// The groups of a table's rows.
#[derive(Debug)]
pub(crate) struct GroupedTable {
    grouping: Grouping,
    schema: SchemaRef,
    origin: Origin,
}

impl GroupedTable {
    pub(super) fn new(grouping: Grouping, origin: Origin) -> Result<Self> {
        let schema = grouping.schema()?;
        Ok(Self {
            grouping,
            schema,
            origin,
        })
    }
}

#[async_trait]
impl TableProvider for GroupedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let plan: Arc<dyn ExecutionPlan> = match &self.origin {
            Origin::Lake(stored) => Arc::new(GroupedPlan::new(stored, &self.grouping, state)?),
            Origin::Server(_, parent) => plan_of_server(parent, &self.grouping).await?,
        };
        let Some(projection) = projection else {
            return Ok(plan);
        };
        let columns = projection.iter().map(|index| {
            let name = self.schema.field(*index).name();
            let column: Arc<dyn PhysicalExpr> = Arc::new(PlanColumn::new(name, *index));
            (column, name.clone())
        });
        Ok(Arc::new(ProjectionExec::try_new(
            columns.collect::<Vec<_>>(),
            plan,
        )?))
    }
}

/// Finds groups.
#[derive(Debug)]
pub(crate) struct GroupedPlan {
    finding: Arc<Finding>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

#[derive(Debug)]
struct Finding {
    lake: Arc<Lake>,
    parts: Vec<Arc<Part>>,
    memory: Vec<Arc<MemoryBatch>>,
    prepared: Arc<Prepared>,
}

impl GroupedPlan {
    /// What is looked at is noted as such.
    pub(crate) fn new(
        stored: &StoredTable,
        grouping: &Grouping,
        state: &dyn Session,
    ) -> Result<Self> {
        let conditions = grouping.conditions.iter();
        let conditions: Vec<Expr> = conditions
            .map(|condition| condition.expression.clone())
            .collect();
        let (parts, memory) = stored.chosen(&conditions);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(grouping.schema()?),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        let finding = Finding {
            lake: Arc::clone(stored.lake()),
            parts,
            memory,
            prepared: Arc::new(Prepared::new(grouping, state)?),
        };
        Ok(Self {
            finding: Arc::new(finding),
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        })
    }
}

impl Finding {
    /// The groups, found by so many tasks.
    async fn found(
        self: Arc<Self>,
        tasks: usize,
        pool: Arc<dyn MemoryPool>,
        bytes: Count,
    ) -> Result<RecordBatch> {
        let prepared = &self.prepared;
        let blocks = Blocks::new(
            &self.lake,
            prepared,
            self.parts.clone(),
            self.memory.clone(),
            bytes,
        );
        let blocks = Arc::new(blocks);
        let mut folding = JoinSet::new();
        for _ in 0..tasks {
            let (blocks, prepared) = (Arc::clone(&blocks), Arc::clone(prepared));
            let reservation = MemoryConsumer::new("groups").register(&pool);
            folding.spawn(async move {
                let mut fold = Fold::new(prepared);
                while let Some(block) = blocks.next().await? {
                    fold.add(block)?;
                    reservation.try_resize(fold.size())?;
                    // Whoever asked may be gone.
                    tokio::task::yield_now().await;
                }
                Ok((fold, reservation))
            });
        }
        let mut all: Option<Fold> = None;
        // What is reserved is kept to the end.
        let mut reserved = Vec::new();
        while let Some(folded) = folding.join_next().await {
            let (fold, reservation) = joined(folded)?;
            reserved.push(reservation);
            match &mut all {
                Some(all) => all.merge(fold),
                None => all = Some(fold),
            }
        }
        all.unwrap_or_else(|| Fold::new(Arc::clone(prepared)))
            .finish()
    }
}

/// What a task has found, unless it died.
pub(super) fn joined<T>(found: std::result::Result<Result<T>, JoinError>) -> Result<T> {
    found.map_err(|died| external(crawlspace_lake::Error::from(died).into()))?
}

impl DisplayAs for GroupedPlan {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupedPlan: parts={}", self.finding.parts.len())
    }
}

impl ExecutionPlan for GroupedPlan {
    fn name(&self) -> &'static str {
        "GroupedPlan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream> {
        let bytes = MetricBuilder::new(&self.metrics).counter("bytes_scanned", partition);
        let config = context.session_config();
        let (tasks, rows) = (config.target_partitions(), config.batch_size());
        let finding = Arc::clone(&self.finding);
        let found = finding.found(tasks, Arc::clone(context.memory_pool()), bytes);
        let pieces = once(found).map_ok(move |found| {
            let starts = (0..found.num_rows()).step_by(rows);
            let pieces =
                starts.map(|start| Ok(found.slice(start, rows.min(found.num_rows() - start))));
            iter(pieces.collect::<Vec<_>>())
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            pieces.try_flatten(),
        )))
    }
}
