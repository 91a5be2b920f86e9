//! One trace: whole, as an outline, or what one of its spans has.

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use crawlspace_model::id::{SpanId, TraceId};
use crawlspace_model::{ErrorKind, Signal};
use crawlspace_query::{Trace, TraceOutline};
use crawlspace_wire::otlp::{ContentType, encode};
use serde::Deserialize;

use crate::Dependencies;
use crate::answer::{Format, FormatParameters, Wanted};
use crate::parameters::Parameters;
use crate::problem::{Members, Problem, Refusals};

/// How much of the trace is wanted.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct TraceParameters {
    /// `outline`: what a picture of the trace needs, in lists: a tenth of the whole, and there sooner. JSON only.
    view: Option<View>,
    /// Only what this span has, with its events and log records: 16 hex digits. JSON only.
    #[param(example = "00f067aa0ba902b7")]
    span_id: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum View {
    Outline,
}

/// One trace with all its spans and log records
///
/// As JSON, or as OTLP: `?format=otlp` for one document of OTLP/JSON, `Accept: application/x-protobuf` for one
/// `TracesData`.
#[utoipa::path(
    get, path = "/api/v1/traces/{id}", tag = "ask",
    params(("id" = String, Path, description = "32 hex digits of any case, a UUID, or a whole `traceparent`.", example = "4bf92f3577b34da6a3ce929d0e0e4736"), TraceParameters, FormatParameters),
    responses(
        (status = 200, description = "All spans and log records that are there, by time; a `TraceOutline` with `view=outline`.", content(
            (TraceAnswer = "application/json"), (Vec<u8> = "application/x-protobuf"),
        )),
        (status = 404, description = "Nothing of the trace, or of the span, is there.", body = Members, content_type = "application/problem+json"),
        (status = 406, description = "No such form of a trace.", body = Members, content_type = "application/problem+json"),
        Refusals
    )
)]
pub(crate) async fn trace(
    State(dependencies): State<Dependencies>,
    Path(id): Path<String>,
    Parameters(parameters): Parameters<TraceParameters>,
    Wanted(format): Wanted,
) -> Result<Response, Problem> {
    let id = TraceId::parse(&id)?;
    let span = parameters
        .span_id
        .as_deref()
        .map(SpanId::parse)
        .transpose()?;
    let absent = || Problem::new(ErrorKind::NotFound, format!("there is no trace `{id}`"));
    let is_part = parameters.view.is_some() || span.is_some();
    let engine = &dependencies.engine;
    if let Some(content_type) = format.otlp().filter(|_| !is_part) {
        let trace = engine.trace_records(id).await?.ok_or_else(absent)?;
        let media_type = match content_type {
            ContentType::Json => Format::Json.media_type(),
            ContentType::Protobuf => format.media_type(),
        };
        let body = encode(Signal::Traces, content_type, &[trace.spans], &[trace.logs]);
        return Ok(([(CONTENT_TYPE, media_type)], body).into_response());
    }
    if format != Format::Json {
        let detail = match is_part {
            true => "an outline and a single span are given as json only",
            false => "a trace is given as json, otlp or otlp-protobuf: ask for one of these",
        };
        return Err(Problem::not_acceptable(detail.to_owned()));
    }
    let answer = match (parameters.view, span) {
        (Some(View::Outline), Some(_)) => {
            let detail = "`view=outline` is of a whole trace: leave out `span_id`".to_owned();
            return Err(Problem::new(ErrorKind::BadInput, detail));
        }
        (Some(View::Outline), None) => {
            let outline = engine.trace_outline(id).await?;
            TraceAnswer::Outline(outline.ok_or_else(absent)?)
        }
        (None, None) => TraceAnswer::Whole(engine.trace(id, None).await?.ok_or_else(absent)?),
        (None, Some(span)) => {
            let found = engine.trace(id, Some(span)).await?;
            let absent = || format!("there is no span `{span}` in a trace `{id}`");
            TraceAnswer::Whole(found.ok_or_else(|| Problem::new(ErrorKind::NotFound, absent()))?)
        }
    };
    Ok(Json(answer).into_response())
}

/// A trace in the view that was asked for.
#[derive(serde::Serialize, utoipa::ToSchema)]
#[serde(untagged)]
enum TraceAnswer {
    Whole(Trace),
    Outline(TraceOutline),
}
