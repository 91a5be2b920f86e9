//! What fields a table has. The list comes from the footers of parts and from memory, without reading a row, so it speaks
//! of whole parts; one field's detail is counted row by row.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, TimestampNanosecondType};
use crawlspace_lake::catalogue::{Column, Part};
use crawlspace_lake::{MemoryBatch, TableSnapshot, scan_type};
use crawlspace_model::UnixNanos;
use crawlspace_model::table::OVERFLOW;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use crate::attribute;
use crate::engine::{Asking, Engine};
use crate::error::Error;
use crate::request::relation::{Scope, filter_of};
use crate::request::{Range, count, known_field, time_conditions};
use crate::table::table_named;

/// So many fields are listed at most.
const FIELDS_MAX: usize = 2_000;
/// Footers read at one time.
const FOOTERS_AHEAD: usize = 8;
/// Values shown of a field, unless the question says otherwise.
const VALUES_DEFAULT: usize = 20;
const VALUES_MAX: usize = 1_000;

/// The fields of a table.
#[derive(Debug)]
pub struct Fields {
    /// Events in the parts and batches that were looked at.
    pub events: u64,
    /// Fixed columns first, then attributes by name.
    pub fields: Vec<Field>,
    /// Fields that fit the question, listed or not.
    pub found: usize,
    pub damaged_parts: usize,
}

/// A field of a table.
#[derive(Debug)]
pub struct Field {
    pub name: String,
    pub data_type: DataType,
    /// Events that have it.
    pub events: u64,
    /// Whether that is all of them: values kept in `overflow` are not counted in the list.
    pub is_exact: bool,
    /// Between which times such events are.
    pub seen: Option<(UnixNanos, UnixNanos)>,
}

/// One field, counted.
#[derive(Debug)]
pub struct FieldDetail {
    pub field: Field,
    /// All events of the range.
    pub events: u64,
    /// How many different values there are.
    pub distinct: u64,
    /// The least and the greatest value: one row, two columns.
    pub bounds: RecordBatch,
    /// The most frequent values: the value, and its events by weight.
    pub values: Vec<RecordBatch>,
}

impl Engine {
    /// The fields whose names contain `part`, in the parts and batches that meet the range.
    ///
    /// # Errors
    /// There is no such table, the range is wrong, it takes too long, a part can't be read, or too many queries run.
    pub async fn fields(
        &self,
        from: &str,
        range: &Range,
        part: &str,
        now: UnixNanos,
    ) -> Result<Fields, Error> {
        let snapshot = self.lake.snapshot();
        let table = snapshot.table(table_named(from)?);
        let (start, end) = range.bounds(now)?;
        let meets = |least: UnixNanos, greatest: UnixNanos| {
            start.is_none_or(|start| greatest >= start) && end.is_none_or(|end| least < end)
        };
        let census = self.in_turn(self.census(table, meets)).await?;
        let mut fields = census.fields(table, part);
        let found = fields.len();
        fields.truncate(FIELDS_MAX);
        for field in &mut fields {
            field.seen = field.seen.map(|(first, last)| {
                let last_asked = end.map_or(last, |end| UnixNanos(end.0.saturating_sub(1)));
                (
                    start.map_or(first, |start| first.max(start)),
                    last.min(last_asked),
                )
            });
        }
        Ok(Fields {
            events: census.events,
            fields,
            found,
            damaged_parts: snapshot.damaged_parts,
        })
    }

    async fn census(
        &self,
        table: &TableSnapshot,
        meets: impl Fn(UnixNanos, UnixNanos) -> bool,
    ) -> Result<Census, Error> {
        let mut census = Census::default();
        let mut parts = table.parts.as_ref().clone();
        parts.retain(|part| meets(part.meta.time_min, part.meta.time_max));
        let mut footers = stream::iter(parts)
            .map(|part| self.counted(part))
            .buffered(FOOTERS_AHEAD);
        while let Some((part, counts)) = footers.try_next().await? {
            census.add_part(table, &part, &counts);
        }
        let memory = table.memory.iter();
        for batch in memory.filter(|batch| meets(batch.time_min, batch.time_max)) {
            census.add_batch(batch);
        }
        Ok(census)
    }

    async fn counted(&self, part: Arc<Part>) -> Result<(Arc<Part>, BTreeMap<String, u64>), Error> {
        let counts = self.lake.value_counts(&part).await?;
        Ok((part, counts))
    }

    /// One field with its most frequent values, over the events of the range.
    ///
    /// # Errors
    /// There is no such table or field, the range is wrong, it takes too long, or data can't be read.
    pub async fn field(
        &self,
        from: &str,
        name: &str,
        range: &Range,
        limit: Option<usize>,
        now: UnixNanos,
    ) -> Result<FieldDetail, Error> {
        let limit = limit.unwrap_or(VALUES_DEFAULT);
        if limit > VALUES_MAX {
            return Err(Error::Request(format!(
                "`limit` is at most {VALUES_MAX} values"
            )));
        }
        let snapshot = self.lake.snapshot();
        let table = snapshot.table(table_named(from)?);
        let column = known_field(table, name)?;
        let times = time_conditions(range.bounds(now)?);
        let asking = Asking {
            now,
            ..Asking::default()
        };
        let (from, data_type) = (table.table.name(), type_of(table, name));
        // A list or a map has no order, and is not grouped by.
        let has_values = !data_type.is_nested();
        let of_values = if has_values {
            format!("count(DISTINCT {column}), min({column}), max({column})")
        } else {
            "0, NULL, NULL".to_owned()
        };
        let summary = format!(
            "SELECT count(*), count({column}), min(\"time\") FILTER (WHERE {column} IS NOT NULL), \
             max(\"time\") FILTER (WHERE {column} IS NOT NULL), {of_values} FROM {from}{}",
            filter_of(times.iter().cloned())
        );
        let summary = self.rows_on(&snapshot, &summary, 1, &asking).await?;
        let Some(row) = summary.first() else {
            return Err(Error::Request("the field could not be counted".to_owned()));
        };
        let number = |index: usize| {
            let counts = row.column(index).as_primitive_opt::<Int64Type>();
            counts.map_or(0, |counts| counts.value(0).unsigned_abs())
        };
        let time = |index: usize| {
            let times = row.column(index).as_primitive::<TimestampNanosecondType>();
            times.is_valid(0).then(|| UnixNanos(times.value(0)))
        };
        let is_there = format!("{column} IS NOT NULL");
        let filter = filter_of(times.iter().cloned().chain([is_there]));
        let values = format!(
            "SELECT {column} AS \"value\", {} AS \"events\" FROM {from}{filter} GROUP BY 1 \
             ORDER BY 2 DESC, 1 LIMIT {limit}",
            count(Scope { table })
        );
        let values = if has_values {
            self.rows_on(&snapshot, &values, limit, &asking).await?
        } else {
            Vec::new()
        };
        Ok(FieldDetail {
            field: Field {
                name: name.to_owned(),
                data_type,
                events: number(1),
                is_exact: true,
                seen: time(2).zip(time(3)),
            },
            events: number(0),
            distinct: number(4),
            bounds: row
                .slice(0, 1)
                .project(&[5, 6])
                .map_err(crawlspace_lake::Error::from)?,
            values,
        })
    }
}

/// Who has which field, while it is counted.
#[derive(Debug, Default)]
struct Census {
    events: u64,
    seen: BTreeMap<String, Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    events: u64,
    has_uncounted: bool,
    times: Option<(UnixNanos, UnixNanos)>,
}

impl Census {
    fn add_part(&mut self, table: &TableSnapshot, part: &Part, counts: &BTreeMap<String, u64>) {
        self.events += part.meta.rows;
        let times = (part.meta.time_min, part.meta.time_max);
        let held: BTreeSet<i64> = part.meta.columns.iter().copied().collect();
        for column in table
            .columns
            .iter()
            .filter(|column| held.contains(&column.id))
        {
            // Footers tell nothing of the rows of lists and maps.
            let count = counts.get(&column.stored_name).copied();
            self.note(&column.name, count, times);
        }
        for name in part.meta.overflow.keys() {
            self.note(name, None, times);
        }
    }

    fn add_batch(&mut self, batch: &MemoryBatch) {
        self.events += batch.rows.num_rows() as u64;
        let times = (batch.time_min, batch.time_max);
        for (field, values) in batch
            .rows
            .schema_ref()
            .fields()
            .iter()
            .zip(batch.rows.columns())
        {
            let count = (values.len() - values.logical_null_count()) as u64;
            self.note(field.name(), Some(count), times);
        }
        for name in batch.overflow.keys() {
            self.note(name, None, times);
        }
    }

    fn note(&mut self, name: &str, count: Option<u64>, times: (UnixNanos, UnixNanos)) {
        if count == Some(0) || name == OVERFLOW {
            return;
        }
        let seen = match self.seen.get_mut(name) {
            Some(seen) => seen,
            None => self.seen.entry(name.to_owned()).or_default(),
        };
        seen.events += count.unwrap_or(0);
        seen.has_uncounted |= count.is_none();
        let (first, last) = seen.times.unwrap_or(times);
        seen.times = Some((first.min(times.0), last.max(times.1)));
    }

    fn fields(&self, table: &TableSnapshot, part: &str) -> Vec<Field> {
        let fixed = table.table.fixed_columns();
        let fixed_names = fixed.iter().map(|column| column.name);
        let is_fixed = |name: &&str| fixed.iter().any(|column| column.name == *name);
        let attributes = self.seen.keys().map(String::as_str);
        let wanted = part.to_lowercase();
        fixed_names
            .chain(attributes.filter(|name| !is_fixed(name)))
            .filter(|name| name.to_lowercase().contains(&wanted))
            .filter_map(|name| {
                let seen = self.seen.get(name)?;
                Some(Field {
                    name: name.to_owned(),
                    data_type: type_of(table, name),
                    events: seen.events,
                    is_exact: !seen.has_uncounted,
                    seen: seen.times,
                })
            })
            .collect()
    }
}

/// How a field reads in queries.
fn type_of(table: &TableSnapshot, name: &str) -> DataType {
    let fixed = table.columns.find(name);
    let fixed = fixed.filter(|_| table.table.fixed_columns().iter().any(|c| c.name == name));
    let of_column = |column: &Arc<Column>| match scan_type(table.table, column) {
        // Ids read as hex.
        DataType::FixedSizeBinary(_) => DataType::Utf8View,
        other => other,
    };
    fixed.map_or_else(|| attribute::data_type_of(table, name), of_column)
}
