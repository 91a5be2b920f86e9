//! The description of this API (OpenAPI 3.1), made from the routes themselves.

use std::sync::LazyLock;

use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use crawlspace_control::Access;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use crate::access::{Schemes, describe};
use crate::problem::Members;

/// What is said of the API as a whole.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Crawlspace",
        description = "Keeps telemetry, answers questions. In words: docs/reference/http-api.md."
    ),
    servers((url = "http://127.0.0.1:4320")),
    tags(
        (name = "send", description = "Ways in for telemetry"),
        (name = "ask", description = "Questions and answers"),
        (name = "keep", description = "What a team keeps together"),
        (name = "keys", description = "Who may do what"),
        (name = "operate", description = "Health and maintenance"),
    ),
    components(schemas(Members)),
    modifiers(&Schemes)
)]
struct Whole;

/// Everything that the main port answers, as indented JSON.
pub(crate) static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    let mut routes = OpenApiRouter::with_openapi(Whole::openapi())
        .merge(describe(crate::ingest_routes(), Access::Send))
        .merge(crate::open_routes());
    for (access, group) in crate::guarded_routes() {
        routes = routes.merge(describe(group, access));
    }
    let document = routes.into_openapi();
    document
        .to_pretty_json()
        .expect("a document has a JSON form")
        + "\n"
});

/// This API, described by OpenAPI 3.1
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "operate", responses((status = 200, description = "The document.", body = Object)))]
pub(crate) async fn document() -> impl IntoResponse {
    let json = HeaderValue::from_static("application/json");
    ([(CONTENT_TYPE, json)], DOCUMENT.as_str())
}

#[cfg(test)]
mod tests;
