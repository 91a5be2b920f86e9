//! One file for each command: from its arguments to what is printed.

pub mod backup;
pub mod completions;
pub mod doctor;
pub mod export;
pub mod fields;
pub mod import;
pub mod insight;
pub mod key;
pub mod ledger;
pub mod query;
pub mod serve;
pub mod sql;
pub mod tail;
pub mod team;
pub mod trace;

use crate::config::ServerArguments;
use crate::failure::Failure;
use crate::print::{self, Page};

/// Writes a server's JSON as it is, if that is wanted, or as text for people.
fn show(
    server: &ServerArguments,
    page: &Page,
    answer: &[u8],
    text: impl FnOnce(&[u8], &Page) -> anyhow::Result<String>,
) -> Result<(), Failure> {
    let text = match server.json {
        true => String::from_utf8_lossy(answer).into_owned(),
        false => text(answer, page)?,
    };
    print::write_text(&text)?;
    Ok(())
}
