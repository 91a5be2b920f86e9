//! `key`: makes, lists and revokes keys, over a server or in a data directory that no server runs on.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use crawlspace_api::{CreatedAnswer, KeyAnswer};
use crawlspace_control::{Actor, Database, KeyRequest, Keys, Scope};
use crawlspace_disk::RealFs;
use crawlspace_model::SystemClock;
use reqwest::Method;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::client::Client;
use crate::config::{KeyAction, KeyArguments};
use crate::data_dir::DataDir;
use crate::failure::Failure;
use crate::print::table::new_table;
use crate::print::{Page, note, printable};

use super::show;

const PATH: &str = "/api/v1/keys";

pub async fn key(arguments: KeyArguments, page: &Page) -> Result<(), Failure> {
    let KeyArguments { action, server } = arguments;
    let answer = match &server.data_dir {
        Some(path) => {
            serde_json::to_vec(&in_directory(&action, path).await?).map_err(anyhow::Error::from)?
        }
        None => {
            let (method, path, body) = request(&action);
            let client = Client::new(&server)?;
            let request = client.request(method, &path);
            let request = match &body {
                Some(body) => request.json(body),
                None => request,
            };
            let answer = client.answer(request, None).await?;
            client.body(answer).await?
        }
    };
    show(
        &server,
        page,
        &answer,
        match action {
            KeyAction::Create { .. } => created,
            KeyAction::List => listed,
            KeyAction::Revoke { .. } => revoked,
        },
    )
}

fn request(action: &KeyAction) -> (Method, String, Option<Value>) {
    match action {
        KeyAction::Create {
            scope,
            name,
            origins,
        } => {
            let body = json!({"scope": scope, "name": name, "origins": origins});
            (Method::POST, PATH.to_owned(), Some(body))
        }
        KeyAction::List => (Method::GET, PATH.to_owned(), None),
        KeyAction::Revoke { number } => (Method::DELETE, format!("{PATH}/{number}"), None),
    }
}

/// What a server would answer.
async fn in_directory(action: &KeyAction, path: &Path) -> Result<Value, Failure> {
    if !path.join("crawlspace.json").exists() {
        let text = format!(
            "`{}` is no data directory: `crawlspace serve` makes one",
            path.display()
        );
        return Err(Failure::Wrong(text));
    }
    let data_dir = DataDir::open(&RealFs, path)?;
    let database = Database::open(&data_dir.control()).await;
    let database = database.map_err(anyhow::Error::from)?;
    let keys = Keys::open(database, Arc::new(SystemClock)).await;
    let keys = keys.map_err(anyhow::Error::from)?;
    let answer = change(action, &keys).await;
    keys.run(std::future::ready(())).await;
    answer.map_err(|error| Failure::Wrong(error.to_string()))
}

async fn change(action: &KeyAction, keys: &Keys) -> anyhow::Result<Value> {
    let answer = match action {
        KeyAction::Create {
            scope,
            name,
            origins,
        } => {
            let request = KeyRequest::new(name, Scope::parse(scope)?, origins)?;
            let created = keys.create(request, Actor::CommandLine).await?;
            serde_json::to_value(CreatedAnswer::from(created))
        }
        KeyAction::List => {
            let keys = keys.list().into_iter().map(KeyAnswer::from);
            serde_json::to_value(keys.collect::<Vec<_>>())
        }
        KeyAction::Revoke { number } => {
            let key = keys.revoke(*number, Actor::CommandLine).await?;
            serde_json::to_value(KeyAnswer::from(key))
        }
    };
    Ok(answer?)
}

#[derive(Deserialize)]
struct Shown {
    number: u32,
    name: String,
    scope: String,
    origins: Vec<String>,
    created_at: String,
    used_at: Option<String>,
    revoked_at: Option<String>,
    secret: Option<String>,
}

/// The secret alone goes to stdout, so that a script can take it.
fn created(json: &[u8], _: &Page) -> anyhow::Result<String> {
    let key: Shown = serde_json::from_slice(json)?;
    let what = format!(
        "key {} ({}): this is the one time that it is shown",
        key.number, key.scope
    );
    note(&what);
    Ok(key.secret.unwrap_or_default())
}

fn revoked(json: &[u8], _: &Page) -> anyhow::Result<String> {
    let key: Shown = serde_json::from_slice(json)?;
    let mut text = format!("key {} is revoked", key.number);
    if !key.name.is_empty() {
        _ = write!(text, " ({})", printable(&key.name));
    }
    Ok(text)
}

fn listed(json: &[u8], page: &Page) -> anyhow::Result<String> {
    let keys: Vec<Shown> = serde_json::from_slice(json)?;
    if keys.is_empty() {
        return Ok("no keys yet: `crawlspace key create` makes one".to_owned());
    }
    let mut table = new_table();
    table.set_header([
        "key", "scope", "name", "created", "used", "revoked", "origins",
    ]);
    for key in keys {
        let time =
            |nanos: Option<String>| nanos.map_or_else(|| "-".to_owned(), |nanos| page.time(&nanos));
        table.add_row([
            key.number.to_string(),
            key.scope,
            printable(&key.name),
            time(Some(key.created_at)),
            time(key.used_at),
            time(key.revoked_at),
            key.origins.join(" "),
        ]);
    }
    Ok(table.trim_fmt())
}
