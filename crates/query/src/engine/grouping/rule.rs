//! Finds what is about single columns of one table in plans: aggregations, in whose place it puts a [`GroupedTable`], and
//! the newest rows, which come from a [`NewestTable`] then.

use std::sync::Arc;

use arrow::datatypes::DataType;
use crawlspace_lake::catalogue::{Column, ColumnType};
use datafusion::common::tree_node::{Transformed, TreeNode as _};
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::datasource::{TableProvider, provider_as_source, source_as_provider};
use datafusion::logical_expr::expr::{AggregateFunction, AggregateFunctionParams};
use datafusion::logical_expr::utils::split_conjunction_owned;
use datafusion::logical_expr::{
    Aggregate, Expr, LogicalPlan, LogicalPlanBuilder, Operator, Sort, TableScan, ident,
};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use super::newest::NewestTable;
use super::table::{GroupedTable, Origin};
use super::{Calculation, Function, Grouping, NEWEST_MAX, Term};
use crate::engine::apart::AskedTable;
use crate::table::StoredTable;

/// They have a result for each value.
const SAFE_FUNCTIONS: [&str; 6] = [
    "bin_start",
    "coalesce",
    "date_bin",
    "isnan",
    "lower",
    "upper",
];

#[derive(Debug)]
pub(crate) struct ByCodes;

impl OptimizerRule for ByCodes {
    fn name(&self) -> &'static str {
        "by_codes"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        let found = match &plan {
            LogicalPlan::Aggregate(aggregate) => by_codes(aggregate)?,
            LogicalPlan::Sort(sort) => newest(sort)?,
            _ => None,
        };
        Ok(match found {
            Some(by_codes) => Transformed::yes(by_codes),
            None => Transformed::no(plan),
        })
    }
}

/// The same by codes, if it can be found so.
fn by_codes(aggregate: &Aggregate) -> Result<Option<LogicalPlan>> {
    let Some(rows) = Rows::of(&aggregate.input)? else {
        return Ok(None);
    };
    let Some(grouping) = rows.grouping(aggregate)? else {
        return Ok(None);
    };
    if !grouping.is_small() || !grouping.is_possible()? || !rows.from.can_find(&grouping) {
        return Ok(None);
    }
    let table = grouping.table;
    let provider: Arc<dyn TableProvider> = Arc::new(GroupedTable::new(grouping, rows.from)?);
    let fields = aggregate.schema.iter().enumerate();
    let named = fields.map(|(number, (qualifier, field))| {
        ident(number.to_string()).alias_qualified(qualifier.cloned(), field.name())
    });
    let named: Vec<Expr> = named.collect();
    let plan = LogicalPlanBuilder::scan(table.name(), provider_as_source(provider), None)?;
    plan.project(named)?.build().map(Some)
}

/// The same of the newest rows alone, if so many and no more are wanted, and these can be found by codes.
fn newest(sort: &Sort) -> Result<Option<LogicalPlan>> {
    let Some(count) = sort.fetch.filter(|count| (1..=NEWEST_MAX).contains(count)) else {
        return Ok(None);
    };
    let Some(first) = sort.expr.first().filter(|first| !first.asc) else {
        return Ok(None);
    };
    let Some(rows) = Rows::of(&sort.input)? else {
        return Ok(None);
    };
    let time = rows.over_table(&first.expr, sort.input.schema())?;
    let mut wanted = rows.nothing();
    let Some(time) = rows.term(time, &mut wanted.columns) else {
        return Ok(None);
    };
    let is_time = time.is_column() && wanted.columns[time.column].column_type == ColumnType::Time;
    wanted.keys.push(time);
    if !is_time || !rows.conditions_of(&mut wanted) {
        return Ok(None);
    }
    if !wanted.is_possible()? || !rows.from.can_find(&wanted) {
        return Ok(None);
    }
    let Rows { from, columns, .. } = rows;
    let provider = NewestTable::new(from, columns, wanted, count);
    let source = provider_as_source(Arc::new(provider));
    let input = sort
        .input
        .as_ref()
        .clone()
        .transform_up(|plan| match plan {
            LogicalPlan::TableScan(scan) => {
                let source = Arc::clone(&source);
                let scan = LogicalPlanBuilder::scan(scan.table_name, source, scan.projection)?;
                Ok(Transformed::yes(scan.build()?))
            }
            other => Ok(Transformed::no(other)),
        })?;
    Ok(Some(LogicalPlan::Sort(Sort {
        input: Arc::new(input.data),
        ..sort.clone()
    })))
}

/// The rows below an aggregation: of one table, with what a plan makes of them.
struct Rows {
    from: Origin,
    /// The columns that the table offers.
    columns: Vec<Arc<Column>>,
    /// Each column of the plan over those of the table, by their stored names.
    outputs: Vec<Expr>,
    conditions: Vec<Expr>,
}

impl Rows {
    fn of(plan: &LogicalPlan) -> Result<Option<Self>> {
        match plan {
            LogicalPlan::TableScan(scan) => Self::of_scan(scan),
            LogicalPlan::SubqueryAlias(alias) => Self::of(&alias.input),
            LogicalPlan::Filter(filter) => {
                let Some(mut rows) = Self::of(&filter.input)? else {
                    return Ok(None);
                };
                let condition = rows.over_table(&filter.predicate, filter.input.schema())?;
                rows.conditions.extend(split_conjunction_owned(condition));
                Ok(Some(rows))
            }
            LogicalPlan::Projection(projection) => {
                let Some(mut rows) = Self::of(&projection.input)? else {
                    return Ok(None);
                };
                let schema = projection.input.schema();
                let outputs = projection
                    .expr
                    .iter()
                    .map(|output| rows.over_table(output, schema));
                rows.outputs = outputs.collect::<Result<_>>()?;
                Ok(Some(rows))
            }
            _ => Ok(None),
        }
    }

    fn of_scan(scan: &TableScan) -> Result<Option<Self>> {
        // What a source is asked for it need not fulfil: the condition stands above it.
        if scan.fetch.is_some() {
            return Ok(None);
        }
        let provider = source_as_provider(&scan.source)?;
        let provider: &dyn std::any::Any = provider.as_ref();
        let (from, columns) = if let Some(stored) = provider.downcast_ref::<StoredTable>() {
            (Origin::Lake(stored.clone()), stored.columns())
        } else if let Some(asked) = provider.downcast_ref::<AskedTable>() {
            (
                Origin::Server(asked.table, Arc::clone(&asked.parent)),
                &asked.columns[..],
            )
        } else {
            return Ok(None);
        };
        let fields = scan.projected_schema.fields().iter();
        Ok(Some(Self {
            from,
            columns: columns.to_vec(),
            outputs: fields.map(|field| ident(field.name())).collect(),
            conditions: Vec::new(),
        }))
    }

    /// An expression over a plan's columns as one over the table's.
    fn over_table(&self, expression: &Expr, schema: &DFSchema) -> Result<Expr> {
        let over_table = expression.clone().transform_up(|inner| match inner {
            Expr::Column(column) => {
                let output = &self.outputs[schema.index_of_column(&column)?];
                Ok(Transformed::yes(output.clone()))
            }
            Expr::Alias(alias) => Ok(Transformed::yes(*alias.expr)),
            other => Ok(Transformed::no(other)),
        });
        over_table.map(|over_table| over_table.data)
    }

    fn nothing(&self) -> Grouping {
        Grouping {
            table: self.from.table(),
            columns: Vec::new(),
            conditions: Vec::new(),
            keys: Vec::new(),
            calculations: Vec::new(),
        }
    }

    /// Whether each condition is about one column; then they are the grouping's.
    fn conditions_of(&self, grouping: &mut Grouping) -> bool {
        for condition in &self.conditions {
            let Some(term) = self.term(condition.clone(), &mut grouping.columns) else {
                return false;
            };
            grouping.conditions.push(term);
        }
        true
    }

    fn grouping(&self, aggregate: &Aggregate) -> Result<Option<Grouping>> {
        let schema = aggregate.input.schema();
        let mut grouping = self.nothing();
        if !self.conditions_of(&mut grouping) {
            return Ok(None);
        }
        for key in &aggregate.group_expr {
            let key = self.over_table(key, schema)?;
            let Some(term) = self.term(key, &mut grouping.columns) else {
                return Ok(None);
            };
            grouping.keys.push(term);
        }
        for calculated in &aggregate.aggr_expr {
            let calculated = self.over_table(calculated, schema)?;
            let Some(calculation) = self.calculation(calculated, &mut grouping.columns) else {
                return Ok(None);
            };
            grouping.calculations.push(calculation);
        }
        Ok(Some(grouping))
    }

    /// An expression that is about one column, which becomes one of the grouping's; nothing if it is about more or less.
    fn term(&self, expression: Expr, columns: &mut Vec<Arc<Column>>) -> Option<Term> {
        let is_apart = |inner: &Expr| {
            let is_apart = matches!(
                inner,
                Expr::ScalarSubquery(_)
                    | Expr::Exists(_)
                    | Expr::InSubquery(_)
                    | Expr::SetComparison(_)
                    | Expr::OuterReferenceColumn(..)
                    | Expr::GroupingSet(_)
                    | Expr::Unnest(_)
                    | Expr::AggregateFunction(_)
                    | Expr::WindowFunction(_)
                    | Expr::Placeholder(_)
            );
            Ok(is_apart || inner.is_volatile_node())
        };
        if expression.exists(is_apart).unwrap_or(true) {
            return None;
        }
        let mut names = expression
            .column_refs()
            .into_iter()
            .map(|column| &column.name);
        let name = names.next()?;
        if names.any(|other| other != name) {
            return None;
        }
        let column = self
            .columns
            .iter()
            .find(|column| column.stored_name == *name)?;
        if expression
            .exists(|inner| Ok(may_fail(inner, column)))
            .unwrap_or(true)
        {
            return None;
        }
        let known = columns.iter().position(|known| known.stored_name == *name);
        let place = known.unwrap_or_else(|| {
            columns.push(Arc::clone(column));
            columns.len() - 1
        });
        Some(Term {
            column: place,
            expression,
        })
    }

    fn calculation(&self, calculated: Expr, columns: &mut Vec<Arc<Column>>) -> Option<Calculation> {
        let Expr::AggregateFunction(AggregateFunction { func, params }) = calculated else {
            return None;
        };
        let AggregateFunctionParams {
            mut args,
            distinct,
            filter,
            order_by,
            null_treatment,
        } = params;
        if distinct || !order_by.is_empty() || null_treatment.is_some() {
            return None;
        }
        let conditions = filter
            .map(|filter| split_conjunction_owned(*filter))
            .unwrap_or_default();
        let conditions = conditions
            .into_iter()
            .map(|condition| self.term(condition, columns));
        let conditions = conditions.collect::<Option<_>>()?;
        let fraction = (args.len() == 2).then(|| args.pop()).flatten();
        let [of] = <[Expr; 1]>::try_from(args).ok()?;
        let function = match (func.name(), fraction) {
            ("count", None) => Function::Count,
            ("sum", None) => Function::Sum,
            ("avg", None) => Function::Average,
            ("min", None) => Function::Least,
            ("max", None) => Function::Greatest,
            ("percentile", Some(Expr::Literal(ScalarValue::Float64(Some(fraction)), _)))
                if (0.0..=1.0).contains(&fraction) =>
            {
                Function::Percentile(fraction)
            }
            _ => return None,
        };
        let of = match of {
            Expr::Literal(value, _) if function == Function::Count && !value.is_null() => None,
            of => Some(self.term(of, columns)?),
        };
        Some(Calculation {
            function,
            of,
            conditions,
        })
    }
}

/// Whether an expression over a column may fail for some value. Values are looked at that no row has which counts, and a
/// question must not fail for these.
fn may_fail(inner: &Expr, column: &Column) -> bool {
    use DataType::{Float64, Int64, Timestamp, Utf8, Utf8View};
    match inner {
        Expr::Cast(cast) => {
            let is_whole = matches!(
                column.column_type,
                ColumnType::Int | ColumnType::Time | ColumnType::Bool
            );
            let target = cast.field.data_type();
            !is_whole || !matches!(target, Float64 | Int64 | Timestamp(..) | Utf8 | Utf8View)
        }
        Expr::BinaryExpr(binary) => matches!(binary.op, Operator::Divide | Operator::Modulo),
        Expr::ScalarFunction(function) => !SAFE_FUNCTIONS.contains(&function.name()),
        _ => false,
    }
}
