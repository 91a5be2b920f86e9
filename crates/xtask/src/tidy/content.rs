//! Words that do not belong into Rust code.

use super::{Violation, tree::Tree, tree::is_test_code};

/// In two pieces, so that this file passes its own rule.
const BANNED: [(&str, &str); 6] = [
    (concat!("to", "do!"), "finish it"),
    (concat!("unimple", "mented!"), "finish it"),
    (concat!("db", "g!"), "use tracing"),
    (concat!("#[ig", "nore"), "a test runs or goes"),
    (concat!("FIX", "ME"), "fix it"),
    (concat!("X", "XX"), "fix it"),
];

pub fn check(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (path, text) in tree.with_extension("rs") {
        for (index, line) in text.lines().enumerate() {
            let mut violation = |message: String| {
                found.push(Violation::new(path, index + 1, message));
            };
            for (word, advice) in BANNED.iter().filter(|(word, _)| has_word(line, word)) {
                violation(format!("`{word}`: {advice}"));
            }
            if let Some(number) = comment(line).and_then(issue_number) {
                violation(format!("`{number}` in a comment: say the reason itself"));
            }
            let sleeps = line.contains("::sleep") || has_word(line, "sleep(");
            if sleeps && is_test_code(path) {
                violation("a sleeping test: wait for what should happen".to_owned());
            }
        }
    }
    found
}

/// Whether `word` stands in `line`, not as a part of a longer name.
fn has_word(line: &str, word: &str) -> bool {
    let in_name = |letter: char| letter.is_alphanumeric() || letter == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        let starts = !word.starts_with(in_name) || !before.is_some_and(in_name);
        let ends = !word.ends_with(in_name) || !after.is_some_and(in_name);
        starts && ends
    })
}

/// What follows `//`, except in the middle of an address.
fn comment(line: &str) -> Option<&str> {
    let mut marks = line.match_indices("//");
    let (at, _) = marks.find(|(at, _)| !line[..*at].ends_with(':'))?;
    Some(&line[at..])
}

/// The first `#` with a number behind it.
fn issue_number(comment: &str) -> Option<&str> {
    comment.match_indices('#').find_map(|(at, _)| {
        let rest = &comment[at + 1..];
        let end = rest
            .find(|letter: char| !letter.is_ascii_digit())
            .unwrap_or(rest.len());
        // A colour goes on with letters, an HTML entity starts with `&`.
        let goes_on = rest[end..].starts_with(char::is_alphanumeric);
        let is_number = end > 0 && !goes_on && !comment[..at].ends_with('&');
        is_number.then(|| &comment[at..=at + end])
    })
}
