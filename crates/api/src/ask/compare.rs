//! What is different about some events.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use crawlspace_insight::compare::{CompareRequest, Comparison};

use super::json_of;
use crate::Dependencies;
use crate::problem::{Problem, Refusals};

/// What is different about some events
///
/// All fields of all events of the selection, against those of the baseline. What differs comes with a sentence, the
/// largest effect first, and with the SQL that gives its numbers again.
#[utoipa::path(
    post, path = "/api/v1/compare", tag = "ask", request_body = CompareRequest,
    responses((status = 200, description = "The verdict, and what it rests on.", body = Comparison), Refusals)
)]
pub(crate) async fn compare(
    State(dependencies): State<Dependencies>,
    body: Body,
) -> Result<Json<Comparison>, Problem> {
    let request: CompareRequest = json_of(body).await?;
    let now = dependencies.clock.now();
    Ok(Json(dependencies.insight.compare(&request, now).await?))
}
