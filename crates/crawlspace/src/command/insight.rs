//! What the data means, in words: `entity` and `odd`; below, `compare` and `map`.

pub mod compare;
pub mod map;

use crate::client::Client;
use crate::config::{EntityArguments, OddArguments};
use crate::failure::Failure;
use crate::print::{self, Page};

use super::show;

pub async fn entity(arguments: EntityArguments, page: &Page) -> Result<(), Failure> {
    let client = Client::new(&arguments.server)?;
    let range = &arguments.range;
    let limit = arguments.limit.map(|limit| limit.to_string());
    let parameters = [
        ("field", Some(arguments.field.as_str())),
        ("value", Some(arguments.value.as_str())),
        ("last", range.last.as_deref()),
        ("start", range.start.as_deref()),
        ("end", range.end.as_deref()),
        ("limit", limit.as_deref()),
    ];
    let request = client.get_with("/api/v1/entity", &parameters);
    let answer = client.answer(request, None).await?;
    let answer = client.body(answer).await?;
    show(&arguments.server, page, &answer, print::entity::entity)
}

pub async fn odd(arguments: OddArguments, page: &Page) -> Result<(), Failure> {
    let client = Client::new(&arguments.server)?;
    let limit = arguments.limit.map(|limit| limit.to_string());
    let parameters = [("at", arguments.at.as_deref()), ("limit", limit.as_deref())];
    let request = client.get_with("/api/v1/odd", &parameters);
    let answer = client.answer(request, None).await?;
    let answer = client.body(answer).await?;
    show(&arguments.server, page, &answer, print::odd::odd)
}
