//! The tables and their fixed columns: the frozen schema. Described for people in `docs/reference/schema.md`.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Fields, Schema, TimeUnit};

/// The version of everything below a data directory: segments, catalogue, tables. A program refuses a higher one.
pub const FORMAT_VERSION: u32 = 1;

/// The most attribute columns a table has at one time; further keys live in `overflow`.
pub const ATTRIBUTE_COLUMNS_MAX: usize = 1_000;

/// The column that holds attributes without a column of their own: column name to JSON text.
pub const OVERFLOW: &str = "overflow";

/// One of the tables of wide events.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Table {
    Spans,
    Logs,
    Metrics,
    Changes,
}

/// A column that every part of its table has.
#[derive(Debug, Clone)]
pub struct FixedColumn {
    pub name: &'static str,
    pub data_type: DataType,
    pub nullable: bool,
}

impl Table {
    pub const ALL: [Self; 4] = [Self::Spans, Self::Logs, Self::Metrics, Self::Changes];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Spans => "spans",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
            Self::Changes => "changes",
        }
    }

    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|table| table.name().eq_ignore_ascii_case(name))
    }

    /// In catalogue order, which never changes.
    #[must_use]
    pub fn fixed_columns(self) -> &'static [FixedColumn] {
        static COLUMNS: LazyLock<[Vec<FixedColumn>; 4]> =
            LazyLock::new(|| [spans(), logs(), metrics(), changes()]);
        &COLUMNS[self as usize]
    }

    /// The fixed column of that name, in any case.
    #[must_use]
    pub fn fixed_column(self, name: &str) -> Option<&'static FixedColumn> {
        self.fixed_columns()
            .iter()
            .find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// The fixed columns as batches in memory have them: strings dictionary-encoded.
    #[must_use]
    pub fn fixed_schema(self) -> Schema {
        Schema::new(
            self.fixed_columns()
                .iter()
                .map(|column| Field::new(column.name, column.data_type.clone(), column.nullable))
                .collect::<Vec<_>>(),
        )
    }

    /// The order of rows within a part.
    #[must_use]
    pub fn sort_columns(self) -> &'static [&'static str] {
        match self {
            Self::Spans => &["trace_id", "received_at", "time"],
            Self::Logs => &["service.name", "time"],
            Self::Metrics => &["name", "service.name", "time"],
            Self::Changes => &["time"],
        }
    }
}

/// Nanoseconds in UTC; without a zone, because engines cut times with one to microseconds.
#[must_use]
pub fn time_type() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, None)
}

/// Text, dictionary-encoded.
#[must_use]
pub fn text_type() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// Column name to JSON text.
#[must_use]
pub fn overflow_type() -> DataType {
    let entry = Fields::from(vec![
        Field::new("key", DataType::Utf8, false),
        Field::new("value", DataType::Utf8, true),
    ]);
    DataType::Map(
        Arc::new(Field::new("entries", DataType::Struct(entry), false)),
        false,
    )
}

fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("element", item, true)))
}

fn column(name: &'static str, data_type: DataType) -> FixedColumn {
    FixedColumn {
        name,
        data_type,
        nullable: true,
    }
}

fn required(name: &'static str, data_type: DataType) -> FixedColumn {
    FixedColumn {
        name,
        data_type,
        nullable: false,
    }
}

/// Where the event comes from and how its attributes came in; the same at the end of every table.
fn origin() -> Vec<FixedColumn> {
    vec![
        column("service.name", text_type()),
        column("scope.name", text_type()),
        column("scope.version", text_type()),
        required("sample_weight", DataType::Float64),
        column("attribute_sources", text_type()),
        column("otlp", text_type()),
        column(OVERFLOW, overflow_type()),
    ]
}

fn spans() -> Vec<FixedColumn> {
    let mut columns = vec![
        required("time", time_type()),
        required("received_at", time_type()),
        column("duration_ns", DataType::Int64),
        required("trace_id", DataType::FixedSizeBinary(16)),
        required("span_id", DataType::FixedSizeBinary(8)),
        column("parent_span_id", DataType::FixedSizeBinary(8)),
        required("name", text_type()),
        required("kind", text_type()),
        required("status_code", text_type()),
        column("status_message", text_type()),
        column("trace_state", text_type()),
        column("links", DataType::Utf8),
    ];
    columns.extend(origin());
    columns
}

fn logs() -> Vec<FixedColumn> {
    let mut columns = vec![
        required("time", time_type()),
        required("received_at", time_type()),
        column("observed_time", time_type()),
        column("trace_id", DataType::FixedSizeBinary(16)),
        column("span_id", DataType::FixedSizeBinary(8)),
        required("record_type", text_type()),
        column("event.name", text_type()),
        column("severity_number", DataType::Int32),
        column("severity_text", text_type()),
        column("body", DataType::Utf8),
    ];
    columns.extend(origin());
    columns
}

fn metrics() -> Vec<FixedColumn> {
    let mut columns = vec![
        required("time", time_type()),
        required("received_at", time_type()),
        column("start_time", time_type()),
        required("name", text_type()),
        column("description", text_type()),
        column("unit", text_type()),
        required("kind", text_type()),
        column("temporality", text_type()),
        column("monotonic", DataType::Boolean),
        column("value", DataType::Float64),
        column("value_int", DataType::Int64),
        column("count", DataType::UInt64),
        column("sum", DataType::Float64),
        column("min", DataType::Float64),
        column("max", DataType::Float64),
        column("bounds", list_of(DataType::Float64)),
        column("bucket_counts", list_of(DataType::UInt64)),
        column("scale", DataType::Int32),
        column("zero_count", DataType::UInt64),
        column("zero_threshold", DataType::Float64),
        column("positive_offset", DataType::Int32),
        column("positive_counts", list_of(DataType::UInt64)),
        column("negative_offset", DataType::Int32),
        column("negative_counts", list_of(DataType::UInt64)),
        column("quantiles", list_of(DataType::Float64)),
        column("quantile_values", list_of(DataType::Float64)),
        column("exemplars", DataType::Utf8),
    ];
    columns.extend(origin());
    columns
}

fn changes() -> Vec<FixedColumn> {
    let mut columns = vec![
        required("time", time_type()),
        required("received_at", time_type()),
        column("end_time", time_type()),
        column("change_id", DataType::Utf8),
        required("kind", text_type()),
        required("name", text_type()),
        column("actor", text_type()),
        column("old_value", DataType::Utf8),
        column("new_value", DataType::Utf8),
        column("message", DataType::Utf8),
        column("url", DataType::Utf8),
    ];
    columns.extend(origin());
    columns
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Table;

    #[test]
    fn fixed_columns_are_unique_in_any_case_and_hold_the_sort_columns() {
        for table in Table::ALL {
            let names: BTreeSet<String> = table
                .fixed_columns()
                .iter()
                .map(|c| c.name.to_ascii_lowercase())
                .collect();
            assert_eq!(names.len(), table.fixed_columns().len());
            assert!(
                table
                    .sort_columns()
                    .iter()
                    .all(|name| names.contains(*name)),
                "{table:?}"
            );
            assert_eq!(Table::parse(&table.name().to_uppercase()), Some(table));
        }
    }
}
