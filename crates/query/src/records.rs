//! Events as they are stored, every value in its own column or the overflow, for whoever puts them
//! together again: spans with the rows that are their events.

use std::sync::Arc;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::compute::{max, min};
use arrow::datatypes::TimestampNanosecondType;
use crawlspace_lake::Snapshot;
use crawlspace_model::Table;

use crate::engine::running::{Piece, Running};
use crate::engine::scan;
use crate::engine::{Asking, Engine, Stored};
use crate::error::Error;
use crate::request::{QueryRequest, parse_duration};
use crate::table::table_named;
use crate::trace::Wanted;

/// Events that are being found. Dropped, it ends the query.
#[derive(Debug)]
pub struct Records {
    engine: Arc<Engine>,
    snapshot: Snapshot,
    pub table: Table,
    running: Running,
}

impl Engine {
    /// Answers a question for events themselves, all columns under the names that queries use, as
    /// they are stored: a name has only what came under it, and no value is made to fit others.
    ///
    /// # Errors
    /// The question is wrong, groups or calculates, asks for too much, data can't be read, or too
    /// many queries run.
    pub async fn stream_records(
        self: &Arc<Self>,
        request: &QueryRequest,
        asking: &Asking,
    ) -> Result<Records, Error> {
        let first = self.records_once(request, asking).await;
        match &first {
            Err(error) if error.is_unreadable() => self.records_once(request, asking).await,
            _ => first,
        }
    }

    async fn records_once(
        self: &Arc<Self>,
        request: &QueryRequest,
        asking: &Asking,
    ) -> Result<Records, Error> {
        if !request.is_about_events() {
            return Err(Error::Request(
                "OTLP holds events themselves: leave out `group_by`, `calculate` and `granularity`, or ask for another format".to_owned(),
            ));
        }
        let snapshot = self.lake.snapshot();
        let mut asking = Asking {
            stored: Stored::All,
            ..asking.clone()
        };
        if let Some(timeout) = &request.timeout {
            asking.time_limit = Some(parse_duration(timeout)?);
        }
        let running = self.query_on(&snapshot, request, &asking).await?;
        Ok(Records {
            engine: Arc::clone(self),
            table: table_named(&request.from)?,
            running,
            snapshot,
        })
    }
}

impl Records {
    /// What comes next; with spans, the rows of `logs` that are their events. After the end, and
    /// after an error, nothing more should be asked for.
    ///
    /// # Errors
    /// The query failed, took too long, or the reader did.
    pub async fn next(&mut self) -> Result<(Piece, Vec<RecordBatch>), Error> {
        let rows = match self.running.next().await? {
            Piece::Rows(rows) => scan::named(&rows)?,
            end @ Piece::End(_) => return Ok((end, Vec::new())),
        };
        let mut events = Vec::new();
        if self.table == Table::Spans
            && let Some(wanted) = with_events(&rows)
        {
            let logs = self.snapshot.table(Table::Logs);
            events.push(self.engine.rows_of(logs, &wanted).await?);
        }
        Ok((Piece::Rows(rows), events))
    }
}

/// Where the events of these spans are: they came in the same requests.
fn with_events(spans: &RecordBatch) -> Option<Wanted> {
    let ids = spans
        .column_by_name("trace_id")?
        .as_fixed_size_binary_opt()?;
    let received = spans.column_by_name("received_at")?;
    let received = received.as_primitive_opt::<TimestampNanosecondType>()?;
    Some(Wanted {
        traces: ids
            .iter()
            .flatten()
            .filter_map(|id| id.try_into().ok())
            .collect(),
        received: Some((min(received)?, max(received)?)),
        ..Wanted::default()
    })
}
