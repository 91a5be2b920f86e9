//! `ledger`: what became of everything that was sent.

use crate::client::Client;
use crate::config::LedgerArguments;
use crate::failure::Failure;
use crate::print::{self, Page};

use super::show;

pub async fn ledger(arguments: LedgerArguments, page: &Page) -> Result<(), Failure> {
    let path = match arguments.by_day {
        true => "/api/v1/ledger?by=day",
        false => "/api/v1/ledger",
    };
    let client = Client::new(&arguments.server)?;
    let answer = client.ask(path, None, None).await?;
    show(&arguments.server, page, &answer, print::ledger::ledger)
}
