//! One trace by its id, on a path of its own without SQL: every span with its attributes put back where they came from,
//! its events, and the log records that name the trace.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::{concat_batches, filter_record_batch, max, min};
use arrow::datatypes::{Float64Type, Int32Type, Int64Type, Schema, TimestampNanosecondType};
use crawlspace_lake::catalogue::{Column, Part};
use crawlspace_lake::{MemoryBatch, PartScan, TableSnapshot, json_at, map_entries, scan_memory};
use crawlspace_model::Table;
use crawlspace_model::id::{TraceId, hex};
use crawlspace_model::names::{RESOURCE_PREFIX, SCOPE_PREFIX, key_of_column};
use crawlspace_model::table::OVERFLOW;
use datafusion::common::ScalarValue;
use datafusion::physical_expr::expressions::{col, in_list, lit};
use datafusion::physical_plan::PhysicalExpr;
use serde_json::{Map, Value};

use crate::engine::Engine;
use crate::error::Error;

/// All spans of one trace that are there, by start, and its log records.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct Trace {
    pub trace_id: String,
    pub spans: Vec<Span>,
    /// By time; the events of spans are with these.
    pub logs: Vec<LogRecord>,
    /// Parts that are damaged and set aside: spans may be missing.
    pub damaged_parts: usize,
}

/// A span with its attributes where they came from. Times are nanoseconds since 1970, as text.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct Span {
    pub span_id: String,
    pub parent_span_id: Option<String>,
    pub name: String,
    pub kind: String,
    pub time: String,
    pub received_at: String,
    /// `None` while the span has no end.
    pub duration_ns: Option<i64>,
    pub status_code: String,
    pub status_message: Option<String>,
    #[serde(rename = "service.name")]
    pub service_name: Option<String>,
    #[serde(rename = "scope.name")]
    pub scope_name: Option<String>,
    #[serde(rename = "scope.version")]
    pub scope_version: Option<String>,
    pub trace_state: Option<String>,
    pub sample_weight: f64,
    #[schema(value_type = Object)]
    pub attributes: Map<String, Value>,
    #[schema(value_type = Object)]
    pub resource: Map<String, Value>,
    #[schema(value_type = Object)]
    pub scope: Map<String, Value>,
    pub links: Value,
    pub events: Vec<SpanEvent>,
}

/// Something that happened during a span.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct SpanEvent {
    pub time: String,
    pub name: Option<String>,
    #[schema(value_type = Object)]
    pub attributes: Map<String, Value>,
}

/// A log record of a trace. Times are nanoseconds since 1970, as text.
#[derive(Debug, Clone, PartialEq, serde::Serialize, utoipa::ToSchema)]
pub struct LogRecord {
    pub time: String,
    pub observed_time: Option<String>,
    pub span_id: Option<String>,
    pub severity_number: Option<i32>,
    pub severity_text: Option<String>,
    #[serde(rename = "event.name")]
    pub event_name: Option<String>,
    pub body: Option<String>,
    #[serde(rename = "service.name")]
    pub service_name: Option<String>,
    #[serde(rename = "scope.name")]
    pub scope_name: Option<String>,
    #[schema(value_type = Object)]
    pub attributes: Map<String, Value>,
    #[schema(value_type = Object)]
    pub resource: Map<String, Value>,
    #[schema(value_type = Object)]
    pub scope: Map<String, Value>,
}

/// The rows of one trace, all columns under the names that queries use.
#[derive(Debug)]
pub struct TraceRecords {
    pub spans: RecordBatch,
    /// The log records, and the events of the spans.
    pub logs: RecordBatch,
    pub damaged_parts: usize,
}

impl Engine {
    /// The trace of that id; `None` where neither a span nor a log record of it is there.
    ///
    /// # Errors
    /// Data can't be read.
    pub async fn trace(&self, id: TraceId) -> Result<Option<Trace>, Error> {
        let Some(TraceRecords {
            spans,
            logs,
            damaged_parts,
        }) = self.trace_records(id).await?
        else {
            return Ok(None);
        };
        let rows = Rows::new(&logs);
        let (mut events, logs) = (events(&rows), records(&rows));
        let rows = Rows::new(&spans);
        let mut spans: Vec<Span> = (0..spans.num_rows())
            .map(|row| span(&rows, row, &mut events))
            .collect();
        spans.sort_by(|a, b| (a.start(), &a.span_id).cmp(&(b.start(), &b.span_id)));
        Ok(Some(Trace {
            trace_id: id.to_string(),
            spans,
            logs,
            damaged_parts,
        }))
    }

    /// The rows of the trace of that id, as they are stored; `None` where nothing of it is there.
    ///
    /// # Errors
    /// Data can't be read.
    pub async fn trace_records(&self, id: TraceId) -> Result<Option<TraceRecords>, Error> {
        let first = self.trace_records_once(id).await;
        match &first {
            Err(error) if error.is_unreadable() => {
                self.lake.check_parts().await?;
                self.trace_records_once(id).await
            }
            _ => first,
        }
    }

    async fn trace_records_once(&self, id: TraceId) -> Result<Option<TraceRecords>, Error> {
        let snapshot = self.lake.snapshot();
        let wanted = Wanted {
            traces: HashSet::from([id.0]),
            received: None,
        };
        let spans = self.rows_of(snapshot.table(Table::Spans), &wanted).await?;
        let logs = self.rows_of(snapshot.table(Table::Logs), &wanted).await?;
        let is_there = spans.num_rows() + logs.num_rows() > 0;
        Ok(is_there.then_some(TraceRecords {
            spans,
            logs,
            damaged_parts: snapshot.damaged_parts,
        }))
    }

    /// The rows of some traces, all columns under the names that queries use.
    pub(crate) async fn rows_of(
        &self,
        table: &TableSnapshot,
        wanted: &Wanted,
    ) -> Result<RecordBatch, Error> {
        let columns = columns_of(table);
        let mut memory = Vec::new();
        for batch in table
            .memory
            .iter()
            .filter(|batch| wanted.meets_rows(&batch.rows))
        {
            let found = wanted.among(&batch.rows)?;
            if found.num_rows() > 0 {
                memory.push(Arc::new(MemoryBatch::new(found)));
            }
        }
        let mut batches = scan_memory(table.table, &columns, &memory)?;
        let parts = table.parts.iter().filter(|part| wanted.meets(part));
        let groups: Vec<_> = parts.map(|part| vec![Arc::clone(part)]).collect();
        if !groups.is_empty() {
            let predicate = wanted.predicate(&PartScan::schema(table.table, &columns))?;
            let scan = PartScan {
                table: table.table,
                columns: &columns,
                projection: None,
                groups,
                predicate: Some(predicate),
                order: None,
                limit: None,
            };
            for batch in self.run_plan(scan.plan(&self.lake)?).await? {
                batches.push(wanted.among(&batch)?);
            }
        }
        let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
        let stored = PartScan::schema(table.table, &columns);
        let rows = concat_batches(&stored, &batches).map_err(crawlspace_lake::Error::from)?;
        let fields: Vec<_> = stored
            .fields()
            .iter()
            .zip(names)
            .map(|(field, name)| field.as_ref().clone().with_name(name))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        Ok(RecordBatch::try_new(schema, rows.columns().to_vec())
            .map_err(crawlspace_lake::Error::from)?)
    }
}

/// The columns of the catalogue, and those that only memory has.
pub(crate) fn columns_of(table: &TableSnapshot) -> Vec<Arc<Column>> {
    let mut columns: Vec<Arc<Column>> = table.columns.iter().cloned().collect();
    let known: BTreeSet<String> = columns.iter().map(|column| column.name.clone()).collect();
    let names = table.attribute_names();
    columns.extend(
        names
            .difference(&known)
            .filter_map(|name| table.attribute(name)?.column),
    );
    columns
}

/// Which rows are looked up.
pub(crate) struct Wanted {
    pub traces: HashSet<[u8; 16]>,
    /// If known, when the first and the last of them were received.
    pub received: Option<(i64, i64)>,
}

impl Wanted {
    fn meets(&self, part: &Part) -> bool {
        self.received.is_none_or(|(first, last)| {
            part.meta.received_max.0 >= first && part.meta.received_min.0 <= last
        })
    }

    fn meets_rows(&self, rows: &RecordBatch) -> bool {
        let received = rows
            .column_by_name("received_at")
            .and_then(|column| column.as_primitive_opt::<TimestampNanosecondType>());
        let range = received.and_then(|received| Some((min(received)?, max(received)?)));
        match (self.received, range) {
            (Some((first, last)), Some((earliest, latest))) => latest >= first && earliest <= last,
            _ => true,
        }
    }

    fn among(&self, rows: &RecordBatch) -> Result<RecordBatch, Error> {
        let is_wanted = |id: &[u8]| {
            id.try_into()
                .is_ok_and(|id| self.traces.contains::<[u8; 16]>(id))
        };
        let matching: BooleanArray = match rows.column_by_name("trace_id") {
            Some(ids) => ids
                .as_fixed_size_binary()
                .iter()
                .map(|id| Some(id.is_some_and(is_wanted)))
                .collect(),
            None => BooleanArray::from(vec![false; rows.num_rows()]),
        };
        Ok(filter_record_batch(rows, &matching).map_err(crawlspace_lake::Error::from)?)
    }

    fn predicate(&self, schema: &Schema) -> Result<Arc<dyn PhysicalExpr>, Error> {
        let id = col("trace_id", schema).map_err(|source| Error::Plan { source })?;
        let ids = self
            .traces
            .iter()
            .map(|id| lit(ScalarValue::FixedSizeBinary(16, Some(id.to_vec()))))
            .collect();
        in_list(id, ids, &false, schema).map_err(|source| Error::Plan { source })
    }
}

/// The events of a trace by their span's id, in order.
fn events(rows: &Rows<'_>) -> BTreeMap<String, Vec<SpanEvent>> {
    let mut events: BTreeMap<String, Vec<(i64, SpanEvent)>> = BTreeMap::new();
    for row in (0..rows.rows.num_rows()).filter(|row| rows.is_span_event(*row)) {
        let Some(span_id) = rows.id("span_id", row) else {
            continue;
        };
        let time = rows.time("time", row);
        let [attributes, ..] = rows.attributes(row);
        let event = SpanEvent {
            time: time.to_string(),
            name: rows.text("event.name", row),
            attributes,
        };
        events.entry(span_id).or_default().push((time, event));
    }
    let in_order = |mut events: Vec<(i64, SpanEvent)>| {
        events.sort_by_key(|(time, _)| *time);
        events.into_iter().map(|(_, event)| event).collect()
    };
    events
        .into_iter()
        .map(|(span, events)| (span, in_order(events)))
        .collect()
}

/// The records that are no events of spans, by time.
fn records(rows: &Rows<'_>) -> Vec<LogRecord> {
    let all = 0..rows.rows.num_rows();
    let mut found: Vec<usize> = all.filter(|row| !rows.is_span_event(*row)).collect();
    found.sort_by_key(|row| rows.time("time", *row));
    let record = |row: usize| {
        let [attributes, resource, scope] = rows.attributes(row);
        let observed = rows.column("observed_time", row);
        let severity = rows.column("severity_number", row);
        LogRecord {
            time: rows.time("time", row).to_string(),
            observed_time: observed.map(|_| rows.time("observed_time", row).to_string()),
            span_id: rows.id("span_id", row),
            severity_number: severity.map(|column| column.as_primitive::<Int32Type>().value(row)),
            severity_text: rows.text("severity_text", row),
            event_name: rows.text("event.name", row),
            body: rows.text("body", row),
            service_name: rows.text("service.name", row),
            scope_name: rows.text("scope.name", row),
            attributes,
            resource,
            scope,
        }
    };
    found.into_iter().map(record).collect()
}

impl Span {
    fn start(&self) -> i64 {
        self.time.parse().unwrap_or_default()
    }
}

fn span(rows: &Rows<'_>, row: usize, events: &mut BTreeMap<String, Vec<SpanEvent>>) -> Span {
    let span_id = rows.id("span_id", row).unwrap_or_default();
    let [attributes, resource, scope] = rows.attributes(row);
    let links = rows
        .text("links", row)
        .and_then(|text| serde_json::from_str(&text).ok());
    Span {
        parent_span_id: rows.id("parent_span_id", row),
        name: rows.text("name", row).unwrap_or_default(),
        kind: rows.text("kind", row).unwrap_or_default(),
        time: rows.time("time", row).to_string(),
        received_at: rows.time("received_at", row).to_string(),
        duration_ns: rows
            .column("duration_ns", row)
            .map(|column| column.as_primitive::<Int64Type>().value(row)),
        status_code: rows.text("status_code", row).unwrap_or_default(),
        status_message: rows.text("status_message", row),
        service_name: rows.text("service.name", row),
        scope_name: rows.text("scope.name", row),
        scope_version: rows.text("scope.version", row),
        trace_state: rows.text("trace_state", row),
        sample_weight: rows.column("sample_weight", row).map_or(1.0, |column| {
            column.as_primitive::<Float64Type>().value(row)
        }),
        attributes,
        resource,
        scope,
        links: links.unwrap_or(Value::Array(Vec::new())),
        events: events.remove(&span_id).unwrap_or_default(),
        span_id,
    }
}

/// Which columns of a row came from the resource and the scope.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default)]
struct Sources {
    resource: Vec<Source>,
    scope: Vec<Source>,
    resource_shadowed: Vec<Source>,
    scope_shadowed: Vec<Source>,
}

/// A column, with the key it came with where the column's name does not tell.
#[derive(Debug, serde::Deserialize)]
#[serde(untagged)]
enum Source {
    Column(String),
    Renamed(String, String),
}

/// Rows read one value at a time.
struct Rows<'a> {
    rows: &'a RecordBatch,
    fixed: usize,
}

impl<'a> Rows<'a> {
    fn new(rows: &'a RecordBatch) -> Self {
        let fixed = rows
            .schema_ref()
            .index_of(OVERFLOW)
            .map_or(0, |index| index + 1);
        Self { rows, fixed }
    }

    fn column(&self, name: &str, row: usize) -> Option<&'a Arc<dyn Array>> {
        self.rows
            .column_by_name(name)
            .filter(|column| column.is_valid(row))
    }

    fn text(&self, name: &str, row: usize) -> Option<String> {
        let column = self.column(name, row)?;
        Some(column.as_string_view_opt()?.value(row).to_owned())
    }

    fn is_span_event(&self, row: usize) -> bool {
        self.text("record_type", row).as_deref() == Some("span_event")
    }

    fn id(&self, name: &str, row: usize) -> Option<String> {
        Some(hex(self
            .column(name, row)?
            .as_fixed_size_binary()
            .value(row)))
    }

    fn time(&self, name: &str, row: usize) -> i64 {
        self.column(name, row).map_or(0, |column| {
            column.as_primitive::<TimestampNanosecondType>().value(row)
        })
    }

    /// The attributes of the record itself, of its resource and of its scope, under the keys they came with.
    fn attributes(&self, row: usize) -> [Map<String, Value>; 3] {
        let mut all: BTreeMap<String, Value> = BTreeMap::new();
        for index in self.fixed..self.rows.num_columns() {
            if let Some(json) = json_at(self.rows.column(index), row) {
                all.insert(
                    self.rows.schema_ref().field(index).name().clone(),
                    exact(&json),
                );
            }
        }
        if let Some(overflow) = self.column(OVERFLOW, row) {
            for (name, json) in map_entries(overflow.as_map(), row) {
                all.insert(name.to_owned(), exact(json));
            }
        }
        let sources = self.text("attribute_sources", row);
        let sources: Sources = sources
            .and_then(|text| serde_json::from_str(&text).ok())
            .unwrap_or_default();
        let resource = moved(
            &mut all,
            &sources.resource,
            &sources.resource_shadowed,
            RESOURCE_PREFIX,
        );
        let scope = moved(
            &mut all,
            &sources.scope,
            &sources.scope_shadowed,
            SCOPE_PREFIX,
        );
        let own = all
            .into_iter()
            .map(|(name, value)| (key_of_column(&name).to_owned(), value))
            .collect();
        [own, resource, scope]
    }
}

/// Takes the named attributes out, under the keys they came with.
fn moved(
    all: &mut BTreeMap<String, Value>,
    plain: &[Source],
    shadowed: &[Source],
    prefix: &str,
) -> Map<String, Value> {
    let plain = plain.iter().map(|source| source.column_and_key(""));
    let shadowed = shadowed.iter().map(|source| source.column_and_key(prefix));
    plain
        .chain(shadowed)
        .filter_map(|(column, key)| Some((key.to_owned(), all.remove(column)?)))
        .collect()
}

impl Source {
    fn column_and_key(&self, prefix: &str) -> (&str, &str) {
        match self {
            Self::Renamed(column, key) => (column, key),
            Self::Column(column) => {
                let key = key_of_column(column);
                (column, key.strip_prefix(prefix).unwrap_or(key))
            }
        }
    }
}

/// The JSON value of an attribute; whole numbers that doubles can't hold become text.
fn exact(json: &str) -> Value {
    const EXACT_MAX: u64 = 1 << 53;
    match serde_json::from_str(json) {
        Ok(Value::Number(number))
            if number
                .as_i64()
                .is_some_and(|number| number.unsigned_abs() > EXACT_MAX) =>
        {
            Value::String(number.to_string())
        }
        Ok(value) => value,
        Err(_) => Value::String(json.to_owned()),
    }
}
