//! `test` and `check`: what a change has to pass, cheapest first.

use std::io::{BufRead, BufReader};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, ensure};

use crate::place::Place;
use crate::{setup, step, tidy, web};

#[cfg(test)]
mod tests;

/// Set-up, the repository's own rules, formatting, and all tests. The last line is the sum of all test programs.
pub fn test(place: &Place, rest: &[String]) -> Result<ExitCode> {
    place.claim_builds()?;
    let clients = setup::run(place)?;
    rules(place)?;
    let modules = web::test(place)?;
    let mut cargo = cargo(place, &["test", "--workspace"]);
    cargo.args(rest.strip_prefix(&["--".to_owned()]).unwrap_or(rest));
    cargo.envs(clients);
    cargo.env("CRAWLSPACE_TEST_WEB_MODULES", modules);
    let mut totals = Totals::default();
    let tested = step::timed("tests", || run_tests(&mut cargo, &mut totals));
    if let Err(error) = &tested {
        println!("{error:#}");
    }
    println!("{} passed, {} failed", totals.passed, totals.failed);
    Ok(ExitCode::from(u8::from(tested.is_err())))
}

/// The repository's own rules, formatting, and clippy, which compiles every dependency once more.
pub fn check(place: &Place) -> Result<()> {
    place.claim_builds()?;
    rules(place)?;
    step::timed("clippy", || {
        let arguments = [
            "clippy",
            "--workspace",
            "--all-targets",
            "--",
            "-D",
            "warnings",
        ];
        step::run(&mut cargo(place, &arguments))
    })
}

fn rules(place: &Place) -> Result<()> {
    step::timed("tidy", || tidy::run(&place.root))?;
    if step::succeeds("rustfmt", &["--version"]) {
        step::timed("rustfmt", || {
            step::run(&mut cargo(place, &["fmt", "--all", "--check"]))
        })?;
    }
    Ok(())
}

fn cargo(place: &Place, arguments: &[&str]) -> Command {
    let mut cargo = place.cargo(&place.target);
    cargo.args(arguments);
    cargo
}

/// Tests over all test programs.
#[derive(Debug, Default, PartialEq, Eq)]
struct Totals {
    passed: u64,
    failed: u64,
}

impl Totals {
    /// Adds what a closing line of a test program says; other lines say nothing.
    fn add(&mut self, line: &str) {
        let Some(counts) = line.strip_prefix("test result: ") else {
            return;
        };
        let words: Vec<&str> = counts.split([' ', ';']).collect();
        for pair in words.windows(2) {
            let number = pair[0].parse().unwrap_or(0);
            match pair[1] {
                "passed" => self.passed += number,
                "failed" => self.failed += number,
                _ => {}
            }
        }
    }
}

/// Passes the output on as it comes, and counts.
fn run_tests(cargo: &mut Command, totals: &mut Totals) -> Result<()> {
    let mut process = cargo
        .stdout(Stdio::piped())
        .spawn()
        .context("starting cargo")?;
    let output = process.stdout.take().context("no standard output")?;
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        totals.add(&line);
    }
    let status = process.wait()?;
    ensure!(status.success(), "cargo ended with {status}");
    Ok(())
}
