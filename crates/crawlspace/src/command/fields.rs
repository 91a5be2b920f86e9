//! `fields`: which fields there are, or what is in one.

use crate::client::{Client, encoded};
use crate::config::FieldsArguments;
use crate::failure::Failure;
use crate::print::{Page, fields as pages};

use super::show;

pub async fn fields(arguments: FieldsArguments, page: &Page) -> Result<(), Failure> {
    let client = Client::new(&arguments.server)?;
    let range = &arguments.range;
    let limit = arguments.limit.map(|limit| limit.to_string());
    let parameters = [
        ("from", Some(arguments.from.as_str())),
        ("last", range.last.as_deref()),
        ("start", range.start.as_deref()),
        ("end", range.end.as_deref()),
        ("q", arguments.containing.as_deref()),
        ("limit", limit.as_deref()),
    ];
    let path = match &arguments.name {
        Some(name) => format!("/api/v1/fields/{}", encoded(name)),
        None => "/api/v1/fields".to_owned(),
    };
    let request = client.get_with(&path, &parameters);
    let answer = client.answer(request, None).await?;
    let answer = client.body(answer).await?;
    let text = match arguments.name {
        Some(_) => pages::detail,
        None => pages::list,
    };
    show(&arguments.server, page, &answer, text)
}
