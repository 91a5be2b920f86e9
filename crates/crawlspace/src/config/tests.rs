//! The command line against itself, and against the pages that describe it.

use std::path::Path;
use std::time::Duration;

use clap::CommandFactory as _;

use super::{Cli, bytes, duration};

/// Set to anything, makes the test write the page instead of comparing it.
const REGENERATE: &str = "CRAWLSPACE_REGENERATE";
const PAGE_HEAD: &str = "\
# The command line

What `--help` prints for each command, written by a test of `crawlspace`. Flags that have an environment variable name
it; the flag goes before the variable. Answers are on stdout, what is said about them on stderr.
";

#[test]
fn the_command_line_is_consistent_and_every_command_shows_examples() {
    let command = Cli::command();
    command.clone().debug_assert();
    let shown = command
        .get_subcommands()
        .filter(|command| !command.is_hide_set());
    for command in std::iter::once(&command).chain(shown) {
        let help = command
            .get_after_help()
            .map(ToString::to_string)
            .unwrap_or_default();
        assert!(help.contains("Examples:"), "{}", command.get_name());
    }
}

#[test]
fn sizes_have_a_unit() {
    for (text, expected) in [
        ("5GiB", Some(5 << 30)),
        ("200GB", Some(200_000_000_000)),
        ("1B", Some(1)),
        ("0MiB", None),
        ("5", None),
        ("GiB", None),
        ("18446744073709551615KB", None),
    ] {
        assert_eq!(bytes(text).ok(), expected, "{text}");
    }
}

#[test]
fn durations_have_a_unit() {
    for (text, expected) in [
        ("5s", Some(Duration::from_secs(5))),
        ("250ms", Some(Duration::from_millis(250))),
        ("2d", Some(Duration::from_secs(172_800))),
        ("5", None),
        ("s", None),
        ("0s", None),
        ("-1s", None),
        ("99999999999999999999s", None),
        ("18446744073709551615d", None),
    ] {
        assert_eq!(duration(text).ok(), expected, "{text}");
    }
}

/// All commands' long help, without what the environment of the test has in it.
fn page() -> String {
    let mut page = PAGE_HEAD.to_owned();
    let mut cli = Cli::command()
        .term_width(100)
        .mut_args(|argument| argument.hide_env_values(true));
    cli.build();
    let names: Vec<String> = cli
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
        .map(|command| command.get_name().to_owned())
        .collect();
    let mut add = |title: &str, command: &mut clap::Command| {
        let help = command.render_long_help().to_string();
        let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
        page.push_str(&format!(
            "\n## {title}\n\n```text\n{}\n```\n",
            lines.join("\n").trim_end()
        ));
    };
    add("crawlspace", &mut cli);
    for name in names.iter().filter(|name| *name != "help") {
        let command = cli.find_subcommand(name).unwrap();
        let mut commands = vec![command.clone()];
        let below = command.get_subcommands();
        commands.extend(
            below
                .filter(|command| command.get_name() != "help")
                .cloned(),
        );
        for command in commands {
            let mut command = command
                .term_width(100)
                .mut_args(|argument| argument.hide_env_values(true));
            let title = command.get_bin_name().unwrap_or(name).to_owned();
            add(&title, &mut command);
        }
    }
    page
}

#[test]
#[allow(
    clippy::disallowed_methods,
    reason = "how a test is told to write its reference"
)]
fn the_checked_in_command_line_is_what_help_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/cli.md");
    let page = page();
    if std::env::var(REGENERATE).is_ok() {
        std::fs::write(&path, &page).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == page,
        "docs/reference/cli.md is not what --help says: write it anew with \
         `{REGENERATE}=1 cargo test --workspace -- the_checked_in_command_line_is_what_help_says`, and look at the difference"
    );
}

#[test]
fn every_variable_of_the_command_line_is_in_the_configuration_reference() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/configuration.md");
    let text = std::fs::read_to_string(path).unwrap();
    let cli = Cli::command();
    for command in std::iter::once(&cli).chain(cli.get_subcommands()) {
        for argument in command.get_arguments() {
            let Some(variable) = argument.get_env().and_then(|name| name.to_str()) else {
                continue;
            };
            let flag = argument.get_long().unwrap();
            let is_there = text.lines().any(|line| {
                line.contains(&format!("`--{flag}")) && line.contains(&format!("`{variable}`"))
            });
            assert!(
                is_there,
                "docs/reference/configuration.md has no line with --{flag} and {variable}"
            );
        }
    }
}
