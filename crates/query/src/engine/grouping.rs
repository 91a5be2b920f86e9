//! Groups and their calculations where each is about single columns: found by codes, row group by row group, in the place
//! of a scan and an aggregation over all its rows.

mod block;
mod fold;
mod groups;
mod measure;
mod newest;
mod plan;
mod ranks;
mod rule;
mod shape;
mod table;

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use crawlspace_lake::PartScan;
use crawlspace_lake::catalogue::{Column, ColumnType};
use crawlspace_model::Table;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::{Expr, ExprSchemable as _};

pub(crate) use newest::newest_plan;
pub(crate) use rule::ByCodes;
pub(crate) use table::grouped_plan;

const KEYS_MAX: usize = 8;
const CALCULATIONS_MAX: usize = 64;
/// More rows are on most pages, so that all are read anyway.
pub(crate) const NEWEST_MAX: usize = 1_000;

/// What is to be found of a table's rows.
#[derive(Debug, Clone)]
pub(crate) struct Grouping {
    pub table: Table,
    /// The stored columns that it is about.
    pub columns: Vec<Arc<Column>>,
    /// Rows count that fulfil all of them.
    pub conditions: Vec<Term>,
    pub keys: Vec<Term>,
    pub calculations: Vec<Calculation>,
}

/// An expression over one column of a grouping's.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Term {
    /// By its place.
    pub column: usize,
    pub expression: Expr,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Calculation {
    pub function: Function,
    /// All rows count without it, else those that have a value.
    pub of: Option<Term>,
    /// Of a group's rows those count that fulfil all of them.
    pub conditions: Vec<Term>,
}

#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub(crate) enum Function {
    Count,
    Sum,
    Average,
    Least,
    Greatest,
    /// The fraction, from 0 to 1.
    Percentile(f64),
}

/// Whether columns of that type have codes.
pub(crate) fn has_codes(column: &Column) -> bool {
    use ColumnType::{Bool, Double, Int, Text, Time};
    matches!(column.column_type, Time | Int | Double | Bool | Text)
}

/// Whether values of that type can be keys or counted.
fn is_plain(data_type: &DataType) -> bool {
    matches!(
        data_type,
        DataType::Utf8View
            | DataType::Int64
            | DataType::Float64
            | DataType::Boolean
            | DataType::Timestamp(TimeUnit::Nanosecond, None)
    )
}

fn is_number(data_type: &DataType, or_time: bool) -> bool {
    match data_type {
        DataType::Int64 | DataType::Float64 => true,
        DataType::Timestamp(TimeUnit::Nanosecond, None) => or_time,
        _ => false,
    }
}

impl Term {
    /// Whether it is the column itself.
    pub(crate) fn is_column(&self) -> bool {
        matches!(self.expression, Expr::Column(_))
    }
}

impl Grouping {
    /// What rows have to fulfil to count.
    fn filters(&self) -> Vec<Expr> {
        let conditions = self.conditions.iter();
        conditions
            .map(|condition| condition.expression.clone())
            .collect()
    }

    /// The columns as scans give them.
    fn scanned(&self) -> SchemaRef {
        PartScan::schema(self.table, &self.columns)
    }

    fn type_of(&self, term: &Term) -> Result<DataType> {
        term.expression
            .get_type(&DFSchema::try_from(self.scanned())?)
    }

    fn type_of_calculation(
        &self,
        Calculation { function, of, .. }: &Calculation,
    ) -> Result<DataType> {
        match (function, of) {
            (Function::Count, _) | (_, None) => Ok(DataType::Int64),
            (Function::Average, _) => Ok(DataType::Float64),
            (_, Some(term)) => self.type_of(term),
        }
    }

    /// What is found: the keys, then what is calculated, by their numbers.
    ///
    /// # Errors
    /// An expression is not over the columns.
    pub(crate) fn schema(&self) -> Result<SchemaRef> {
        let keys = self
            .keys
            .iter()
            .map(|key| self.type_of(key).map(|of| (of, true)));
        let calculated = self.calculations.iter().map(|calculation| {
            let data_type = self.type_of_calculation(calculation);
            data_type.map(|of| (of, calculation.function != Function::Count))
        });
        let types = keys.chain(calculated).enumerate();
        let fields = types.map(|(number, found)| {
            let (data_type, is_nullable) = found?;
            Ok(Field::new(number.to_string(), data_type, is_nullable))
        });
        Ok(Arc::new(Schema::new(fields.collect::<Result<Vec<_>>>()?)))
    }

    /// Whether it has few keys and calculations: more are left to DataFusion.
    pub(crate) fn is_small(&self) -> bool {
        self.keys.len() <= KEYS_MAX && self.calculations.len() <= CALCULATIONS_MAX
    }

    /// Whether all of it can be found so.
    ///
    /// # Errors
    /// An expression is not over the columns.
    pub(crate) fn is_possible(&self) -> Result<bool> {
        let is_plain_term = |term: &Term| self.type_of(term).map(|of| is_plain(&of));
        for key in &self.keys {
            if !is_plain_term(key)? {
                return Ok(false);
            }
        }
        for Calculation { function, of, .. } in &self.calculations {
            let is_possible = match (function, of) {
                (Function::Count, None) => true,
                (_, None) => false,
                (Function::Count, Some(term)) => is_plain_term(term)?,
                (Function::Least | Function::Greatest, Some(term)) => {
                    is_number(&self.type_of(term)?, true)
                }
                (_, Some(term)) => is_number(&self.type_of(term)?, false),
            };
            if !is_possible {
                return Ok(false);
            }
        }
        Ok(self.columns.iter().all(|column| has_codes(column)))
    }
}
