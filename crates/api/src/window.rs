//! The window: the files that a browser loads, and one page for all its addresses, which the page itself tells apart.
//! No key is asked for: there is no data in them.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{
    ACCEPT, ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY,
    CONTENT_TYPE, ETAG, IF_NONE_MATCH, REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;

use crate::Dependencies;
use crate::otlp::grpc;

const PAGE: &str = "index.html";
/// In the page.
const BASE: &str = "<base href=\"./\"";
/// Scripts are our own files alone. Styles are also set on single elements, as charts and menus have places.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
     font-src 'self'; connect-src 'self'; worker-src 'self'; object-src 'none'; base-uri 'self'; form-action 'none'; \
     frame-ancestors 'self'";
const WITHOUT_WINDOW: &str = include_str!("window/missing.html");

/// A file as it is kept in the program.
#[derive(Debug, Clone, Copy)]
pub struct WindowFile {
    pub content: &'static [u8],
    pub gzip: Option<&'static [u8]>,
}

/// The files by their paths.
#[derive(Debug, Default)]
pub struct Window(BTreeMap<&'static str, WindowFile>);

impl Window {
    #[must_use]
    pub fn new(files: impl IntoIterator<Item = (&'static str, WindowFile)>) -> Self {
        Self(files.into_iter().collect())
    }

    /// The page. It says itself where its files are, from its own address, so that a proxy may serve it all below any path:
    /// from an address further down, so many steps up.
    fn page(&self, path: &str, headers: &HeaderMap) -> Response {
        let steps = path.trim_start_matches('/').matches('/').count();
        let Some(page) = self.0.get(PAGE) else {
            return sent(WITHOUT_WINDOW.as_bytes().into(), PAGE, headers);
        };
        let page = String::from_utf8_lossy(page.content);
        let page = page.replace(
            BASE,
            &BASE.replace("./", &format!("./{}", "../".repeat(steps))),
        );
        sent(page.into_bytes().into(), PAGE, headers)
    }

    fn file(&self, path: &str, headers: &HeaderMap) -> Option<Response> {
        let path = path.trim_start_matches('/');
        let file = self.0.get(path).filter(|_| path != PAGE)?;
        let Some(gzip) = file.gzip.filter(|_| takes_gzip(headers)) else {
            return Some(sent(file.content.into(), path, headers));
        };
        let mut response = sent(gzip.into(), path, headers);
        if response.status() == StatusCode::OK {
            let encoding = HeaderValue::from_static("gzip");
            response.headers_mut().insert(CONTENT_ENCODING, encoding);
        }
        Some(response)
    }
}

/// Where no route is: a file of the window, its page if a browser asks for one, or what is said on unknown routes.
pub(crate) async fn file_or_page(
    State(dependencies): State<Dependencies>,
    request: Request,
) -> Response {
    let (path, headers) = (request.uri().path(), request.headers());
    if matches!(*request.method(), Method::GET | Method::HEAD) {
        if let Some(file) = dependencies.window.file(path, headers) {
            return file;
        }
        if is_page(path) && wants_page(headers) {
            return dependencies.window.page(path, headers);
        }
    }
    grpc::unknown_route(request.uri().clone(), headers.clone()).await
}

/// The page at the top, if a browser asks.
pub(crate) fn top(dependencies: &Dependencies, headers: &HeaderMap) -> Option<Response> {
    wants_page(headers).then(|| dependencies.window.page("/", headers))
}

/// Whether it may be an address of the window: what is neither the API's nor a file.
fn is_page(path: &str) -> bool {
    let is_of_api = ["/api/", "/v1/", "/assets/"];
    !is_of_api.iter().any(|of_api| path.starts_with(of_api))
}

/// Browsers name HTML when an address is opened; programs do not.
fn wants_page(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).into_iter();
    accepted
        .filter_map(|accepted| accepted.to_str().ok())
        .any(|accepted| accepted.contains("text/html"))
}

fn takes_gzip(headers: &HeaderMap) -> bool {
    let accepted = headers.get(ACCEPT_ENCODING);
    let accepted = accepted.and_then(|accepted| accepted.to_str().ok());
    accepted.is_some_and(|accepted| {
        accepted.split(',').any(|one| {
            let (name, quality) = one.split_once(';').unwrap_or((one, ""));
            name.trim() == "gzip" && quality.replace(' ', "") != "q=0"
        })
    })
}

fn sent(content: Bytes, path: &str, headers: &HeaderMap) -> Response {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    let tag = format!("\"{:016x}\"", hasher.finish());
    let is_known = headers.get_all(IF_NONE_MATCH).into_iter().any(|known| {
        let known = known.to_str().unwrap_or_default();
        known.split(',').any(|known| known.trim() == tag)
    });
    // Names of assets have the hash of their content in them.
    let kept = match path.starts_with("assets/") {
        true => "public, max-age=31536000, immutable",
        false => "no-cache",
    };
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Body::from(content).into_response(),
    };
    let mut set = |name: HeaderName, value: &str| {
        let value = HeaderValue::from_str(value).expect("these are of printable ASCII");
        response.headers_mut().insert(name, value);
    };
    set(ETAG, &tag);
    set(CACHE_CONTROL, kept);
    set(VARY, "accept, accept-encoding");
    set(CONTENT_TYPE, content_type(path));
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(REFERRER_POLICY, "same-origin");
    set(CONTENT_SECURITY_POLICY, POLICY);
    response
}

fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, extension)| extension) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("json" | "map") => "application/json",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("woff2") => "font/woff2",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests;
