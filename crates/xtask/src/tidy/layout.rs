//! Sizes, headers and names.

use std::collections::BTreeMap;

use super::{Violation, tree::Tree};

const FILE_LINES_MAX: usize = 600;
const FOLDER_FILES_MAX: usize = 15;
/// Names that say nothing about what is inside.
const BANNED_NAMES: [&str; 6] = ["utils", "helpers", "common", "manager", "misc", "core"];
/// A file for each case that a test tool writes, or for each decision, which nobody moves.
const UNCOUNTED_FOLDERS: [&str; 3] = ["snapshots", "proptest-regressions", "adr"];

pub fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = folders(tree);
    for (path, text) in tree.with_extension("rs") {
        let lines = text.lines().count();
        if lines > FILE_LINES_MAX {
            let message = format!("{lines} lines: split it, {FILE_LINES_MAX} are the limit");
            found.push(Violation::new(path, FILE_LINES_MAX + 1, message));
        }
        let optional = path.ends_with("/tests.rs") && path.contains("/src/");
        if !text.starts_with("//!") && !optional {
            found.push(Violation::new(
                path,
                1,
                "does not start with a `//!` header",
            ));
        }
        found.extend(names(path, text));
    }
    found
}

fn folders(tree: &Tree) -> Vec<Violation> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for path in tree.0.keys() {
        let folder = path.rsplit_once('/').map_or(".", |(folder, _)| folder);
        *counts.entry(folder).or_default() += 1;
    }
    let counted = counts.into_iter().filter(|(folder, _)| {
        let name = folder.rsplit('/').next().unwrap_or(folder);
        !UNCOUNTED_FOLDERS.contains(&name)
    });
    counted
        .filter(|(_, files)| *files > FOLDER_FILES_MAX)
        .map(|(folder, files)| {
            let message = format!("{files} files: split it, {FOLDER_FILES_MAX} are the limit");
            Violation::new(folder, 1, message)
        })
        .collect()
}

/// Names of the file, its folders, and modules within it.
fn names(path: &str, text: &str) -> Vec<Violation> {
    let mut found = Vec::new();
    for name in path
        .trim_end_matches(".rs")
        .split('/')
        .filter(|name| is_banned(name))
    {
        found.push(Violation::new(
            path,
            1,
            format!("is in or named `{name}`: say what it is"),
        ));
    }
    for (index, line) in text.lines().enumerate() {
        let declared = line.split_once("mod ").filter(|(before, _)| {
            let before = before.trim();
            before.is_empty() || before.starts_with("pub")
        });
        let name = declared.map(|(_, after)| after.trim_end_matches([';', '{', ' ']));
        if let Some(name) = name.filter(|name| is_banned(name)) {
            let message = format!("module `{name}`: say what it is");
            found.push(Violation::new(path, index + 1, message));
        }
    }
    found
}

fn is_banned(name: &str) -> bool {
    BANNED_NAMES.contains(&name) || name.ends_with("_v2")
}
