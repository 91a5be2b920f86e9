//! `saved`: lists, shows and deletes saved questions.

use reqwest::Method;
use serde::Deserialize;

use super::{Stamp, ask, one_line};
use crate::client::Client;
use crate::config::{SavedAction, SavedArguments};
use crate::failure::Failure;
use crate::print::table::new_table;
use crate::print::{Page, printable};

const PATH: &str = "/api/v1/saved";

#[derive(Deserialize)]
struct Shown {
    id: u32,
    name: String,
    description: String,
    address: String,
    #[serde(flatten)]
    stamp: Stamp,
}

pub async fn saved(arguments: SavedArguments, page: &Page) -> Result<(), Failure> {
    let SavedArguments { action, server } = arguments;
    let one = |id: u32| format!("{PATH}/{id}");
    match action {
        SavedAction::List => {
            let request = (Method::GET, PATH.to_owned(), None);
            ask(&server, page, request, listed).await
        }
        SavedAction::Show { id } => {
            let window = Client::new(&server)?.server().to_owned();
            let request = (Method::GET, one(id), None);
            let shown = |json: &[u8], page: &Page| shown(json, page, &window);
            ask(&server, page, request, shown).await
        }
        SavedAction::Delete { id } => {
            let request = (Method::DELETE, one(id), None);
            ask(&server, page, request, deleted).await
        }
    }
}

fn listed(json: &[u8], page: &Page) -> anyhow::Result<String> {
    let all: Vec<Shown> = serde_json::from_slice(json)?;
    if all.is_empty() {
        return Ok("no saved questions yet: the window saves what it shows".to_owned());
    }
    let mut table = new_table();
    table.set_header(["id", "name", "page", "made", "by", "description"]);
    for saved in all {
        let page_of_window = saved.address.split('?').next().unwrap_or_default();
        table.add_row([
            saved.id.to_string(),
            printable(&saved.name),
            match page_of_window.is_empty() {
                true => "now".to_owned(),
                false => printable(page_of_window),
            },
            page.time(&saved.stamp.created_at),
            printable(&saved.stamp.created_by),
            one_line(&saved.description),
        ]);
    }
    Ok(table.trim_fmt())
}

fn shown(json: &[u8], page: &Page, window: &str) -> anyhow::Result<String> {
    let saved: Shown = serde_json::from_slice(json)?;
    let mut lines = vec![format!("{}: {}", saved.id, printable(&saved.name))];
    lines.extend(saved.description.lines().map(printable));
    lines.push(format!("{window}/s/{}", saved.id));
    lines.push(format!("{window}/{}", printable(&saved.address)));
    lines.push(page.dimmed(&saved.stamp.text(page)));
    Ok(lines.join("\n"))
}

fn deleted(json: &[u8], _: &Page) -> anyhow::Result<String> {
    let saved: Shown = serde_json::from_slice(json)?;
    let name = printable(&saved.name);
    Ok(format!("saved question {} is deleted ({name})", saved.id))
}
