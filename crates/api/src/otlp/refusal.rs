//! Requests for telemetry that were not taken, told in the caller's language: one table from reasons to the statuses of
//! HTTP and gRPC.

use std::any::Any;
use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::header::{ACCEPT_ENCODING, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use crawlspace_model::ErrorKind;
use crawlspace_model::account::Reason;
use prost::Message as _;
use serde_json::json;
use utoipa::openapi::{RefOr, ResponseBuilder};

use super::{grpc, text_of};
use crate::body::Unread;
use crate::problem::{RETRY_AFTER_SECONDS, panic_message};

/// The encodings that both transports take.
pub(super) const ENCODINGS: HeaderValue = HeaderValue::from_static("gzip, zstd, deflate, identity");
const PROTOBUF: HeaderValue = HeaderValue::from_static("application/x-protobuf");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub(crate) const CHALLENGE: HeaderValue = HeaderValue::from_static("Bearer");

/// How a caller speaks, and so wants to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Protobuf,
    Json,
    Grpc,
}

impl Language {
    /// By the content type; protobuf for any that is not taken.
    pub fn of(headers: &HeaderMap) -> Self {
        let media_type = media_type(headers);
        if is_grpc(&media_type) {
            Self::Grpc
        } else if media_type == "application/json" {
            Self::Json
        } else {
            Self::Protobuf
        }
    }

    /// The content type of a body over HTTP.
    pub(super) fn content_type(self) -> HeaderValue {
        match self {
            Self::Json => JSON,
            Self::Protobuf | Self::Grpc => PROTOBUF,
        }
    }
}

/// `application/grpc`, or with the name of an encoding of messages behind it.
pub(super) fn is_grpc(media_type: &str) -> bool {
    media_type
        .strip_prefix("application/grpc")
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('+'))
}

/// The content type without its parameters, in lower case.
pub(super) fn media_type(headers: &HeaderMap) -> String {
    let content_type = text_of(headers, &CONTENT_TYPE);
    let media_type = content_type.split(';').next().unwrap_or_default();
    media_type.trim().to_ascii_lowercase()
}

/// `google.rpc.Status`, the body of every OTLP refusal.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct RpcStatus {
    #[prost(int32, tag = "1")]
    pub code: i32,
    #[prost(string, tag = "2")]
    pub message: String,
    #[prost(message, repeated, tag = "3")]
    pub details: Vec<Detail>,
}

/// `google.protobuf.Any`.
#[derive(Clone, PartialEq, prost::Message)]
pub(crate) struct Detail {
    #[prost(string, tag = "1")]
    pub type_url: String,
    #[prost(bytes = "vec", tag = "2")]
    pub value: Vec<u8>,
}

/// `google.rpc.RetryInfo` with a whole number of seconds.
#[derive(Clone, PartialEq, prost::Message)]
struct RetryInfo {
    #[prost(message, optional, tag = "1")]
    retry_delay: Option<Seconds>,
}

/// `google.protobuf.Duration` without its fraction.
#[derive(Clone, PartialEq, prost::Message)]
struct Seconds {
    #[prost(int64, tag = "1")]
    seconds: i64,
}

/// A request that was not taken.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub reason: Reason,
    pub message: String,
}

impl Refusal {
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self {
            reason,
            message: message.into(),
        }
    }

    /// The statuses of HTTP and of gRPC (`google/rpc/code.proto`). Clients send again after 429, 503 and UNAVAILABLE,
    /// and throw the data away after all others: never 500, whatever went wrong here.
    pub(super) fn status(&self) -> (StatusCode, i32) {
        const INVALID_ARGUMENT: i32 = 3;
        const PERMISSION_DENIED: i32 = 7;
        const RESOURCE_EXHAUSTED: i32 = 8;
        const UNIMPLEMENTED: i32 = 12;
        const UNAVAILABLE: i32 = 14;
        const UNAUTHENTICATED: i32 = 16;
        match self.reason {
            Reason::Undecodable | Reason::InvalidRecord => {
                (StatusCode::BAD_REQUEST, INVALID_ARGUMENT)
            }
            Reason::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, RESOURCE_EXHAUSTED),
            Reason::Unsupported => (StatusCode::UNSUPPORTED_MEDIA_TYPE, UNIMPLEMENTED),
            Reason::Unauthorized => (StatusCode::UNAUTHORIZED, UNAUTHENTICATED),
            Reason::Forbidden => (StatusCode::FORBIDDEN, PERMISSION_DENIED),
            Reason::OverLimit => (StatusCode::TOO_MANY_REQUESTS, UNAVAILABLE),
            Reason::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE),
        }
    }

    /// As `google.rpc.Status`; with the time to wait where the same request may succeed later, and only there.
    pub(super) fn to_rpc_status(&self) -> RpcStatus {
        let retry = RetryInfo {
            retry_delay: Some(Seconds { seconds: 1 }),
        };
        let retry = Detail {
            type_url: "type.googleapis.com/google.rpc.RetryInfo".to_owned(),
            value: retry.encode_to_vec(),
        };
        RpcStatus {
            code: self.status().1,
            message: self.message.clone(),
            details: Vec::from_iter(self.reason.is_temporary().then_some(retry)),
        }
    }

    pub fn into_response(self, language: Language) -> Response {
        if language == Language::Grpc {
            return grpc::refused(&self);
        }
        let status = self.status().0;
        let body = if language == Language::Json {
            json!({"code": self.status().1, "message": self.message})
                .to_string()
                .into_bytes()
        } else {
            self.to_rpc_status().encode_to_vec()
        };
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, language.content_type());
        if self.reason.is_temporary() {
            headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        match self.reason {
            Reason::Unsupported => _ = headers.insert(ACCEPT_ENCODING, ENCODINGS),
            Reason::Unauthorized => _ = headers.insert(WWW_AUTHENTICATE, CHALLENGE),
            _ => {}
        }
        response
    }
}

impl From<crawlspace_ingest::Error> for Refusal {
    fn from(error: crawlspace_ingest::Error) -> Self {
        let refusal = Self::new(error.reason(), error.to_string());
        if matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::Internal) {
            tracing::error!(message = refusal.message, "a telemetry request failed");
        }
        refusal
    }
}

impl From<Unread> for Refusal {
    fn from(unread: Unread) -> Self {
        Self::new(Reason::of(unread.kind), unread.detail)
    }
}

/// The refusals that a route's description lists.
pub(crate) struct Refusals;

impl utoipa::IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let refusals = [
            (400, "No such message, or damaged: drop it."),
            (401, "The key is missing, unknown or revoked."),
            (403, "The key may not send from here."),
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

/// The answer where a handler for `language` panicked.
pub(crate) fn panicked(
    language: Language,
) -> impl Fn(Box<dyn Any + Send + 'static>) -> Response<Body> + Clone {
    move |panic| {
        let refusal = Refusal::new(Reason::Unavailable, panic_message(panic.as_ref()));
        tracing::error!(message = refusal.message, "a telemetry request failed");
        refusal.into_response(language)
    }
}
