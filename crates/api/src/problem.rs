//! Refusals as RFC 9457 problem bodies, and the table from error kinds to HTTP statuses.

use std::any::Any;
use std::collections::BTreeMap;

use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use crawlspace_model::ErrorKind;
use crawlspace_model::id::IdError;
use serde::Serialize;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, ResponseBuilder};

/// After what the same request may succeed.
pub(crate) const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// The status that tells a client to do what `kind` asks for.
pub(crate) fn status_of(kind: ErrorKind) -> StatusCode {
    match kind {
        ErrorKind::BadInput => StatusCode::BAD_REQUEST,
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::Forbidden => StatusCode::FORBIDDEN,
        ErrorKind::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorKind::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::Corrupt | ErrorKind::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// What was wrong, for the client.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
    suggestion: Option<String>,
    /// Line and column in the text that was sent, from 1.
    position: Option<(u64, u64)>,
}

impl Problem {
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self::with_status(status_of(kind), detail)
    }

    pub fn not_acceptable(detail: impl Into<String>) -> Self {
        Self::with_status(StatusCode::NOT_ACCEPTABLE, detail)
    }

    /// The problem's body.
    pub fn to_json(&self) -> Vec<u8> {
        let members = Members {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: &self.detail,
            suggestion: self.suggestion.as_deref(),
            line: self.position.map(|(line, _)| line),
            column: self.position.map(|(_, column)| column),
        };
        serde_json::to_vec(&members).expect("texts and numbers have a JSON form")
    }

    pub fn with_status(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: detail.into(),
            suggestion: None,
            position: None,
        }
    }
}

impl From<crawlspace_query::Error> for Problem {
    fn from(error: crawlspace_query::Error) -> Self {
        Self {
            suggestion: error.suggestion().map(str::to_owned),
            position: error.position(),
            ..Self::new(error.kind(), error.to_string())
        }
    }
}

impl From<crawlspace_insight::Error> for Problem {
    fn from(error: crawlspace_insight::Error) -> Self {
        match error {
            crawlspace_insight::Error::Query(error) => error.into(),
            error => Self::new(error.kind(), error.to_string()),
        }
    }
}

impl From<crawlspace_ingest::Error> for Problem {
    fn from(error: crawlspace_ingest::Error) -> Self {
        Self::new(error.kind(), error.to_string())
    }
}

impl From<crawlspace_lake::Error> for Problem {
    fn from(error: crawlspace_lake::Error) -> Self {
        Self::new(error.kind(), error.to_string())
    }
}

impl From<IdError> for Problem {
    fn from(error: IdError) -> Self {
        Self::new(error.kind(), error.to_string())
    }
}

/// A refusal (RFC 9457).
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Problem, example = json!({
    "type": "about:blank", "title": "Bad Request", "status": 400,
    "detail": "unknown field `durationns`: did you mean `duration_ns`?", "suggestion": "duration_ns"
}))]
pub(crate) struct Members<'a> {
    r#type: &'static str,
    title: &'static str,
    status: u16,
    /// What is wrong, and what to do.
    detail: &'a str,
    /// The name that was probably meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    suggestion: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// Where in the text that was sent, from 1.
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u64>,
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status;
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(detail = self.detail, "a request failed");
        }
        let body = self.to_json();
        let mut response = (status, body).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, RETRY_AFTER_SECONDS);
        }
        response
    }
}

/// The refusals that a route's description lists beside its answers.
pub(crate) struct Refusals;

impl utoipa::IntoResponses for Refusals {
    fn responses() -> BTreeMap<String, RefOr<utoipa::openapi::Response>> {
        let refusals = [
            (400, "The request is wrong: change it as `detail` says."),
            (413, "The request, or the memory it takes, is over a limit."),
            (500, "A defect of Crawlspace's, or damaged data."),
            (
                503,
                "Closing, busy, or the disk can't be written: try again after `Retry-After` seconds.",
            ),
        ];
        let response = |description: &str| {
            let problem = Ref::from_schema_name("Problem");
            let content = ContentBuilder::new().schema(Some(problem)).build();
            ResponseBuilder::new()
                .description(description)
                .content("application/problem+json", content)
                .build()
        };
        refusals
            .map(|(status, description)| (status.to_string(), response(description).into()))
            .into()
    }
}

pub(crate) async fn unknown_route(uri: Uri) -> Problem {
    let path = uri.path();
    Problem::new(
        ErrorKind::NotFound,
        format!("there is no `{path}`: GET / lists the routes"),
    )
}

pub(crate) async fn wrong_method(method: Method, uri: Uri) -> Problem {
    let detail = format!(
        "`{}` does not take {method}: GET / lists the routes",
        uri.path()
    );
    Problem::with_status(StatusCode::METHOD_NOT_ALLOWED, detail)
}

pub(crate) fn panicked(panic: Box<dyn Any + Send + 'static>) -> Response<Body> {
    Problem::new(ErrorKind::Internal, panic_message(panic.as_ref())).into_response()
}

pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    format!("a defect of crawlspace stopped this request: {text}")
}
