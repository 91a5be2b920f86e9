//! Who may import whom: crates import those of lower layers only, and a big dependency has one door.

use super::{Violation, manifest, tree::Tree};

/// From the bottom. Crates of one layer never import each other.
const LAYERS: [&[&str]; 7] = [
    &["model"],
    &["disk"],
    &["wal", "wire", "lake", "control", "flags"],
    &["ingest", "query"],
    &["insight", "watch"],
    &["api"],
    &["crawlspace", "testkit"],
];

/// Crates that import none of ours.
const INDEPENDENT: [&str; 5] = ["bench", "demo", "ui", "wrap", "xtask"];

/// Dependencies (and those named `<dependency>-…`) that only some crates may have, except for tests.
const DOORS: [(&str, &[&str]); 5] = [
    ("datafusion", &["lake", "query", "insight"]),
    ("axum", &["api", "demo"]),
    ("tonic", &["api", "demo"]),
    ("sqlx", &["lake", "control"]),
    ("opentelemetry-proto", &["wire", "api", "bench"]),
];

pub fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, text) in tree.with_extension("toml") {
        let Some(member) = member(path) else { continue };
        if layer(member).is_none() && !INDEPENDENT.contains(&member) {
            let message = format!("crate `{member}` has no place in xtask's tidy/layers.rs");
            found.push(Violation::new(path, 1, message));
        }
        for dependency in manifest::dependencies(text) {
            let name = dependency.name;
            let mut violation = |message: String| {
                found.push(Violation::new(path, dependency.line, message));
            };
            if !dependency.from_workspace {
                violation(format!("`{name}` is not from the workspace's table"));
            }
            if dependency.only_tests {
                continue;
            }
            if let Some(ours) = ours(name).filter(|ours| !may_import(member, ours)) {
                violation(format!(
                    "`{member}` may not import `{ours}`: imports point down"
                ));
            }
            if let Some(crates) = door(name).filter(|crates| !crates.contains(&member)) {
                violation(format!("`{name}` belongs only into {}", crates.join(", ")));
            }
        }
    }
    found
}

/// The crate whose manifest this is.
fn member(path: &str) -> Option<&str> {
    let name = path.strip_prefix("crates/")?.strip_suffix("/Cargo.toml")?;
    (!name.contains('/')).then_some(name)
}

fn ours(dependency: &str) -> Option<&str> {
    if dependency == "crawlspace" || dependency == "xtask" {
        return Some(dependency);
    }
    dependency.strip_prefix("crawlspace-")
}

fn layer(member: &str) -> Option<usize> {
    LAYERS.iter().position(|crates| crates.contains(&member))
}

/// The `ui` is the one independent crate that another may import.
fn may_import(member: &str, other: &str) -> bool {
    match (layer(member), layer(other)) {
        (Some(upper), Some(lower)) => lower < upper,
        (Some(_), None) => other == "ui" && member == "crawlspace",
        _ => false,
    }
}

fn door(dependency: &str) -> Option<&'static [&'static str]> {
    let is_behind = |door: &str| {
        let rest = dependency.strip_prefix(door);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    };
    DOORS
        .iter()
        .find(|(door, _)| is_behind(door))
        .map(|(_, crates)| *crates)
}
