//! Scripts for shells: each names every command, and a shell that is here takes it and completes with it.

use std::process::{Command, Output};

use super::PROGRAM;

fn text(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn crawlspace(arguments: &[&str]) -> String {
    text(&Command::new(PROGRAM).args(arguments).output().unwrap())
}

/// As `--help` lists them.
fn commands() -> Vec<String> {
    let help = crawlspace(&["--help"]);
    let (_, list) = help.split_once("Commands:\n").unwrap();
    let (list, _) = list.split_once("\n\n").unwrap();
    let word = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    list.lines().map(word).collect()
}

#[test]
fn the_script_for_each_shell_names_every_command() {
    let commands = commands();
    assert!(commands.len() >= 15, "{commands:?}");
    for shell in ["bash", "zsh", "fish"] {
        let script = crawlspace(&["completions", shell]);
        for command in &commands {
            let is_named = script
                .split(|letter: char| !letter.is_ascii_alphanumeric())
                .any(|word| word == command);
            assert!(is_named, "{command} is not in the script for {shell}");
        }
        for flag in ["data-dir", "granularity", "dry-run"] {
            assert!(script.contains(flag), "{flag} for {shell}");
        }
    }
}

#[test]
fn bash_completes_commands_and_flags() {
    let script = crawlspace(&["completions", "bash"]);
    // What bash does when the tabulator is pressed after these words.
    let complete = |words: &str, last: &str| {
        let press = format!(
            "{script}\nCOMP_WORDS=({words} {last}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))\n\
             _crawlspace crawlspace {last} ''; echo \"${{COMPREPLY[*]}}\""
        );
        let pressed = Command::new("bash").args(["-c", &press]).output().unwrap();
        text(&pressed).trim().to_owned()
    };
    assert_eq!(complete("crawlspace", "le"), "ledger");
    assert_eq!(complete("crawlspace import", "--dr"), "--dry-run");
    assert_eq!(complete("crawlspace key", "rev"), "revoke");
}
