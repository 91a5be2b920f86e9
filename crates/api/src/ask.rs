//! Questions: SQL, the query API, one trace.

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use crawlspace_model::ErrorKind;
use crawlspace_model::id::TraceId;
use crawlspace_query::{QueryRequest, Trace};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::answer::AnswerBody;
use crate::body::{self, Unread};
use crate::problem::{Members, Problem, Refusals};
use crate::{Dependencies, answer};

/// The most bytes of a question.
const BODY_BYTES_MAX: usize = 1 << 20;

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"sql": "SELECT name, count(*) AS spans FROM spans GROUP BY name"}))]
pub(crate) struct SqlRequest {
    /// One SELECT over `spans`, `logs`, `metrics` and `changes`.
    sql: String,
}

/// Answer a SELECT
#[utoipa::path(
    post, path = "/api/v1/sql", tag = "ask", request_body = SqlRequest,
    responses((status = 200, description = "The rows, and what they rest on.", body = AnswerBody), Refusals)
)]
pub(crate) async fn sql(
    State(dependencies): State<Dependencies>,
    body: Body,
) -> Result<Response, Problem> {
    let request: SqlRequest = json_of(body).await?;
    Ok(answer::response(
        dependencies.engine.sql(&request.sql).await?,
    ))
}

/// Filter, group, calculate
#[utoipa::path(
    post, path = "/api/v1/query", tag = "ask", request_body = QueryRequest,
    responses((status = 200, description = "The rows, and what they rest on.", body = AnswerBody), Refusals)
)]
pub(crate) async fn query(
    State(dependencies): State<Dependencies>,
    body: Body,
) -> Result<Response, Problem> {
    let request: QueryRequest = json_of(body).await?;
    let now = dependencies.clock.now();
    Ok(answer::response(
        dependencies.engine.query(&request, now).await?,
    ))
}

/// One trace with all its spans
#[utoipa::path(
    get, path = "/api/v1/traces/{id}", tag = "ask",
    params(("id" = String, Path, description = "32 hex digits of any case, a UUID, or a whole `traceparent`.", example = "4bf92f3577b34da6a3ce929d0e0e4736")),
    responses(
        (status = 200, description = "All spans that are there, by start.", body = Trace),
        (status = 404, description = "No span of the trace is there.", body = Members, content_type = "application/problem+json"),
        Refusals
    )
)]
pub(crate) async fn trace(
    State(dependencies): State<Dependencies>,
    Path(id): Path<String>,
) -> Result<Json<Trace>, Problem> {
    let id = TraceId::parse(&id)?;
    let trace = dependencies.engine.trace(id).await?;
    trace
        .map(Json)
        .ok_or_else(|| Problem::new(ErrorKind::NotFound, format!("there is no trace `{id}`")))
}

/// The body as JSON, whatever its content type says.
async fn json_of<T: DeserializeOwned>(body: Body) -> Result<T, Problem> {
    let body = body::read(body, BODY_BYTES_MAX, &mut |_| Ok(())).await?;
    serde_json::from_slice(&body).map_err(|error| {
        Problem::new(
            ErrorKind::BadInput,
            format!("the body is not the JSON of a question: {error}"),
        )
    })
}

impl From<Unread> for Problem {
    fn from(unread: Unread) -> Self {
        Self::new(unread.kind, unread.detail)
    }
}
