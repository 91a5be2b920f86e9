//! Documents: links lead somewhere, decisions are found, changes are told.

use super::{Violation, tree::Tree};

const ARCHITECTURE: &str = "ARCHITECTURE.md";
const CHANGELOG: &str = "CHANGELOG.md";
const DECISIONS: &str = "docs/adr/";

pub fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    if !tree.contains(CHANGELOG) {
        found.push(Violation::new(CHANGELOG, 1, "is missing"));
    }
    for (path, text) in tree.with_extension("md") {
        for (line, target) in links(text) {
            let resolved = resolve(path, target);
            if !resolved.is_some_and(|resolved| tree.contains(&resolved)) {
                found.push(Violation::new(
                    path,
                    line,
                    format!("`{target}` leads nowhere"),
                ));
            }
        }
    }
    let architecture = tree.0.get(ARCHITECTURE).map_or("", String::as_str);
    let linked: Vec<String> = links(architecture)
        .filter_map(|(_, target)| resolve(ARCHITECTURE, target))
        .collect();
    for (path, _) in tree
        .with_extension("md")
        .filter(|(path, _)| path.starts_with(DECISIONS))
    {
        if !linked.iter().any(|target| target == path) {
            found.push(Violation::new(
                path,
                1,
                format!("is not linked from {ARCHITECTURE}"),
            ));
        }
    }
    found
}

/// Targets of links to other files, outside of code, with their lines.
fn links(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut in_code = false;
    let lines = text.lines().enumerate().filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        in_code ^= is_fence;
        !in_code && !is_fence
    });
    lines.flat_map(|(index, line)| {
        // Between backticks is code: every second piece.
        let prose = line.split('`').step_by(2);
        let targets = prose.flat_map(|piece| piece.split("](").skip(1));
        targets.filter_map(move |rest| {
            let target = rest.split([')', ' ']).next()?;
            let file = target.split('#').next()?;
            let is_local = !file.is_empty() && !file.contains(':');
            is_local.then_some((index + 1, file))
        })
    })
}

/// The path from the root of what `target` means in the document at `path`; none when it leaves the repository.
fn resolve(path: &str, target: &str) -> Option<String> {
    let mut folders: Vec<&str> = path.split('/').collect();
    folders.pop();
    if target.starts_with('/') {
        folders.clear();
    }
    for step in target.split('/') {
        match step {
            "" | "." => {}
            ".." => {
                folders.pop()?;
            }
            name => folders.push(name),
        }
    }
    Some(folders.join("/"))
}
