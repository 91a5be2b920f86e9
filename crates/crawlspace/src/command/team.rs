//! What a team keeps together: `saved` and `note`.

mod note;
mod saved;

use std::fmt::Write as _;

pub use note::note;
use reqwest::Method;
pub use saved::saved;
use serde::Deserialize;
use serde_json::Value;

use super::show;
use crate::client::Client;
use crate::config::ServerArguments;
use crate::failure::Failure;
use crate::print::{Page, printable};

/// By whom and when something was made, and last changed.
#[derive(Deserialize)]
struct Stamp {
    created_at: String,
    created_by: String,
    changed_at: Option<String>,
    changed_by: Option<String>,
}

impl Stamp {
    fn text(&self, page: &Page) -> String {
        let by = |at: &str, who: &str| format!("{} by {}", page.time(at), printable(who));
        let mut text = format!("made {}", by(&self.created_at, &self.created_by));
        if let (Some(at), Some(who)) = (&self.changed_at, &self.changed_by) {
            _ = write!(text, ", changed {}", by(at, who));
        }
        text
    }
}

/// Asks, and shows the answer.
async fn ask(
    server: &ServerArguments,
    page: &Page,
    (method, path, body): (Method, String, Option<Value>),
    text: impl FnOnce(&[u8], &Page) -> anyhow::Result<String>,
) -> Result<(), Failure> {
    let client = Client::new(server)?;
    let request = client.request(method, &path);
    let request = match &body {
        Some(body) => request.json(body),
        None => request,
    };
    let answer = client.answer(request, None).await?;
    let answer = client.body(answer).await?;
    show(server, page, &answer, text)
}

/// Texts of several lines on one.
fn one_line(text: &str) -> String {
    printable(&text.split('\n').collect::<Vec<_>>().join(" "))
}
