//! `map`: what talks to what.

use crate::client::Client;
use crate::config::MapArguments;
use crate::failure::Failure;
use crate::print::{Page, map as pages};

use crate::command::show;

pub async fn map(arguments: MapArguments, page: &Page) -> Result<(), Failure> {
    let client = Client::new(&arguments.server)?;
    let range = &arguments.range;
    let condition = arguments.all_conditions();
    let parameters = [
        ("last", range.last.as_deref()),
        ("start", range.start.as_deref()),
        ("end", range.end.as_deref()),
        ("where", condition.as_deref()),
        ("compare_before", arguments.compare_before.as_deref()),
        ("compare_start", arguments.compare_start.as_deref()),
        ("compare_end", arguments.compare_end.as_deref()),
        ("compare_where", arguments.compare_where.as_deref()),
    ];
    let request = client.get_with("/api/v1/map", &parameters);
    let answer = client.answer(request, None).await?;
    let answer = client.body(answer).await?;
    show(&arguments.server, page, &answer, pages::map)
}
