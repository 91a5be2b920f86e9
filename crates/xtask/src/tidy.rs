//! Tests the repository itself: a rule per concern, each a function from the files to what is wrong with them.

mod content;
mod documents;
mod layers;
mod layout;
mod manifest;
mod tree;

use std::path::Path;

use anyhow::{Result, ensure};

use tree::Tree;

#[cfg(test)]
mod tests;

/// A broken rule. Lines count from 1; what concerns a whole file is told of its first line.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Violation {
    path: String,
    line: usize,
    message: String,
}

impl Violation {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.to_owned(),
            line,
            message: message.into(),
        }
    }
}

/// Prints every violation as `path:line: message`; any is an error.
pub fn run(root: &Path) -> Result<()> {
    let violations = examine(&Tree::read(root)?);
    for Violation {
        path,
        line,
        message,
    } in &violations
    {
        println!("{path}:{line}: {message}");
    }
    ensure!(
        violations.is_empty(),
        "{} places break the repository's rules",
        violations.len()
    );
    Ok(())
}

fn examine(tree: &Tree) -> Vec<Violation> {
    let rules: [fn(&Tree) -> Vec<Violation>; 4] = [
        layout::check,
        content::check,
        layers::check,
        documents::check,
    ];
    let mut violations: Vec<Violation> = rules.iter().flat_map(|rule| rule(tree)).collect();
    violations.sort();
    violations
}
