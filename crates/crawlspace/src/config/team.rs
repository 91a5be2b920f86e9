//! Flags of the commands for what a team keeps together: `saved` and `note`.

use clap::{Args, Subcommand};

use super::{RangeArguments, ServerArguments};

/// List, show and delete saved questions
///
/// They are saved in the window, or with POST /api/v1/saved.
#[derive(Debug, Args)]
#[command(after_help = SAVED_EXAMPLES)]
pub struct SavedArguments {
    #[command(subcommand)]
    pub action: SavedAction,
    #[command(flatten)]
    pub server: ServerArguments,
}

#[derive(Debug, Subcommand)]
pub enum SavedAction {
    /// List all saved questions, by name
    List,
    /// Show one, with its link
    Show {
        /// Its number, as `crawlspace saved list` shows it
        id: u32,
    },
    /// Delete one; its link leads nowhere from then on
    Delete {
        /// Its number, as `crawlspace saved list` shows it
        id: u32,
    },
}

const SAVED_EXAMPLES: &str = "\
Examples:
  crawlspace saved list
  crawlspace saved show 3
  crawlspace saved delete 3";

/// Pin notes to times, list and delete them
///
/// The window marks them on its charts.
#[derive(Debug, Args)]
#[command(after_help = NOTE_EXAMPLES)]
pub struct NoteArguments {
    #[command(subcommand)]
    pub action: NoteAction,
    #[command(flatten)]
    pub server: ServerArguments,
}

#[derive(Debug, Subcommand)]
pub enum NoteAction {
    /// Pin a note to now, or to another time
    Add {
        /// What happened
        text: String,
        /// The time: RFC 3339, or a number since 1970; without, now
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// The end of a stretch of time
        #[arg(long, value_name = "TIME")]
        until: Option<String>,
        /// What it is about, for example service.name=cart; repeated; without, it concerns everything
        #[arg(long, value_name = "FIELD=VALUE", value_parser = field_and_value)]
        about: Vec<(String, String)>,
    },
    /// List notes, the newest first
    List {
        #[command(flatten)]
        range: RangeArguments,
        /// The most notes to list, the newest: up to 1,000, and so many without
        #[arg(long, value_name = "NOTES")]
        limit: Option<u32>,
    },
    /// Delete a note
    Delete {
        /// Its number, as `crawlspace note list` shows it
        id: u32,
    },
}

const NOTE_EXAMPLES: &str = "\
Examples:
  crawlspace note add 'cart 1.4.2 is out' --about service.name=cart
  crawlspace note add 'the database was moved' --at 2026-11-26T02:00:00Z --until 2026-11-26T02:40:00Z
  crawlspace note list --last 7d
  crawlspace note delete 3";

/// Reads a field and its value; values may hold further signs of equality.
fn field_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((field, value)) if !field.is_empty() && !value.is_empty() => {
            Ok((field.to_owned(), value.to_owned()))
        }
        _ => Err("write it like service.name=cart".to_owned()),
    }
}
