//! Health, maintenance, and the page that says what this is. Beside it: backups, the doctor, the
//! ledger and the metrics.

pub(crate) mod backup;
pub(crate) mod doctor;
pub(crate) mod ledger;
pub(crate) mod limits;
pub(crate) mod metrics;
pub(crate) mod selfcheck;

use std::fmt::Write as _;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use crawlspace_model::{ErrorKind, Table};
use serde::Serialize;

use crate::Dependencies;
use crate::problem::{Members, Problem, Refusals};
use crate::window;

/// The routes, as text; the window for browsers, which ask for `text/html`
#[utoipa::path(get, path = "/", tag = "operate", responses((status = 200, description = "For people.", body = String, content_type = "text/plain")))]
pub(crate) async fn index(
    State(dependencies): State<Dependencies>,
    headers: HeaderMap,
) -> Response {
    window::top(&dependencies, &headers).unwrap_or_else(|| ROUTES.into_response())
}

const ROUTES: &str = concat!(
    "crawlspace ",
    env!("CARGO_PKG_VERSION"),
    ": see inside the distributed system you did not mean to build.\n\n",
    "POST /v1/traces, /v1/logs, /v1/metrics   OTLP, protobuf or JSON; OTLP/gRPC on the same port\n",
    "POST /api/v1/sql                   {\"sql\": \"SELECT …\"} over spans, logs, metrics, changes\n",
    "POST /api/v1/query                 {\"from\": \"spans\", \"calculate\": [\"count\"], …}\n",
    "GET  /api/v1/traces/{id}           all spans of a trace\n",
    "POST /api/v1/compare               what is different about some events\n",
    "GET  /api/v1/fields                the fields of a table; /api/v1/fields/{name}: one, with its values\n",
    "GET  /api/v1/entity                one user, tenant, endpoint … among all: ?field=user.id&value=4711\n",
    "GET  /api/v1/odd                   flows and services that differ from the same hour of the days before\n",
    "GET  /api/v1/tail                  new events as they come, as server-sent events\n",
    "GET  /api/v1/map                   what talks to what, with rate, errors and latency\n",
    "GET  /api/v1/saved                 saved questions; POST saves one, GET, PUT and DELETE …/{id}\n",
    "GET  /api/v1/notes                 notes pinned to a time; POST pins one, GET, PUT and DELETE …/{id}\n",
    "GET  /api/v1/tables                rows, parts and bytes of each table\n",
    "GET  /api/v1/ledger                what became of everything that came; the last refusals\n",
    "POST /api/v1/maintenance/flush     write the rows in memory as parts now\n",
    "POST /api/v1/maintenance/compact   merge small parts now\n",
    "POST /api/v1/keys                  make a key; GET lists them, DELETE …/{number} revokes one\n",
    "POST /api/v1/backup                {\"to\": \"/srv/backup\"}: copy everything there\n",
    "POST /api/v1/selfcheck             write an event and ask for it back\n",
    "GET  /api/v1/limits                what is bounded, and what happens beyond\n",
    "GET  /api/v1/doctor                examine the catalogue and every part\n",
    "GET  /api/v1/openapi.json          this API, described by OpenAPI 3.1\n",
    "GET  /livez, /readyz, /metrics     health; numbers for Prometheus\n\n",
    "Tables and columns: docs/reference/schema.md in the source tree.\n",
    "On the command line: crawlspace --help\n",
);

/// Whether the process answers
#[utoipa::path(get, path = "/livez", tag = "operate", responses((status = 200, description = "It does.", body = String, content_type = "text/plain", example = "alive\n")))]
pub(crate) async fn livez() -> &'static str {
    "alive\n"
}

/// What is answered while the log is replayed: the process lives, and everything else is told to come again.
pub(crate) async fn starting() -> Problem {
    let detail = "crawlspace is starting: what its log holds becomes visible first";
    Problem::new(ErrorKind::Unavailable, detail)
}

/// Whether requests are stored
///
/// Ready means that requests are stored and flushed; damage that was set aside is told, but stops nothing.
#[utoipa::path(
    get, path = "/readyz", tag = "operate",
    responses(
        (status = 200, description = "Ready, and a line for each damaged part or record.", body = String, content_type = "text/plain", example = "ready\n"),
        (status = 503, description = "Requests can't be logged, or rows not flushed.", body = Members, content_type = "application/problem+json"),
    )
)]
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
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = TableSize, example = json!({
    "table": "spans", "rows": 1521, "rows_in_memory": 0, "attributes": 41, "parts": 1, "part_bytes": 98304
}))]
struct TableAnswer {
    table: &'static str,
    rows: u64,
    rows_in_memory: u64,
    /// Attributes with a column of their own, or known to be in `overflow`.
    attributes: usize,
    parts: usize,
    part_bytes: u64,
}

/// How much each table holds
#[utoipa::path(get, path = "/api/v1/tables", tag = "ask", responses((status = 200, description = "All four.", body = Vec<TableAnswer>)))]
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

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Flushed, example = json!({"rows": 1521, "parts": 2, "wal_position": 77}))]
struct FlushAnswer {
    rows: u64,
    parts: usize,
    wal_position: u64,
}

/// Write the rows in memory as parts now
#[utoipa::path(post, path = "/api/v1/maintenance/flush", tag = "operate", responses((status = 200, description = "Committed.", body = FlushAnswer), Refusals))]
pub(crate) async fn flush(State(dependencies): State<Dependencies>) -> Result<Response, Problem> {
    let flushed = dependencies.ingest.flush().await?;
    let answer = FlushAnswer {
        rows: flushed.rows,
        parts: flushed.parts,
        wal_position: flushed.wal_position,
    };
    Ok(Json(answer).into_response())
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Compacted, example = json!({"merged": 8, "into": 1}))]
struct CompactAnswer {
    merged: usize,
    into: usize,
}

/// Merge small parts now
#[utoipa::path(post, path = "/api/v1/maintenance/compact", tag = "operate", responses((status = 200, description = "Committed.", body = CompactAnswer), Refusals))]
pub(crate) async fn compact(State(dependencies): State<Dependencies>) -> Result<Response, Problem> {
    let compacted = dependencies.ingest.compact().await?;
    Ok(Json(CompactAnswer {
        merged: compacted.merged,
        into: compacted.into,
    })
    .into_response())
}
