//! Health, maintenance, and the page that says what this is.

use std::fmt::Write as _;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use crawlspace_model::{ErrorKind, Table};
use serde::Serialize;

use crate::Dependencies;
use crate::problem::Problem;

pub(crate) async fn index() -> &'static str {
    concat!(
        "crawlspace ",
        env!("CARGO_PKG_VERSION"),
        ": see inside the distributed system you did not mean to build.\n\n",
        "POST /v1/traces                    OTLP traces, protobuf, plain or gzip\n",
        "POST /api/v1/sql                   {\"sql\": \"SELECT …\"} over spans, logs, metrics, changes\n",
        "POST /api/v1/query                 {\"from\": \"spans\", \"calculate\": [\"count\"], …}\n",
        "GET  /api/v1/traces/{id}           all spans of a trace\n",
        "GET  /api/v1/tables                rows, parts and bytes of each table\n",
        "POST /api/v1/maintenance/flush     write the rows in memory as parts now\n",
        "POST /api/v1/maintenance/compact   merge small parts now\n",
        "GET  /livez, /readyz               health\n\n",
        "Tables and columns: docs/reference/schema.md in the source tree.\n",
        "On the command line: crawlspace --help\n",
    )
}

pub(crate) async fn livez() -> &'static str {
    "alive\n"
}

/// Ready means that requests are stored and flushed; damage that was set aside is told, but stops nothing.
pub(crate) async fn readyz(State(dependencies): State<Dependencies>) -> Result<String, Problem> {
    dependencies
        .ingest
        .healthy()
        .map_err(|trouble| Problem::new(ErrorKind::Unavailable, trouble))?;
    let mut text = "ready\n".to_owned();
    for part in dependencies.lake.damaged_parts() {
        _ = writeln!(text, "damaged part set aside: {part}");
    }
    let replayed = dependencies.ingest.replayed();
    for (count, what) in [
        (replayed.damaged, "damaged records of the log skipped"),
        (
            replayed.undecodable,
            "records of the log that no longer decode skipped",
        ),
        (
            replayed.set_aside as u64,
            "unreadable segments of the log set aside",
        ),
    ] {
        if count > 0 {
            _ = writeln!(text, "{what}: {count}");
        }
    }
    Ok(text)
}

/// How much of a table there is.
#[derive(Serialize)]
struct TableAnswer {
    table: &'static str,
    rows: u64,
    rows_in_memory: u64,
    attributes: usize,
    parts: usize,
    part_bytes: u64,
}

pub(crate) async fn tables(State(dependencies): State<Dependencies>) -> Response {
    let snapshot = dependencies.lake.snapshot();
    let tables = Table::ALL.map(|table| {
        let table = snapshot.table(table);
        TableAnswer {
            table: table.table.name(),
            rows: table.rows(),
            rows_in_memory: table.memory_rows(),
            attributes: table.attribute_names().len(),
            parts: table.parts.len(),
            part_bytes: table.parts.iter().map(|part| part.meta.size_bytes).sum(),
        }
    });
    Json(tables).into_response()
}

#[derive(Serialize)]
struct FlushAnswer {
    rows: u64,
    parts: usize,
    wal_position: u64,
}

pub(crate) async fn flush(State(dependencies): State<Dependencies>) -> Result<Response, Problem> {
    let flushed = dependencies.ingest.flush().await?;
    let answer = FlushAnswer {
        rows: flushed.rows,
        parts: flushed.parts,
        wal_position: flushed.wal_position,
    };
    Ok(Json(answer).into_response())
}

#[derive(Serialize)]
struct CompactAnswer {
    merged: usize,
    into: usize,
}

pub(crate) async fn compact(State(dependencies): State<Dependencies>) -> Result<Response, Problem> {
    let compacted = dependencies.ingest.compact().await?;
    Ok(Json(CompactAnswer {
        merged: compacted.merged,
        into: compacted.into,
    })
    .into_response())
}
