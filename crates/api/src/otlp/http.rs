//! OTLP/HTTP: a route per signal, protobuf and JSON by content type.

use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::header::{CONTENT_ENCODING, CONTENT_TYPE, USER_AGENT};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use crawlspace_ingest::{ContentType, Door, Ingest, Origin};
use crawlspace_model::Signal;
use crawlspace_model::account::Reason;

use super::refusal::{Refusals, media_type};
use super::{BODY_BYTES_MAX, Language, Message, Refusal, answer, encoding_of, read, text_of};
use crate::Dependencies;
use crate::access::Caller;

/// Take spans: an OTLP `ExportTraceServiceRequest`
#[utoipa::path(
    post, path = "/v1/traces", tag = "send",
    request_body(description = "An `ExportTraceServiceRequest`; plain, gzip, zstd or deflate.", content((Vec<u8> = "application/x-protobuf"), (Object = "application/json"))),
    responses(
        (status = 200, description = "On disk, and seen by queries. `partial_success` counts what was refused. In the form of the request.", content((Vec<u8> = "application/x-protobuf"), (Object = "application/json"))),
        Refusals
    )
)]
pub(crate) async fn traces(
    State(dependencies): State<Dependencies>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    export(&dependencies.ingest, Signal::Traces, caller, &headers, body).await
}

/// Take log records: an OTLP `ExportLogsServiceRequest`
#[utoipa::path(
    post, path = "/v1/logs", tag = "send",
    request_body(description = "An `ExportLogsServiceRequest`; plain, gzip, zstd or deflate.", content((Vec<u8> = "application/x-protobuf"), (Object = "application/json"))),
    responses(
        (status = 200, description = "As for `/v1/traces`.", content((Vec<u8> = "application/x-protobuf"), (Object = "application/json"))),
        Refusals
    )
)]
pub(crate) async fn logs(
    State(dependencies): State<Dependencies>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    export(&dependencies.ingest, Signal::Logs, caller, &headers, body).await
}

/// Take data points of metrics: an OTLP `ExportMetricsServiceRequest`
#[utoipa::path(
    post, path = "/v1/metrics", operation_id = "send_metrics", tag = "send",
    request_body(description = "An `ExportMetricsServiceRequest`; plain, gzip, zstd or deflate.", content((Vec<u8> = "application/x-protobuf"), (Object = "application/json"))),
    responses(
        (status = 200, description = "As for `/v1/traces`.", content((Vec<u8> = "application/x-protobuf"), (Object = "application/json"))),
        Refusals
    )
)]
pub(crate) async fn metrics(
    State(dependencies): State<Dependencies>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    export(
        &dependencies.ingest,
        Signal::Metrics,
        caller,
        &headers,
        body,
    )
    .await
}

async fn export(
    ingest: &Ingest,
    signal: Signal,
    caller: Caller,
    headers: &HeaderMap,
    body: Body,
) -> Response {
    let language = Language::of(headers);
    let origin = Origin {
        door: Door::OtlpHttp,
        signal,
        key: caller.0,
        user_agent: text_of(headers, &USER_AGENT).to_owned(),
    };
    let message = message(ingest, headers, body).await;
    match super::accept(ingest, origin, message).await {
        Ok(accepted) => {
            let body = match language {
                Language::Json => answer::to_json(signal, &accepted),
                Language::Protobuf | Language::Grpc => answer::to_protobuf(&accepted),
            };
            let content_type = [(CONTENT_TYPE, language.content_type())];
            (StatusCode::OK, content_type, body).into_response()
        }
        Err(refusal) => refusal.into_response(language),
    }
}

async fn message(ingest: &Ingest, headers: &HeaderMap, body: Body) -> Result<Message, Refusal> {
    let content_type = content_type_of(headers)?;
    let encoding = encoding_of(headers, &CONTENT_ENCODING)?;
    let (bytes, reservation) = read(ingest, body, BODY_BYTES_MAX).await?;
    Ok(Message {
        content_type,
        encoding,
        bytes,
        reservation,
    })
}

fn content_type_of(headers: &HeaderMap) -> Result<ContentType, Refusal> {
    match media_type(headers).as_str() {
        "application/x-protobuf" => Ok(ContentType::Protobuf),
        "application/json" => Ok(ContentType::Json),
        other => Err(Refusal::new(
            Reason::Unsupported,
            format!(
                "content type `{other}` is not taken: send application/x-protobuf or application/json"
            ),
        )),
    }
}
