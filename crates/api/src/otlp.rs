//! OTLP over HTTP (specification 1.11, "OTLP/HTTP"): traces as protobuf. Answers, refusals too, are OTLP's own.

use std::any::Any;
use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE, RETRY_AFTER, USER_AGENT,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use crawlspace_ingest::{
    Accepted, ContentType, Door, Encoding, Ingest, Origin, Request, Reservation,
};
use crawlspace_model::account::Reason;
use crawlspace_model::{ErrorKind, Signal};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message;
use utoipa::openapi::{RefOr, ResponseBuilder};

use crate::Dependencies;
use crate::body::{self, Unread};
use crate::problem::{RETRY_AFTER_SECONDS, panic_message, status_of};

const BODY_BYTES_MAX: usize = 64 << 20;
const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
const ENCODINGS: HeaderValue = HeaderValue::from_static("gzip, identity");

/// Take spans: an OTLP `ExportTraceServiceRequest`
#[utoipa::path(
    post, path = "/v1/traces", tag = "send",
    request_body(description = "An `ExportTraceServiceRequest`.", content((Vec<u8> = "application/x-protobuf"))),
    responses(
        (status = 200, description = "On disk, and seen by queries. `partial_success` counts what was refused.", body = Vec<u8>, content_type = "application/x-protobuf"),
        Refusals
    )
)]
pub(crate) async fn traces(
    State(dependencies): State<Dependencies>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    let origin = Origin {
        door: Door::OtlpHttp,
        signal: Signal::Traces,
        key: 0,
        user_agent: text_of(&headers, &USER_AGENT).to_owned(),
    };
    let accepted = accept_traces(&dependencies.ingest, origin, &headers, body).await?;
    let Accepted {
        rejected, messages, ..
    } = accepted;
    let partial_success =
        (rejected > 0 || !messages.is_empty()).then(|| ExportTracePartialSuccess {
            rejected_spans: i64::try_from(rejected).unwrap_or(i64::MAX),
            error_message: messages.join("; "),
        });
    let answer = ExportTraceServiceResponse { partial_success };
    Ok(([(CONTENT_TYPE, PROTOBUF)], answer.encode_to_vec()).into_response())
}

async fn accept_traces(
    ingest: &Ingest,
    origin: Origin,
    headers: &HeaderMap,
    body: Body,
) -> Result<Accepted, Refusal> {
    let (encoding, body, reservation) = read(ingest, headers, body)
        .await
        .inspect_err(|refusal| ingest.refuse(&origin, refusal.reason(), &refusal.message))?;
    Ok(ingest
        .accept(Request {
            origin,
            content_type: ContentType::Protobuf,
            body,
            encoding,
            reservation,
        })
        .await?)
}

/// The request's bytes, as far as its head and its length are fine.
async fn read(
    ingest: &Ingest,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Encoding, Bytes, Reservation), Refusal> {
    check_content_type(headers)?;
    let encoding = encoding_of(headers)?;
    let mut reservation = ingest.reserve(0)?;
    let body = body::read(body, BODY_BYTES_MAX, &mut |bytes| {
        Ok(reservation.grow(bytes)?)
    })
    .await?;
    Ok((encoding, body, reservation))
}

fn check_content_type(headers: &HeaderMap) -> Result<(), Refusal> {
    let media_type = text_of(headers, &CONTENT_TYPE)
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_owned();
    if media_type.eq_ignore_ascii_case("application/x-protobuf") {
        return Ok(());
    }
    Err(Refusal::unsupported(
        if media_type.eq_ignore_ascii_case("application/json") {
            "OTLP/JSON is not taken yet: set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf".to_owned()
        } else {
            format!("content type `{media_type}` is not taken: send application/x-protobuf")
        },
    ))
}

fn encoding_of(headers: &HeaderMap) -> Result<Encoding, Refusal> {
    match text_of(headers, &CONTENT_ENCODING)
        .to_ascii_lowercase()
        .as_str()
    {
        "" | "identity" => Ok(Encoding::Identity),
        "gzip" | "x-gzip" => Ok(Encoding::Gzip),
        other => Err(Refusal::unsupported(format!(
            "content encoding `{other}` is not taken: send gzip or none"
        ))),
    }
}

fn text_of<'a>(headers: &'a HeaderMap, name: &HeaderName) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .trim()
}

/// `google.rpc.Status`, the body of every OTLP refusal.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
}

/// The codes of `google/rpc/code.proto`.
mod code {
    pub const INVALID_ARGUMENT: i32 = 3;
    pub const NOT_FOUND: i32 = 5;
    pub const RESOURCE_EXHAUSTED: i32 = 8;
    pub const UNAVAILABLE: i32 = 14;
}

/// The refusals that a route's description lists.
pub(crate) struct Refusals;

impl utoipa::IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let refusals = [
            (400, "No such message, or damaged: drop it."),
            (
                413,
                "Too large before or after decompression: send less at a time.",
            ),
            (415, "Another content type or encoding."),
            (
                503,
                "Our trouble: send it again after `Retry-After` seconds.",
            ),
        ];
        let response = |description: &str| {
            let description = format!("{description} A `google.rpc.Status`.");
            ResponseBuilder::new().description(description).build()
        };
        refusals
            .map(|(status, description)| (status.to_string(), response(description).into()))
            .into()
    }
}

/// A request that was not taken.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: i32,
    message: String,
}

impl Refusal {
    fn new(kind: ErrorKind, message: String) -> Self {
        let (kind, code) = match kind {
            ErrorKind::BadInput => (kind, code::INVALID_ARGUMENT),
            ErrorKind::NotFound => (kind, code::NOT_FOUND),
            ErrorKind::TooLarge => (kind, code::RESOURCE_EXHAUSTED),
            ErrorKind::Unavailable => (kind, code::UNAVAILABLE),
            ErrorKind::Corrupt | ErrorKind::Internal => {
                tracing::error!(message, "a telemetry request failed");
                // Clients throw data away on a 500: our own trouble must read as "send it again".
                (ErrorKind::Unavailable, code::UNAVAILABLE)
            }
        };
        Self {
            status: status_of(kind),
            code,
            message,
        }
    }

    /// Under which heading the ledger has it.
    fn reason(&self) -> Reason {
        match self.status {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => Reason::Unsupported,
            StatusCode::PAYLOAD_TOO_LARGE => Reason::TooLarge,
            StatusCode::SERVICE_UNAVAILABLE => Reason::Unavailable,
            _ => Reason::Undecodable,
        }
    }

    fn unsupported(message: String) -> Self {
        Self {
            status: StatusCode::UNSUPPORTED_MEDIA_TYPE,
            code: code::INVALID_ARGUMENT,
            message,
        }
    }
}

impl From<crawlspace_ingest::Error> for Refusal {
    fn from(error: crawlspace_ingest::Error) -> Self {
        Self::new(error.kind(), error.to_string())
    }
}

impl From<Unread> for Refusal {
    fn from(unread: Unread) -> Self {
        Self::new(unread.kind, unread.detail)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self {
            status,
            code,
            message,
        } = self;
        let mut response = (status, RpcStatus { code, message }.encode_to_vec()).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, PROTOBUF);
        match status {
            StatusCode::SERVICE_UNAVAILABLE => _ = headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => _ = headers.insert(ACCEPT_ENCODING, ENCODINGS),
            _ => {}
        }
        response
    }
}

pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response<Body> {
    Refusal::new(ErrorKind::Internal, panic_message(panic.as_ref())).into_response()
}
