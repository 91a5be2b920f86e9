use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::DOCUMENT;
use crate::{administration_routes, ingest_routes, open_routes, reading_routes};

/// Set to anything, makes the test write the document instead of comparing it.
const REGENERATE: &str = "CRAWLSPACE_REGENERATE";

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "how a test is told to write its reference"
)]
fn the_checked_in_document_is_what_the_code_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/openapi.json");
    if std::env::var(REGENERATE).is_ok() {
        std::fs::write(&path, DOCUMENT.as_str()).unwrap();
    }
    let checked_in = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        checked_in == *DOCUMENT,
        "docs/reference/openapi.json is not what the code says: write it anew with \
         `{REGENERATE}=1 cargo test --workspace -- the_checked_in_document_is_what_the_code_says`, and look at the difference"
    );
}

#[test]
fn every_route_is_in_the_document_and_the_other_way_around() {
    let document: Value = serde_json::from_str(&DOCUMENT).unwrap();
    let described: BTreeSet<String> = document["paths"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    let (routes, _) = ingest_routes()
        .merge(reading_routes())
        .merge(administration_routes())
        .merge(open_routes())
        .split_for_parts();
    assert_eq!(described, paths(&format!("{routes:?}")));
}

/// The paths that a router's debug form names: all its texts that begin with a slash.
fn paths(router: &str) -> BTreeSet<String> {
    let texts = router.split('"').skip(1).step_by(2);
    texts
        .filter(|text| text.starts_with('/') && !text.contains("__private"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_operation_says_what_it_does_takes_and_answers() {
    let document: Value = serde_json::from_str(&DOCUMENT).unwrap();
    assert_eq!(document["openapi"], "3.1.0");
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let what = format!("{method} {path}");
            assert!(
                operation["summary"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty()),
                "{what} has no summary"
            );
            assert!(
                operation["tags"]
                    .as_array()
                    .is_some_and(|tags| !tags.is_empty()),
                "{what} has no tag"
            );
            assert!(
                operation["responses"].get("200").is_some(),
                "{what} has no answer"
            );
            for name in path
                .split('/')
                .filter_map(|step| step.strip_prefix('{')?.strip_suffix('}'))
            {
                let parameters = operation["parameters"].as_array().unwrap();
                assert!(
                    parameters.iter().any(|parameter| parameter["name"] == name),
                    "{what} says nothing of {name}"
                );
            }
        }
    }
}
