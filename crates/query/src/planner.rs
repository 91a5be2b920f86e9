//! From parsed SQL to a plan over a snapshot: the tables of the snapshot and the functions of a session are all that a
//! query can name.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow::datatypes::DataType;
use crawlspace_model::Table;
use datafusion::common::{
    DFSchema, Result, TableReference, config::ConfigOptions, plan_datafusion_err,
};
use datafusion::execution::SessionState;
use datafusion::logical_expr::planner::{
    ContextProvider, ExprPlanner, PlannerResult, RawAggregateExpr, RawBinaryExpr,
};
use datafusion::logical_expr::{
    AggregateUDF, Expr, ExprSchemable, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource,
    WindowUDF, try_cast,
};
use datafusion::sql::planner::{NullOrdering, ParserOptions, SqlToRel};
use datafusion::sql::sqlparser::ast::{BinaryOperator, Statement};

use crate::request::relation::Relation;

/// What one query may name.
pub(crate) struct Planner<'a> {
    state: &'a SessionState,
    tables: BTreeMap<Table, Arc<dyn TableSource>>,
    expression_planners: Vec<Arc<dyn ExprPlanner>>,
}

impl<'a> Planner<'a> {
    /// `text` are the names that read as text, in which numbers may be.
    pub(crate) fn new(
        state: &'a SessionState,
        tables: BTreeMap<Table, Arc<dyn TableSource>>,
        text: BTreeSet<String>,
    ) -> Self {
        let numbers: Arc<dyn ExprPlanner> = Arc::new(NumbersInText { text });
        let expression_planners = std::iter::once(numbers)
            .chain(state.expr_planners().iter().cloned())
            .collect();
        Self {
            state,
            tables,
            expression_planners,
        }
    }

    pub(crate) fn plan(&self, statement: Statement) -> Result<LogicalPlan> {
        // Names keep their case, and nulls come last, as in DuckDB.
        let options = ParserOptions::default()
            .with_enable_ident_normalization(false)
            .with_default_null_ordering(NullOrdering::NullsLast);
        SqlToRel::new_with_options(self, options).sql_statement_to_plan(statement)
    }
}

impl ContextProvider for Planner<'_> {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        let known = match &name {
            TableReference::Bare { table } => {
                Table::parse(table).and_then(|table| self.tables.get(&table))
            }
            _ => None,
        };
        known.cloned().ok_or_else(|| {
            plan_datafusion_err!(
                "unknown table `{name}`: there are spans, logs, metrics and changes"
            )
        })
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        &self.expression_planners
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.state.scalar_functions().get(name).cloned()
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.state.higher_order_functions().get(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.state.aggregate_functions().get(name).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.state.window_functions().get(name).cloned()
    }

    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.state.config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        names_of(self.state.scalar_functions())
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        names_of(self.state.higher_order_functions())
    }

    fn udaf_names(&self) -> Vec<String> {
        names_of(self.state.aggregate_functions())
    }

    fn udwf_names(&self) -> Vec<String> {
        names_of(self.state.window_functions())
    }
}

fn names_of<T>(functions: &HashMap<String, T>) -> Vec<String> {
    functions.keys().cloned().collect()
}

/// Arithmetic on text that may hold numbers: it is cast, and what can't be cast is null.
#[derive(Debug)]
struct NumbersInText {
    text: BTreeSet<String>,
}

impl NumbersInText {
    fn is_text(&self, name: &str) -> bool {
        let related = Relation::of(name).map_or(name, |(_, field)| field);
        self.text.contains(name) || self.text.contains(related)
    }

    fn number(&self, expression: Expr) -> Expr {
        match &expression {
            Expr::Column(column) if self.is_text(&column.name) => {
                try_cast(expression, DataType::Float64)
            }
            _ => expression,
        }
    }
}

impl ExprPlanner for NumbersInText {
    fn plan_binary_op(
        &self,
        raw: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let is_number = |expression: &Expr| {
            expression
                .get_type(schema)
                .is_ok_and(|data_type| data_type.is_numeric())
        };
        let with_number = is_number(&raw.left) || is_number(&raw.right);
        let RawBinaryExpr { op, left, right } = raw;
        let arithmetic = matches!(
            op,
            BinaryOperator::Plus
                | BinaryOperator::Minus
                | BinaryOperator::Multiply
                | BinaryOperator::Divide
                | BinaryOperator::Modulo
        );
        let comparison = matches!(
            op,
            BinaryOperator::Eq
                | BinaryOperator::NotEq
                | BinaryOperator::Lt
                | BinaryOperator::LtEq
                | BinaryOperator::Gt
                | BinaryOperator::GtEq
        );
        // Another planner may still have a say about the result.
        Ok(PlannerResult::Original(
            if arithmetic || (comparison && with_number) {
                RawBinaryExpr {
                    op,
                    left: self.number(left),
                    right: self.number(right),
                }
            } else {
                RawBinaryExpr { op, left, right }
            },
        ))
    }

    fn plan_aggregate(&self, mut raw: RawAggregateExpr) -> Result<PlannerResult<RawAggregateExpr>> {
        const NUMERIC: [&str; 8] = [
            "avg",
            "sum",
            "percentile",
            "stddev",
            "stddev_pop",
            "var",
            "var_pop",
            "median",
        ];
        if NUMERIC.contains(&raw.func.name()) && !raw.args.is_empty() {
            let value = raw.args.remove(0);
            raw.args.insert(0, self.number(value));
        }
        Ok(PlannerResult::Original(raw))
    }
}
