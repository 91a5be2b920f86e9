//! What a name in a query reads: a fixed column, or an attribute wherever its values are (its own column, the overflow,
//! the columns of older names of the same convention).

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow::datatypes::DataType;
use crawlspace_lake::catalogue::{Column, ColumnType};
use crawlspace_lake::{Attribute, MemoryBatch, TableSnapshot};
use crawlspace_model::Table;
use crawlspace_model::attribute::{Kind, Kinds};
use crawlspace_model::names::older_names;
use crawlspace_model::table::OVERFLOW;
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, cast, ident, lit, try_cast};

use crate::functions::{hex_id, overflow_text, series_key};
use crate::request::relation::Relation;

/// A name as an expression over stored columns.
#[derive(Debug)]
pub(crate) struct Reading {
    pub expression: Expr,
    /// The stored columns it needs.
    pub columns: Vec<Arc<Column>>,
    /// Whether it reads as text although arithmetic may be meant.
    pub is_text: bool,
}

/// Names of ours start so; no event has them. `$trace_id` and the like are the ids as bytes, which joins compare faster
/// than their hex; `$series` tells the series of metrics apart.
const OWN: char = '$';
const SERIES: &str = "$series";

/// Whether the table has a value under that name.
pub(crate) fn is_known(table: &TableSnapshot, name: &str) -> bool {
    if name.starts_with(OWN) && own_reading(table, name).is_some() {
        return true;
    }
    table
        .table
        .fixed_columns()
        .iter()
        .any(|column| column.name == name)
        || !sources(table, name).is_empty()
}

/// All names that can be asked for.
pub(crate) fn names(table: &TableSnapshot) -> BTreeSet<String> {
    let fixed = table
        .table
        .fixed_columns()
        .iter()
        .map(|column| column.name.to_owned());
    table.attribute_names().into_iter().chain(fixed).collect()
}

/// The names in these rows alone.
pub(crate) fn names_in(rows: &[Arc<MemoryBatch>]) -> BTreeSet<String> {
    let names = |batch: &Arc<MemoryBatch>| {
        let schema = batch.rows.schema();
        let columns = schema.fields().iter().map(|field| field.name().clone());
        let overflow = batch.overflow.keys().cloned();
        columns.chain(overflow).collect::<Vec<_>>()
    };
    rows.iter().flat_map(names).collect()
}

/// The type that a name reads as.
pub(crate) fn data_type_of(table: &TableSnapshot, name: &str) -> DataType {
    let mut fixed = table.table.fixed_columns().iter();
    if let Some(column) = fixed.find(|column| column.name == name) {
        return column.data_type.clone();
    }
    data_type(kinds_of(&sources(table, name)).reads_as())
}

/// How a name reads; `None` where no row has such an attribute.
pub(crate) fn reading(table: &TableSnapshot, name: &str) -> Option<Reading> {
    if let Some(column) = table
        .columns
        .find(name)
        .filter(|_| table.table.fixed_columns().iter().any(|c| c.name == name))
    {
        let stored = ident(&column.stored_name);
        let is_id = matches!(column.column_type, ColumnType::TraceId | ColumnType::SpanId);
        let expression = if is_id {
            hex_id().call(vec![stored])
        } else {
            stored
        };
        return Some(Reading {
            expression,
            columns: vec![Arc::clone(column)],
            is_text: false,
        });
    }
    let sources = sources(table, name);
    let kinds = kinds_of(&sources);
    if kinds.is_empty()
        && let Some(own) = own_reading(table, name)
    {
        return Some(own);
    }
    if kinds.is_empty() {
        return None;
    }
    let kind = kinds.reads_as();
    let mut alternatives = Vec::new();
    let mut columns = Vec::new();
    for (key, attribute) in sources {
        if let Some(column) = attribute.column {
            let stored = ident(&column.stored_name);
            let fits = column.column_type == ColumnType::of_kind(kind);
            alternatives.push(if fits {
                stored
            } else {
                cast(stored, data_type(kind))
            });
            columns.push(column);
        }
        if !attribute.overflow.is_empty() {
            let overflow = table.columns.find(OVERFLOW)?;
            let text = overflow_text().call(vec![ident(&overflow.stored_name), lit(key)]);
            alternatives.push(if kind == Kind::String {
                text
            } else {
                try_cast(text, data_type(kind))
            });
            columns.push(Arc::clone(overflow));
        }
    }
    let expression = if alternatives.len() == 1 {
        alternatives.pop()?
    } else {
        coalesce(alternatives)
    };
    Some(Reading {
        expression,
        columns,
        is_text: kind == Kind::String,
    })
}

fn kinds_of(sources: &[(String, Attribute)]) -> Kinds {
    let kinds = sources.iter().map(|(_, attribute)| attribute.kinds);
    kinds.fold(Kinds::default(), Kinds::union)
}

/// How a name of ours reads.
fn own_reading(table: &TableSnapshot, name: &str) -> Option<Reading> {
    if name == SERIES && table.table == Table::Metrics {
        return Some(series(table));
    }
    let column = table.columns.find(name.strip_prefix(OWN)?)?;
    let is_id = matches!(column.column_type, ColumnType::TraceId | ColumnType::SpanId);
    is_id.then(|| Reading {
        expression: ident(&column.stored_name),
        columns: vec![Arc::clone(column)],
        is_text: false,
    })
}

/// The series of a metric's point: its attributes, wherever they are, with service and scope.
fn series(table: &TableSnapshot) -> Reading {
    const FIXED: [&str; 4] = ["service.name", "scope.name", "scope.version", OVERFLOW];
    let fixed = FIXED
        .iter()
        .filter_map(|name| table.columns.find(name).cloned());
    let attributes = table.attribute_names();
    let attributes = attributes
        .iter()
        .filter_map(|name| table.attribute(name)?.column);
    let columns: Vec<Arc<Column>> = fixed.chain(attributes).collect();
    let names = columns.iter().map(|column| column.name.clone()).collect();
    let values = columns.iter().map(|column| ident(&column.stored_name));
    Reading {
        expression: series_key(names).call(values.collect()),
        columns,
        is_text: false,
    }
}

/// The attribute and the older names of the same, as far as some row has them.
fn sources(table: &TableSnapshot, name: &str) -> Vec<(String, Attribute)> {
    let names = std::iter::once(name).chain(older_names(name).iter().copied());
    names
        .filter_map(|name| Some((name.to_owned(), attribute(table, name)?)))
        .collect()
}

fn attribute(table: &TableSnapshot, name: &str) -> Option<Attribute> {
    let unlisted = || {
        if name.starts_with(OWN) || Relation::of(name).is_some() {
            return None;
        }
        let may_be_there = table.parts.iter().any(|part| !part.meta.overflow_complete);
        let overflow = Kinds::of(Kind::String);
        may_be_there.then_some(Attribute {
            column: None,
            overflow,
            kinds: overflow,
        })
    };
    table.attribute(name).or_else(unlisted)
}

fn data_type(kind: Kind) -> DataType {
    match kind {
        Kind::Int => DataType::Int64,
        Kind::Double => DataType::Float64,
        Kind::Bool => DataType::Boolean,
        Kind::String | Kind::Other => DataType::Utf8View,
    }
}
