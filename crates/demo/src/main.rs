//! `crawlspace-demo`: starts Crawlspace and a small shop that reports to it, asks five questions
//! and shows the answers. The same program also plays each service of the shop, and the guard that
//! ends Crawlspace when the demo goes away.

mod demo;
mod guard;
mod processes;
mod questions;
mod shop;
mod stop;
mod traffic;

use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context;
use clap::{Parser, Subcommand};

/// Crawlspace and an accidental distributed system to look at with it.
#[derive(Parser)]
#[command(
    name = "crawlspace-demo",
    version,
    args_conflicts_with_subcommands = true
)]
struct Arguments {
    #[command(subcommand)]
    role: Option<Role>,
    #[command(flatten)]
    demo: DemoArguments,
}

#[derive(clap::Args)]
struct DemoArguments {
    /// The `crawlspace` program; by default the one beside this program.
    #[arg(long)]
    crawlspace: Option<PathBuf>,
    /// Where Crawlspace keeps its data.
    #[arg(long, default_value = "./demo-data")]
    data_dir: PathBuf,
    /// The address of the UI and the API; by default 127.0.0.1:4320, or any port when that is
    /// taken.
    #[arg(long)]
    http: Option<SocketAddr>,
    /// How long the shop stays open (`30s`, `5m`, `1h`); by default until Ctrl-C.
    #[arg(long, value_parser = parse_duration)]
    duration: Option<Duration>,
}

#[derive(Subcommand)]
enum Role {
    #[command(hide = true)]
    Service(shop::ServiceArguments),
    #[command(hide = true)]
    Guard(guard::GuardArguments),
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let outcome = match arguments.role {
        Some(Role::Service(service)) => shop::run(&service).map(|()| ExitCode::SUCCESS),
        Some(Role::Guard(guard)) => guard::run(&guard),
        None => demo::run(&arguments.demo).map(|()| ExitCode::SUCCESS),
    };
    outcome.unwrap_or_else(|error| {
        eprintln!("crawlspace-demo: {error:#}");
        ExitCode::FAILURE
    })
}

/// Writes a line for the person who watches. Nobody reading is no reason to stop the shop.
fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn parse_duration(text: &str) -> anyhow::Result<Duration> {
    let digits_end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits_end);
    let number: u64 = number
        .parse()
        .with_context(|| format!("`{text}` is not a duration such as 30s"))?;
    let unit_seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        _ => anyhow::bail!("`{text}` has no unit: write 30s, 5m or 1h"),
    };
    let seconds = number
        .checked_mul(unit_seconds)
        .with_context(|| format!("`{text}` is too long"))?;
    Ok(Duration::from_secs(seconds))
}
