//! CORS (the Fetch standard) for pages that send telemetry. Origins that no living browser key lists get no header at all.

use axum::extract::Request;
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN,
    VARY,
};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use crawlspace_control::{Keys, WebOrigin};

use crate::problem::Problem;

const METHODS: HeaderValue = HeaderValue::from_static("POST");
const HEADERS: HeaderValue = HeaderValue::from_static(
    "authorization, x-crawlspace-key, content-type, content-encoding, traceparent, tracestate, baggage",
);
/// Browsers ask again after this, in seconds. A revoked key is refused before: each request is checked.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
const EXPOSED: HeaderValue = HeaderValue::from_static("retry-after");

/// What a browser says of the page that a request comes from. What is no text is no origin.
pub(super) fn origin(request: &Request) -> Option<&str> {
    Some(request.headers().get(ORIGIN)?.to_str().unwrap_or("?"))
}

/// Whether a page of another site has a browser fetch this. Pages can leave `Origin` out, but not what browsers say of
/// themselves ("Fetch Metadata"); following a link is no fetch.
pub(super) fn is_of_another_site(request: &Request) -> bool {
    let is = |name: &str, values: &[&str]| {
        let value = request.headers().get(name);
        value.is_some_and(|value| values.iter().any(|wanted| value == wanted))
    };
    is("sec-fetch-site", &["cross-site", "same-site"]) && !is("sec-fetch-dest", &["document"])
}

/// The request's origin, as it came, if any living browser key lists it.
pub(super) fn listed_origin(request: &Request, keys: &Keys) -> Option<HeaderValue> {
    let origin = WebOrigin::parse(origin(request)?).ok()?;
    keys.is_origin_listed(&origin)
        .then(|| request.headers().get(ORIGIN).cloned())?
}

pub(super) fn is_preflight(request: &Request) -> bool {
    let headers = request.headers();
    request.method() == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD)
}

/// Whether a page may send the request that it is about to. The key is not in this one.
pub(super) fn preflight(listed: Option<HeaderValue>) -> Response {
    if listed.is_none() {
        let detail = "no browser key lists the origin of this page: make one with `crawlspace key create --scope browser`";
        return Problem::with_status(StatusCode::FORBIDDEN, detail).into_response();
    }
    let headers = [
        (ACCESS_CONTROL_ALLOW_METHODS, METHODS),
        (ACCESS_CONTROL_ALLOW_HEADERS, HEADERS),
        (ACCESS_CONTROL_MAX_AGE, MAX_AGE),
    ];
    allow(listed, (StatusCode::NO_CONTENT, headers).into_response())
}

/// Lets the page read the answer, a refusal too.
pub(super) fn allow(listed: Option<HeaderValue>, mut response: Response) -> Response {
    if let Some(origin) = listed {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        headers.append(VARY, HeaderValue::from_static("origin"));
    }
    response
}
