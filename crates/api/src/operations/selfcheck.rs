//! The self-check: an event of its own is sent the way of all telemetry, and asked for as anybody would. What answers here
//! works from one end to the other.

use std::time::Instant;

use arrow::array::AsArray as _;
use arrow::datatypes::Int64Type;
use axum::Json;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use crawlspace_ingest::{ContentType, Door, Encoding, Origin, Request};
use crawlspace_model::{ErrorKind, Signal};
use serde::Serialize;
use serde_json::json;

use crate::Dependencies;
use crate::access::Caller;
use crate::problem::{Problem, Refusals};

/// The service and the event that it leaves behind, as a row of `logs`.
const SERVICE: &str = "crawlspace";
const EVENT: &str = "crawlspace.selfcheck";

/// How long each way took.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = SelfCheck, example = json!({"stored_ms": 3.1, "found_ms": 9.8}))]
struct SelfCheckAnswer {
    /// Until the event was acknowledged.
    stored_ms: f64,
    /// From then until it was found, once.
    found_ms: f64,
}

/// Write an event, and ask for it back
///
/// It is a row of `logs` with `service.name` `crawlspace`, and counted as everything is.
#[utoipa::path(post, path = "/api/v1/selfcheck", tag = "operate", responses((status = 200, description = "It was stored, and found once.", body = SelfCheckAnswer), Refusals))]
pub(crate) async fn selfcheck(
    State(dependencies): State<Dependencies>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    let began = Instant::now();
    // Whoever asks at the same nanosecond gets the other's event, and is answered all the same.
    let now = dependencies.clock.now().0;
    store(&dependencies, caller, now).await?;
    let stored = Instant::now();
    let sql = format!(
        "SELECT count(*) FROM logs WHERE event.name = '{EVENT}' AND selfcheck.number = {now}"
    );
    let answer = dependencies.engine.sql(&sql).await?;
    let found = answer.batches.first().map_or(0, |batch| {
        batch.column(0).as_primitive::<Int64Type>().value(0)
    });
    if found != 1 {
        let detail = format!("an event was acknowledged, and found {found} times when asked for");
        return Err(Problem::new(ErrorKind::Internal, detail));
    }
    let answer = SelfCheckAnswer {
        stored_ms: (stored - began).as_secs_f64() * 1e3,
        found_ms: stored.elapsed().as_secs_f64() * 1e3,
    };
    Ok(Json(answer).into_response())
}

async fn store(dependencies: &Dependencies, caller: Caller, now: i64) -> Result<(), Problem> {
    let text = |text: &str| json!({"stringValue": text});
    let body = json!({"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": text(SERVICE)}]},
        "scopeLogs": [{"logRecords": [{
            "timeUnixNano": now.to_string(),
            "eventName": EVENT,
            "severityNumber": 9,
            "severityText": "INFO",
            "body": text("the store was asked whether it works"),
            "attributes": [{"key": "selfcheck.number", "value": {"intValue": now.to_string()}}],
        }]}],
    }]});
    let body = Bytes::from(body.to_string());
    let reservation = dependencies.ingest.reserve(body.len())?;
    let request = Request {
        origin: Origin {
            door: Door::OtlpHttp,
            signal: Signal::Logs,
            key: caller.0,
            user_agent: format!("crawlspace/{}", env!("CARGO_PKG_VERSION")),
        },
        content_type: ContentType::Json,
        body,
        encoding: Encoding::Identity,
        reservation,
    };
    dependencies.ingest.accept(request).await?;
    Ok(())
}
