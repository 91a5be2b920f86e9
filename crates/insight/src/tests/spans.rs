//! Spans for tests, and what an answer's queries say.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use crawlspace_model::Table;
use crawlspace_model::attribute::Value;
use crawlspace_model::names::column_of_key;
use crawlspace_wire::batch::{Cell, TableBuilder};

use crate::Evidence;
use crate::tests::Store;

/// A span as a test needs it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TestSpan {
    pub trace: u8,
    pub id: u64,
    pub parent: Option<u64>,
    pub service: Option<&'static str>,
    pub kind: &'static str,
    pub time: i64,
    pub duration: Option<i64>,
    /// After the span's start.
    pub received_after: i64,
    pub weight: f64,
    pub is_error: bool,
    /// Trace and span.
    pub link: Option<(u8, u64)>,
    pub attributes: Vec<(&'static str, String)>,
}

impl Default for TestSpan {
    fn default() -> Self {
        Self {
            trace: 1,
            id: 1,
            parent: None,
            service: Some("shop"),
            kind: "internal",
            time: BEGIN,
            duration: Some(1_000),
            received_after: 2_000_000_000,
            weight: 1.0,
            is_error: false,
            link: None,
            attributes: Vec::new(),
        }
    }
}

impl TestSpan {
    pub(crate) fn with(mut self, attributes: &[(&'static str, &str)]) -> Self {
        let attributes = attributes.iter();
        self.attributes
            .extend(attributes.map(|(key, value)| (*key, (*value).to_owned())));
        self
    }

    pub(crate) fn attribute(&self, key: &str) -> Option<&str> {
        let mut attributes = self.attributes.iter();
        attributes
            .find(|(name, _)| *name == key)
            .map(|(_, value)| value.as_str())
    }
}

/// 2026-11-20T10:00:00Z.
pub(crate) const BEGIN: i64 = 1_795_168_800_000_000_000;

pub(crate) fn trace_id(trace: u8) -> [u8; 16] {
    [trace; 16]
}

pub(crate) fn rows(spans: &[TestSpan]) -> RecordBatch {
    let mut builder = TableBuilder::new(Table::Spans);
    for span in spans {
        builder.set("time", Cell::Time(span.time));
        builder.set("received_at", Cell::Time(span.time + span.received_after));
        if let Some(duration) = span.duration {
            builder.set("duration_ns", Cell::Int(duration));
        }
        builder.set("trace_id", Cell::Bytes(&trace_id(span.trace)));
        builder.set("span_id", Cell::Bytes(&span.id.to_be_bytes()));
        if let Some(parent) = span.parent {
            builder.set("parent_span_id", Cell::Bytes(&parent.to_be_bytes()));
        }
        builder.set("name", Cell::Text("n"));
        builder.set("kind", Cell::Text(span.kind));
        let status = if span.is_error { "error" } else { "unset" };
        builder.set("status_code", Cell::Text(status));
        if let Some((trace, id)) = span.link {
            let (trace, id) = (u128::from_be_bytes(trace_id(trace)), id);
            let link = format!("[{{\"trace_id\":\"{trace:032x}\",\"span_id\":\"{id:016x}\"}}]");
            builder.set("links", Cell::Json(&link));
        }
        if let Some(service) = span.service {
            builder.set("service.name", Cell::Text(service));
        }
        builder.set("sample_weight", Cell::Double(span.weight));
        for (key, value) in &span.attributes {
            builder.attribute(&column_of_key(Table::Spans, key), &Value::String(value));
        }
        builder.end_row();
    }
    builder.finish()
}

impl Store {
    /// The first row of a query's answer, null for none.
    pub(crate) async fn numbers(&self, query: &Evidence) -> BTreeMap<String, Option<f64>> {
        let answer = self.engine.sql(&query.0).await;
        let answer = answer.unwrap_or_else(|error| panic!("{error}: {}", query.0));
        let rows = answer.batches.iter().find(|rows| rows.num_rows() > 0);
        let rows = rows.unwrap_or_else(|| panic!("no row: {}", query.0));
        let columns = rows.columns().iter().zip(answer.schema.fields());
        let number = |column: &dyn Array| {
            let numbers = cast(column, &DataType::Float64).unwrap();
            let numbers = numbers.as_primitive::<Float64Type>();
            numbers.is_valid(0).then(|| numbers.value(0))
        };
        columns
            .map(|(column, field)| (field.name().clone(), number(column)))
            .collect()
    }

    /// Publishes spans in so many portions, each flushed or not.
    pub(crate) async fn take(&mut self, spans: &[TestSpan], portion: usize) {
        for (number, spans) in spans.chunks(portion.max(1)).enumerate() {
            self.publish(Table::Spans, rows(spans));
            if number % 2 == 0 {
                self.lake.flush().await.unwrap();
            }
        }
    }
}
