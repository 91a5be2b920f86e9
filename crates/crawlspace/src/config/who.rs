//! Flags of the commands that look for what is different: `entity` and `odd`.

use clap::Args;

use super::{RangeArguments, ServerArguments};

/// Show what happened to a user, tenant, session, endpoint …, and how it fares among all
#[derive(Debug, Args)]
#[command(after_help = ENTITY_EXAMPLES)]
pub struct EntityArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// The field that names it
    pub field: String,
    /// Its value
    pub value: String,
    #[command(flatten)]
    pub range: RangeArguments,
    /// The most traces to show, the newest: up to 50; without, 10
    #[arg(long, value_name = "TRACES")]
    pub limit: Option<u64>,
}

const ENTITY_EXAMPLES: &str = "\
Examples:
  crawlspace entity user.id 4711
  crawlspace entity tenant.id acme --last 1h
  crawlspace entity service.version 1.4.1 --limit 3";

/// Show what is odd now: flows and services that differ from the same hour of the days before
#[derive(Debug, Args)]
#[command(after_help = ODD_EXAMPLES)]
pub struct OddArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// The end of the hour to look at: RFC 3339, or a number since 1970; without, now
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// The most findings to show, the worst; without, 20
    #[arg(long, value_name = "FINDINGS")]
    pub limit: Option<u64>,
}

const ODD_EXAMPLES: &str = "\
Examples:
  crawlspace odd
  crawlspace odd --at 2026-11-22T10:00:00Z
  crawlspace odd --json | jq '.findings[0].compare'";
