//! `note`: pins, lists and deletes notes.

use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Stamp, ask, one_line};
use crate::client::path_with;
use crate::config::{NoteAction, NoteArguments};
use crate::failure::Failure;
use crate::print::table::new_table;
use crate::print::{Page, fitted, printable};

const PATH: &str = "/api/v1/notes";
/// So much of a note is told after it was deleted.
const DELETED_CHARS_MAX: usize = 60;

#[derive(Deserialize)]
struct Shown {
    id: u32,
    time: String,
    end: Option<String>,
    text: String,
    about: Vec<About>,
    #[serde(flatten)]
    stamp: Stamp,
}

#[derive(Deserialize)]
struct About {
    field: String,
    value: String,
}

#[derive(Deserialize)]
struct Listed {
    notes: Vec<Shown>,
    cut: bool,
}

pub async fn note(arguments: NoteArguments, page: &Page) -> Result<(), Failure> {
    let NoteArguments { action, server } = arguments;
    let text = match action {
        NoteAction::Add { .. } => added,
        NoteAction::List { .. } => listed,
        NoteAction::Delete { .. } => deleted,
    };
    ask(&server, page, request(&action), text).await
}

fn request(action: &NoteAction) -> (Method, String, Option<Value>) {
    match action {
        NoteAction::Add {
            text,
            at,
            until,
            about,
        } => {
            let about = about.iter();
            let about = about.map(|(field, value)| json!({"field": field, "value": value}));
            let about: Vec<Value> = about.collect();
            let body = json!({"time": at, "end": until, "text": text, "about": about});
            (Method::POST, PATH.to_owned(), Some(body))
        }
        NoteAction::List { range, limit } => {
            let limit = limit.map(|limit| limit.to_string());
            let parameters = [
                ("last", range.last.as_deref()),
                ("start", range.start.as_deref()),
                ("end", range.end.as_deref()),
                ("limit", limit.as_deref()),
            ];
            (Method::GET, path_with(PATH, &parameters), None)
        }
        NoteAction::Delete { id } => (Method::DELETE, format!("{PATH}/{id}"), None),
    }
}

fn added(json: &[u8], page: &Page) -> anyhow::Result<String> {
    let note: Shown = serde_json::from_slice(json)?;
    Ok(format!("note {} at {}", note.id, page.time(&note.time)))
}

fn deleted(json: &[u8], _: &Page) -> anyhow::Result<String> {
    let note: Shown = serde_json::from_slice(json)?;
    let text = fitted(&one_line(&note.text), DELETED_CHARS_MAX);
    Ok(format!("note {} is deleted ({text})", note.id))
}

fn listed(json: &[u8], page: &Page) -> anyhow::Result<String> {
    let Listed { notes, cut } = serde_json::from_slice(json)?;
    if notes.is_empty() {
        return Ok("no notes in this time: `crawlspace note add` pins one".to_owned());
    }
    let mut table = new_table();
    table.set_header(["id", "time", "until", "about", "by", "text"]);
    for note in &notes {
        let about = note.about.iter();
        let about = about.map(|about| printable(&format!("{}={}", about.field, about.value)));
        table.add_row([
            note.id.to_string(),
            page.time(&note.time),
            note.end
                .as_ref()
                .map_or_else(String::new, |end| page.time(end)),
            about.collect::<Vec<_>>().join(" "),
            printable(&note.stamp.created_by),
            one_line(&note.text),
        ]);
    }
    let mut text = table.trim_fmt();
    if cut {
        text.push_str(&page.dimmed("\nthere are older ones: ask for another time"));
    }
    Ok(text)
}
