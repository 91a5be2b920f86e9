//! Questions: SQL and the query API; below, one trace, fields, the live tail, and what data means.

pub(crate) mod compare;
pub(crate) mod entity;
pub(crate) mod fields;
pub(crate) mod map;
pub(crate) mod odd;
pub(crate) mod tail;
pub(crate) mod trace;

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use crawlspace_model::ErrorKind;
use crawlspace_query::{Asking, QueryRequest, parse_duration};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::answer::{AnswerBody, FormatParameters, Wanted};
use crate::body::{self, Unread};
use crate::problem::{Members, Problem, Refusals};
use crate::{Dependencies, answer};

/// The most bytes of a question.
const BODY_BYTES_MAX: usize = 1 << 20;

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"sql": "SELECT name, count(*) AS spans FROM spans GROUP BY name", "timeout": "10s"}))]
pub(crate) struct SqlRequest {
    /// One SELECT over `spans`, `logs`, `metrics` and `changes`.
    sql: String,
    /// How long it may take, like `10s`; at most ten minutes. Absent: 30 seconds.
    timeout: Option<String>,
    /// Rows to give at most, up to ten million. Absent: 100,000.
    rows_max: Option<usize>,
}

/// Answer a SELECT
///
/// The answer comes in the form that `Accept` or `format` names, row by row as it is found.
#[utoipa::path(
    post, path = "/api/v1/sql", tag = "ask", params(FormatParameters), request_body = SqlRequest,
    responses(
        (status = 200, description = "The rows, and what they rest on.", content(
            (AnswerBody = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"), (Vec<u8> = "application/vnd.apache.parquet"),
        )),
        (status = 406, description = "No such form of an answer.", body = Members, content_type = "application/problem+json"),
        Refusals
    )
)]
pub(crate) async fn sql(
    State(dependencies): State<Dependencies>,
    Wanted(format): Wanted,
    body: Body,
) -> Result<Response, Problem> {
    let request: SqlRequest = json_of(body).await?;
    let time_limit = request.timeout.as_deref().map(parse_duration).transpose()?;
    let asking = Asking {
        now: dependencies.clock.now(),
        time_limit,
        rows_max: request.rows_max,
        ..Asking::default()
    };
    let running = dependencies
        .engine
        .stream_users_sql(&request.sql, &asking)
        .await?;
    answer::response(running, format)
}

/// Filter, group, calculate
///
/// The answer comes in the form that `Accept` or `format` names, row by row as it is found. Events themselves (without
/// `group_by` and `calculate`) are given as OTLP, too: by `format=otlp`, one document of OTLP/JSON on each line.
#[utoipa::path(
    post, path = "/api/v1/query", tag = "ask", params(FormatParameters), request_body = QueryRequest,
    responses(
        (status = 200, description = "The rows, and what they rest on.", content(
            (AnswerBody = "application/json"), (String = "application/x-ndjson"), (String = "text/csv"),
            (Vec<u8> = "application/vnd.apache.arrow.stream"), (Vec<u8> = "application/vnd.apache.parquet"),
            (Vec<u8> = "application/x-protobuf"),
        )),
        (status = 406, description = "No such form of an answer.", body = Members, content_type = "application/problem+json"),
        Refusals
    )
)]
pub(crate) async fn query(
    State(dependencies): State<Dependencies>,
    Wanted(format): Wanted,
    body: Body,
) -> Result<Response, Problem> {
    let request: QueryRequest = json_of(body).await?;
    let asking = Asking {
        now: dependencies.clock.now(),
        ..Asking::default()
    };
    if let Some(content_type) = format.otlp() {
        let records = dependencies
            .engine
            .stream_records(&request, &asking)
            .await?;
        return answer::records(records, format, content_type);
    }
    let running = dependencies.engine.stream_query(&request, &asking).await?;
    answer::response(running, format)
}

/// The body as JSON, whatever its content type says.
pub(crate) async fn json_of<T: DeserializeOwned>(body: Body) -> Result<T, Problem> {
    let body = body::read(body, BODY_BYTES_MAX, &mut |_| Ok(())).await?;
    serde_json::from_slice(&body).map_err(|error| {
        Problem::new(
            ErrorKind::BadInput,
            format!("the body is not the JSON that belongs here: {error}"),
        )
    })
}

impl From<Unread> for Problem {
    fn from(unread: Unread) -> Self {
        Self::new(unread.kind, unread.detail)
    }
}
