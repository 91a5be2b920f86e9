//! The repository's files, with the text of those that rules read.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// What is built, fetched or made by running.
const SKIPPED_FOLDERS: [&str; 4] = ["demo-data", "dist", "node_modules", "target"];
const TEXT_EXTENSIONS: [&str; 3] = ["rs", "md", "toml"];

/// Path from the root, with `/`, to text; the text of files that no rule reads is empty.
#[derive(Default)]
pub struct Tree(pub BTreeMap<String, String>);

impl Tree {
    pub fn read(root: &Path) -> Result<Self> {
        let mut tree = Self::default();
        tree.add(root, "")?;
        Ok(tree)
    }

    /// `prefix` is the folder's path from the root, with a `/` at its end.
    fn add(&mut self, folder: &Path, prefix: &str) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let path = format!("{prefix}{name}");
            if entry.file_type()?.is_dir() {
                if !is_skipped(&name) {
                    self.add(&entry.path(), &format!("{path}/"))?;
                }
            } else if TEXT_EXTENSIONS
                .iter()
                .any(|extension| has_extension(&path, extension))
            {
                let text = fs::read_to_string(entry.path());
                let text = text.with_context(|| format!("reading {path}"))?;
                self.0.insert(path, text);
            } else {
                self.0.insert(path, String::new());
            }
        }
        Ok(())
    }

    /// Paths and texts of the files with that extension.
    pub fn with_extension(&self, extension: &str) -> impl Iterator<Item = (&str, &str)> {
        let all = self
            .0
            .iter()
            .map(|(path, text)| (path.as_str(), text.as_str()));
        all.filter(move |(path, _)| has_extension(path, extension))
    }

    /// Whether there is a file or folder of that path.
    pub fn contains(&self, path: &str) -> bool {
        let folder = format!("{}/", path.trim_end_matches('/'));
        path.is_empty()
            || self.0.contains_key(path)
            || self
                .0
                .range(folder.clone()..)
                .next()
                .is_some_and(|(next, _)| next.starts_with(&folder))
    }
}

/// Hidden folders belong to tools, except the one with what continuous integration runs.
fn is_skipped(folder: &str) -> bool {
    SKIPPED_FOLDERS.contains(&folder) || (folder.starts_with('.') && folder != ".ci")
}

fn has_extension(path: &str, extension: &str) -> bool {
    path.rsplit_once('.')
        .is_some_and(|(_, found)| found == extension)
}

/// Whether a Rust file holds only tests.
pub fn is_test_code(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}
