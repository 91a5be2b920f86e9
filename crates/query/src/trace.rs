//! One trace by its id, on a path of its own without SQL: every span with its attributes put back where they came from,
//! its events, and the log records that name the trace; or only the outline that a picture of it needs.

mod attributes;
mod found;
mod outline;
mod read;
mod rows;

use std::collections::HashSet;

use arrow::array::RecordBatch;
use crawlspace_model::Table;
use crawlspace_model::id::{SpanId, TraceId};
use serde_json::{Map, Value};

use crate::engine::Engine;
use crate::error::Error;

pub use outline::{OutlineEvents, OutlineLogs, OutlineSpans, TraceOutline};
pub(crate) use rows::{Wanted, columns_of};

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

/// The rows of one trace, their columns under the names that queries use.
#[derive(Debug)]
pub struct TraceRecords {
    pub spans: RecordBatch,
    /// The log records, and the events of the spans.
    pub logs: RecordBatch,
    pub damaged_parts: usize,
}

impl Engine {
    /// The trace of that id, or what one of its spans has in it; `None` where neither a span nor a log record is there.
    ///
    /// # Errors
    /// Data can't be read.
    pub async fn trace(&self, id: TraceId, span: Option<SpanId>) -> Result<Option<Trace>, Error> {
        let wanted = Wanted {
            span: span.map(|span| span.0),
            ..Wanted::trace(id)
        };
        let records = self.trace_rows(&wanted, &wanted).await?;
        Ok(records.map(|records| Trace {
            trace_id: id.to_string(),
            spans: read::spans(&records),
            logs: read::records(&records.logs),
            damaged_parts: records.damaged_parts,
        }))
    }

    /// What a picture of that trace needs; `None` where neither a span nor a log record of it is there.
    ///
    /// # Errors
    /// Data can't be read.
    pub async fn trace_outline(&self, id: TraceId) -> Result<Option<TraceOutline>, Error> {
        let of = |columns| Wanted {
            columns: Some(columns),
            ..Wanted::trace(id)
        };
        let (spans, logs) = (of(outline::SPAN_COLUMNS), of(outline::LOG_COLUMNS));
        let records = self.trace_rows(&spans, &logs).await?;
        Ok(records.map(|records| TraceOutline::of(id, &records)))
    }

    /// The rows of the trace of that id, as they are stored; `None` where nothing of it is there.
    ///
    /// # Errors
    /// Data can't be read.
    pub async fn trace_records(&self, id: TraceId) -> Result<Option<TraceRecords>, Error> {
        let wanted = Wanted::trace(id);
        self.trace_rows(&wanted, &wanted).await
    }

    async fn trace_rows(
        &self,
        spans: &Wanted,
        logs: &Wanted,
    ) -> Result<Option<TraceRecords>, Error> {
        let first = self.trace_once(spans, logs).await;
        match &first {
            Err(error) if error.is_unreadable() => {
                self.lake.check_parts().await?;
                self.trace_once(spans, logs).await
            }
            _ => first,
        }
    }

    async fn trace_once(
        &self,
        spans: &Wanted,
        logs: &Wanted,
    ) -> Result<Option<TraceRecords>, Error> {
        let snapshot = self.lake.snapshot();
        let spans = self.rows_of(snapshot.table(Table::Spans), spans);
        let logs = self.rows_of(snapshot.table(Table::Logs), logs);
        let (spans, logs) = tokio::try_join!(spans, logs)?;
        let is_there = spans.num_rows() + logs.num_rows() > 0;
        Ok(is_there.then_some(TraceRecords {
            spans,
            logs,
            damaged_parts: snapshot.damaged_parts,
        }))
    }
}

impl Wanted {
    fn trace(id: TraceId) -> Self {
        Self {
            traces: HashSet::from([id.0]),
            ..Self::default()
        }
    }
}
