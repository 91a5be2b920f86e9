//! `trace`: one trace as a waterfall.

use crate::client::{Client, encoded};
use crate::config::TraceArguments;
use crate::failure::Failure;
use crate::print::{Page, waterfall};

use super::show;

pub async fn trace(arguments: TraceArguments, page: &Page) -> Result<(), Failure> {
    let client = Client::new(&arguments.server)?;
    let path = format!("/api/v1/traces/{}", encoded(arguments.id.trim()));
    let answer = client.ask(&path, None, None).await?;
    show(&arguments.server, page, &answer, waterfall::trace)
}
