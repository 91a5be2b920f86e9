use axum::body::to_bytes;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::{Window, WindowFile, is_page, takes_gzip, wants_page};

fn window() -> Window {
    let file = |content: &'static str, gzip: Option<&'static str>| WindowFile {
        content: content.as_bytes(),
        gzip: gzip.map(str::as_bytes),
    };
    Window::new([
        (
            "index.html",
            file("<base href=\"./\" /><script src=\"./a.js\">", None),
        ),
        ("assets/a-1.js", file("script", Some("packed"))),
    ])
}

fn headers(pairs: &[(header::HeaderName, &'static str)]) -> HeaderMap {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
        .collect()
}

async fn text(response: Response) -> String {
    let body = to_bytes(response.into_body(), 1_000).await.unwrap();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn the_page_finds_its_files_from_every_address() {
    for (path, base) in [("/", "./"), ("/explore", "./"), ("/trace/4bf9", "./../")] {
        let page = text(window().page(path, &HeaderMap::new())).await;
        assert_eq!(
            page,
            format!("<base href=\"{base}\" /><script src=\"./a.js\">")
        );
    }
    let missing = text(Window::default().page("/", &HeaderMap::new())).await;
    assert!(missing.contains("cargo xtask web"), "{missing}");
}

#[tokio::test]
async fn files_are_packed_for_those_who_unpack_and_kept() {
    let window = window();
    let packed = headers(&[(header::ACCEPT_ENCODING, "br, gzip;q=0.8")]);
    let response = window.file("/assets/a-1.js", &packed).unwrap();
    let kept = &response.headers()[header::CACHE_CONTROL];
    assert_eq!(kept, "public, max-age=31536000, immutable");
    assert_eq!(response.headers()[header::CONTENT_ENCODING], "gzip");
    let tag = response.headers()[header::ETAG].clone();
    assert_eq!(text(response).await, "packed");
    let plain = window.file("/assets/a-1.js", &HeaderMap::new()).unwrap();
    assert!(!plain.headers().contains_key(header::CONTENT_ENCODING));
    assert_ne!(plain.headers()[header::ETAG], tag);
    assert_eq!(text(plain).await, "script");
    let mut known = packed.clone();
    known.insert(header::IF_NONE_MATCH, tag);
    let response = window.file("/assets/a-1.js", &known).unwrap();
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
    assert!(window.file("/assets/../index.html", &packed).is_none());
    assert!(window.file("/index.html", &packed).is_none());
}

#[test]
fn programs_get_no_page() {
    let accepts = |value| headers(&[(header::ACCEPT, value)]);
    assert!(wants_page(&accepts("text/html,application/xml;q=0.9")));
    assert!(!wants_page(&accepts("*/*")) && !wants_page(&HeaderMap::new()));
    assert!(is_page("/trace/1") && !is_page("/api/v1/nothing") && !is_page("/assets/x.js"));
    let takes = |value| takes_gzip(&headers(&[(header::ACCEPT_ENCODING, value)]));
    assert!(takes("deflate, gzip") && !takes("gzip; q=0") && !takes("zstd"));
}
