//! The names and texts of the DuckLake 1.0 layout: its tables, its column types, its times.
//! Source: the DuckLake specification 1.0, and the rows that DuckDB 1.5.5 writes.

use arrow::temporal_conversions::timestamp_ns_to_datetime;
use crawlspace_model::{Table, UnixNanos};

use super::{ColumnType, ColumnType as Type};

/// Creates every table and index of an empty catalogue.
pub(super) const TABLES: &str = include_str!("layout.sql");

/// The only version of the layout that is read and written.
pub(super) const VERSION: &str = "1.0";

/// Marks snapshots as ours.
pub(super) const AUTHOR: &str = "crawlspace";

/// Where the one schema's files are, below the data path.
pub(super) const SCHEMA_PATH: &str = "main/";

/// Where a part's object is, below the data path.
#[must_use]
pub fn object_path(table: Table, file_name: &str) -> String {
    format!("{SCHEMA_PATH}{}/{file_name}", table.name())
}

/// The id that a table got when the catalogue was made: the schema has 0, the tables follow in
/// their order.
pub(super) fn table_id(table: Table) -> i64 {
    table as i64 + 1
}

pub(super) fn table_of_id(id: i64) -> Option<Table> {
    Table::ALL.into_iter().find(|table| table_id(*table) == id)
}

/// How a column type is written down.
pub(super) struct TypeNames {
    column_type: ColumnType,
    /// In `crawlspace_column`: one name for each type.
    pub own: &'static str,
    /// In `ducklake_column`.
    pub ducklake: &'static str,
    /// Name and DuckLake type of each child column.
    pub children: &'static [(&'static str, &'static str)],
}

const fn names(
    column_type: ColumnType,
    own: &'static str,
    ducklake: &'static str,
    children: &'static [(&'static str, &'static str)],
) -> TypeNames {
    TypeNames {
        column_type,
        own,
        ducklake,
        children,
    }
}

const TYPE_NAMES: [TypeNames; 12] = [
    names(Type::Time, "time", "timestamp_ns", &[]),
    names(Type::Int, "int", "int64", &[]),
    names(Type::Int32, "int32", "int32", &[]),
    names(Type::UInt, "uint", "uint64", &[]),
    names(Type::Double, "double", "float64", &[]),
    names(Type::Bool, "bool", "boolean", &[]),
    names(Type::Text, "text", "varchar", &[]),
    names(Type::TraceId, "trace_id", "blob", &[]),
    names(Type::SpanId, "span_id", "blob", &[]),
    names(
        Type::DoubleList,
        "double_list",
        "list",
        &[("element", "float64")],
    ),
    names(
        Type::UIntList,
        "uint_list",
        "list",
        &[("element", "uint64")],
    ),
    names(
        Type::Map,
        "map",
        "map",
        &[("key", "varchar"), ("value", "varchar")],
    ),
];

pub(super) fn type_names(column_type: ColumnType) -> &'static TypeNames {
    let found = TYPE_NAMES
        .iter()
        .find(|names| names.column_type == column_type);
    found.expect("every column type has names")
}

/// The column type with that name in `crawlspace_column`.
pub(super) fn type_of_name(own: &str) -> Option<ColumnType> {
    TYPE_NAMES
        .iter()
        .find(|names| names.own == own)
        .map(|names| names.column_type)
}

/// A time as DuckLake's bounds have it, `YYYY-MM-DD HH:MM:SS.nnnnnnnnn` in UTC. Earlier times are
/// lesser texts.
#[must_use]
pub fn time_text(time: UnixNanos) -> String {
    let time = timestamp_ns_to_datetime(time.0)
        .expect("64 bits of nanoseconds are within years 1677 to 2262");
    time.format("%Y-%m-%d %H:%M:%S%.9f").to_string()
}

/// A time as DuckLake's snapshots have it, `YYYY-MM-DD HH:MM:SS.uuuuuu+00`.
pub(super) fn snapshot_time(time: UnixNanos) -> String {
    let mut text = time_text(time);
    text.truncate(text.len() - 3);
    text + "+00"
}
