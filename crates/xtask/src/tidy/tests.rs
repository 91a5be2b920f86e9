//! Every rule on small made-up repositories: what breaks it, and what comes close without breaking it.

use std::collections::BTreeMap;

use super::tree::Tree;
use super::{Violation, content, documents, layers, layout};

type Rule = fn(&Tree) -> Vec<Violation>;

/// `expected` are starts of `path:line: message`, in order.
fn check(rule: Rule, files: &[(&str, &str)], expected: &[&str]) {
    let files = files
        .iter()
        .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    let mut found = rule(&Tree(files.collect::<BTreeMap<_, _>>()));
    found.sort();
    let found: Vec<String> = found
        .iter()
        .map(|violation| {
            format!(
                "{}:{}: {}",
                violation.path, violation.line, violation.message
            )
        })
        .collect();
    let matches = found
        .iter()
        .zip(expected)
        .all(|(found, start)| found.starts_with(start));
    assert!(
        matches && found.len() == expected.len(),
        "found {found:#?}\nexpected {expected:#?}"
    );
}

fn check_line(path: &str, line: &str, expected: &[&str]) {
    check(content::check, &[(path, line)], expected);
}

fn check_manifest(member: &str, text: &str, expected: &[&str]) {
    let path = format!("crates/{member}/Cargo.toml");
    let expected: Vec<String> = expected
        .iter()
        .map(|rest| format!("{path}:{rest}"))
        .collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    check(layers::check, &[(&path, text)], &expected);
}

#[test]
fn files_have_a_header_and_a_limit() {
    let long = |lines: usize| format!("//! A file.\n{}", "\n".repeat(lines - 1));
    check(layout::check, &[("a.rs", &long(600))], &[]);
    check(
        layout::check,
        &[("a.rs", &long(601))],
        &["a.rs:601: 601 lines"],
    );
    check(
        layout::check,
        &[("a.rs", "fn a() {}")],
        &["a.rs:1: does not start"],
    );
    check(
        layout::check,
        &[("crates/a/src/b/tests.rs", "use a;"), ("a.md", "text")],
        &[],
    );
    check(
        layout::check,
        &[("crates/a/tests/it/b.rs", "")],
        &["crates/a/tests/it/b.rs:1: does not"],
    );
}

#[test]
fn folders_hold_fifteen_files() {
    let check_folder = |folder: &str, count: usize, expected: &[&str]| {
        let paths: Vec<String> = (0..count)
            .map(|index| format!("{folder}/{index}.md"))
            .collect();
        let files: Vec<(&str, &str)> = paths.iter().map(|path| (path.as_str(), "")).collect();
        check(layout::check, &files, expected);
    };
    check_folder("a/b", 15, &[]);
    check_folder("a/b", 16, &["a/b:1: 16 files"]);
    check_folder("a/snapshots", 16, &[]);
}

#[test]
fn empty_names_are_banned_for_files_folders_and_modules() {
    let header = "//! A file.";
    check(
        layout::check,
        &[("a/utils.rs", header)],
        &["a/utils.rs:1: is in or named `utils`"],
    );
    check(
        layout::check,
        &[("common/a.rs", header)],
        &["common/a.rs:1: is in or named `common`"],
    );
    check(
        layout::check,
        &[("a/part_v2.rs", header)],
        &["a/part_v2.rs:1: is in or named `part_v2`"],
    );
    let modules =
        "//! A file.\npub(crate) mod helpers;\nmod misc {\n// a mod core;\nmod manager_of;\n";
    check(
        layout::check,
        &[("a.rs", modules)],
        &["a.rs:2: module `helpers`", "a.rs:3: module `misc`"],
    );
    check(layout::check, &[("a/commons.rs", header)], &[]);
}

#[test]
fn unfinished_code_is_found_as_a_whole_word() {
    let path = "crates/a/src/lib.rs";
    for word in [
        "to do!",
        "unimple mented!",
        "db g!",
        "#[ig nore",
        "FIX ME",
        "X XX",
    ] {
        let word = word.replace(' ', "");
        check_line(
            path,
            &format!("\nx {word}(y)"),
            &[&format!("{path}:2: `{word}`")],
        );
        check_line(path, &format!("a{word}bc").replace("a#", "# "), &[]);
    }
}

#[test]
fn issue_numbers_are_found_in_comments_only() {
    let check = |line: &str, expected: &[&str]| check_line("a.rs", line, expected);
    for start in ["let a = 1; // see ", "/// ("] {
        check(&format!("{start}#12)"), &["a.rs:1: `#12` in a comment"]);
    }
    for line in [
        "let a = \"#12\";",
        "// #12ab34",
        "// a # b",
        "// &#39;",
        "\"http://a/#12\"",
    ] {
        check(line, &[]);
    }
}

#[test]
fn tests_do_not_sleep() {
    let calls = [
        "std::thread::sl eep(a)",
        "use tokio::time::sl eep;",
        "sl eep(a).await",
    ];
    for call in calls.map(|call| call.replace(' ', "")) {
        check_line(
            "crates/a/src/b/tests.rs",
            &call,
            &["crates/a/src/b/tests.rs:1: a sleeping"],
        );
        check_line(
            "crates/a/tests/it/b.rs",
            &call,
            &["crates/a/tests/it/b.rs:1: a sleeping"],
        );
        check_line("crates/a/src/b.rs", &call, &[]);
    }
    check_line(
        "crates/a/src/b/tests.rs",
        "fn a_thread_that_sleeps() {}",
        &[],
    );
}

#[test]
fn imports_point_down() {
    let check = |member: &str, other: &str, allowed: bool| {
        let text = format!("[dependencies]\n{other}.workspace = true");
        let expected: &[&str] = if allowed { &[] } else { &["2: `"] };
        check_manifest(member, &text, expected);
    };
    for (member, other) in [
        ("lake", "crawlspace-disk"),
        ("query", "crawlspace-lake"),
        ("insight", "crawlspace-query"),
        ("crawlspace", "crawlspace-ui"),
        ("testkit", "crawlspace-model"),
        ("model", "crawlspace_like"),
    ] {
        check(member, other, true);
    }
    for (member, other) in [
        ("model", "crawlspace-disk"),
        ("wal", "crawlspace-lake"),
        ("ingest", "crawlspace-query"),
        ("api", "crawlspace-ui"),
        ("ui", "crawlspace-model"),
        ("demo", "crawlspace"),
        ("lake", "crawlspace-testkit"),
    ] {
        check(member, other, false);
    }
    check_manifest("novel", "[package]", &["1: crate `novel` has no place"]);
}

#[test]
fn dependencies_come_from_the_workspace_in_every_notation() {
    let text = "\
[package]
version = \"1\"
[dependencies]
a.workspace = true
b = { workspace = true, features = [
    \"c\",
] }
d = \"1\" # workspace = true
e = { version = \"1\" }
[dev-dependencies]
f = \"1\"
[target.'cfg(unix)'.dependencies]
g.version = \"1\"
[dependencies.h]
version = \"1\"
[dependencies.i]
workspace = true
";
    let broken = [(8, "d"), (9, "e"), (11, "f"), (13, "g"), (14, "h")];
    let expected = broken.map(|(line, name)| format!("{line}: `{name}` is not from"));
    check_manifest("lake", text, &expected.each_ref().map(String::as_str));
    check(
        layers::check,
        &[("Cargo.toml", "[workspace.dependencies]\na = \"1\"")],
        &[],
    );
}

#[test]
fn big_dependencies_have_one_door() {
    let text = "[dependencies]\nsqlx.workspace = true\naxum-extra.workspace = true";
    check_manifest(
        "lake",
        text,
        &["3: `axum-extra` belongs only into api, demo"],
    );
    check_manifest("api", text, &["2: `sqlx` belongs only into lake, control"]);
    let for_tests =
        "[dev-dependencies]\ndatafusion.workspace = true\ncrawlspace-api.workspace = true";
    check_manifest("wal", for_tests, &[]);
    check_manifest(
        "demo",
        "[dependencies]\nopentelemetry.workspace = true",
        &[],
    );
}

#[test]
fn links_lead_to_files_of_the_repository() {
    let text = "[a](docs/a.md#part) [b](https://b/c) [c](#c) [`d`](gone.md \"title\")\n\
        ```\n[e](gone.md)\n```\n`[f](gone.md)` [g](docs) ![h](../outside.png) [i](/docs/./a.md)";
    let files = [
        ("README.md", text),
        ("CHANGELOG.md", ""),
        ("docs/a.md", "[up](../README.md)"),
    ];
    check(
        documents::check,
        &files,
        &[
            "README.md:1: `gone.md` leads",
            "README.md:5: `../outside.png` leads",
        ],
    );
}

#[test]
fn decisions_are_linked_and_changes_are_told() {
    let architecture = "[one](docs/adr/0001-one.md)";
    let files = [
        ("ARCHITECTURE.md", architecture),
        ("docs/adr/0001-one.md", ""),
        ("docs/adr/0002-two.md", ""),
    ];
    let expected = [
        "CHANGELOG.md:1: is missing",
        "docs/adr/0002-two.md:1: is not linked",
    ];
    check(documents::check, &files, &expected);
}
