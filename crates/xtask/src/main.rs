//! The task runner: `cargo xtask <task>`. Each task is plain processes, so that it can be run by hand as well.
#![expect(clippy::print_stdout, reason = "its output is for people")]

mod place;
mod programs;
mod setup;
mod step;
mod suite;
mod tidy;
mod torture;
mod web;

use std::process::ExitCode;

use anyhow::Result;

const HELP: &str = "\
cargo xtask <task> [arguments]

  demo    build everything and run the demonstration shop until Ctrl-C; arguments go to crawlspace-demo
  test    set up, then tidy, rustfmt, the window's and all other tests; arguments after `--` go to cargo test
  check   rustfmt, tidy and clippy
  web     build the window, with Node
  bench   build a release, measure it, write docs/reference/performance.md; arguments go to crawlspace-bench run
  torture break it on purpose: a rig, or `all`, then --long and --seed N; without arguments, the list of rigs
  tidy    test the repository itself: sizes, names, import layers, links
  help    print this";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    let rest: Vec<String> = arguments.collect();
    match run(&task, &rest) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask {task}: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: &str, rest: &[String]) -> Result<ExitCode> {
    let place = place::Place::find()?;
    match task {
        "demo" => programs::demo(&place, rest)?,
        "test" => return suite::test(&place, rest),
        "check" => suite::check(&place)?,
        "web" => web::build_surely(&place)?,
        "bench" => programs::bench(&place, rest)?,
        "torture" => torture::run(&place, rest)?,
        "tidy" => tidy::run(&place.root)?,
        "" | "help" | "--help" | "-h" => println!("{HELP}"),
        _ => anyhow::bail!("no such task; `cargo xtask help` lists them"),
    }
    Ok(ExitCode::SUCCESS)
}
