//! The ledger as tables for people: what became of everything that was sent, and the last refusals.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment};
use serde::Deserialize;

use super::number::{counted, grouped};
use super::table::new_table;
use super::{Page, printable};

#[derive(Deserialize)]
struct Ledger {
    since: String,
    total: Total,
    lines: Vec<Line>,
    refusals: Vec<Refusal>,
}

#[derive(Deserialize)]
struct Line {
    day: Option<String>,
    key: u32,
    signal: String,
    #[serde(flatten)]
    total: Total,
}

#[derive(Deserialize)]
struct Total {
    received: Count,
    stored: Count,
    deduplicated: Count,
    sampled_out: Count,
    refused: BTreeMap<String, Count>,
    deferred: BTreeMap<String, Count>,
}

#[derive(Deserialize, Default, Clone, Copy)]
struct Count {
    requests: u64,
    records: u64,
}

#[derive(Deserialize)]
struct Refusal {
    time: String,
    times: u64,
    key: u32,
    signal: String,
    door: String,
    reason: String,
    message: String,
    user_agent: String,
}

/// The JSON of a ledger as text.
pub fn ledger(json: &[u8], page: &Page) -> anyhow::Result<String> {
    let ledger: Ledger = serde_json::from_slice(json)?;
    if ledger.lines.is_empty() {
        return Ok(
            "nothing has reached a door yet: docs/guide/missing-data.md says how to find out why"
                .to_owned(),
        );
    }
    let mut text = lines(&ledger);
    text.push('\n');
    text.push_str(&page.dimmed(&footer(&ledger, page)));
    if !ledger.refusals.is_empty() {
        _ = write!(
            text,
            "\n\nlast refusals\n{}",
            refusals(&ledger.refusals, page)
        );
    }
    Ok(text)
}

fn lines(ledger: &Ledger) -> String {
    let by_day = ledger.lines.iter().any(|line| line.day.is_some());
    let mut table = new_table();
    let names = [
        "key",
        "signal",
        "received",
        "stored",
        "deduplicated",
        "sampled out",
        "refused",
        "requests",
    ];
    let day = by_day.then_some("day");
    table.set_header(day.into_iter().chain(names));
    for line in &ledger.lines {
        let Total {
            received,
            stored,
            deduplicated,
            sampled_out,
            refused,
            ..
        } = &line.total;
        let numbers = [
            received.records,
            stored.records,
            deduplicated.records,
            sampled_out.records,
            sum(refused).records,
            received.requests,
        ];
        let key = match line.key {
            0 => "none".to_owned(),
            key => key.to_string(),
        };
        let texts = line.day.iter().cloned();
        let texts = texts.chain([key, line.signal.clone()]).map(Cell::new);
        table.add_row(texts.chain(numbers.map(right)));
    }
    table.trim_fmt()
}

/// The identity in words, in records; then requests that could not be read, and those that are to come again.
fn footer(ledger: &Ledger, page: &Page) -> String {
    let total = &ledger.total;
    let mut text = format!(
        "{} received = {} stored + {} deduplicated + {} sampled out + {} refused · since {}",
        counted(total.received.records, "record"),
        total.stored.records,
        total.deduplicated.records,
        total.sampled_out.records,
        sum(&total.refused).records,
        page.time(&ledger.since),
    );
    for (what, counts) in [
        ("refused", &total.refused),
        ("told to come again", &total.deferred),
    ] {
        let requests = counts.iter().filter(|(_, count)| count.requests > 0);
        for (reason, count) in requests {
            _ = write!(
                text,
                "\n{} {what}: {}",
                counted(count.requests, "request"),
                reason.replace('_', " ")
            );
        }
    }
    text
}

fn refusals(refusals: &[Refusal], page: &Page) -> String {
    let mut table = new_table();
    table.set_header(["last time", "times", "key", "from", "reason", "message"]);
    for refusal in refusals {
        let from = format!("{} {} {}", refusal.user_agent, refusal.door, refusal.signal);
        table.add_row([
            Cell::new(page.time(&refusal.time)),
            right(refusal.times),
            right(refusal.key.into()),
            Cell::new(printable(from.trim())),
            Cell::new(refusal.reason.replace('_', " ")),
            Cell::new(printable(&refusal.message)),
        ]);
    }
    table.trim_fmt()
}

fn right(number: u64) -> Cell {
    Cell::new(grouped(&number.to_string())).set_alignment(CellAlignment::Right)
}

fn sum(counts: &BTreeMap<String, Count>) -> Count {
    counts.values().fold(Count::default(), |sum, count| Count {
        requests: sum.requests + count.requests,
        records: sum.records + count.records,
    })
}

#[cfg(test)]
mod tests {
    use super::ledger;
    use crate::print::Page;

    #[test]
    fn the_table_says_what_became_of_it_and_the_footer_why() {
        let total = r#""received":{"requests":4,"records":12},"stored":{"requests":1,"records":7},
            "deduplicated":{"requests":1,"records":3},"sampled_out":{"requests":0,"records":0},
            "refused":{"invalid_record":{"requests":0,"records":2},"too_large":{"requests":2,"records":0}},
            "deferred":{"unavailable":{"requests":5,"records":0}}"#;
        let json = format!(
            r#"{{"since":"1700000000000000000","total":{{{total}}},"lines":[{{"key":0,"signal":"traces",{total}}}],
            "refusals":[{{"time":"1700000000000000001","first_time":"1","times":3,"key":7,"signal":"logs","door":"OTLP/HTTP",
            "reason":"too_large","message":"over \u001b[31m","user_agent":"sdk/1"}}]}}"#
        );
        let text = ledger(json.as_bytes(), &Page::plain()).unwrap();
        for part in [
            "│ none ┆ traces ┆       12 ┆      7 ┆            3 ┆           0 ┆       2 ┆        4 │",
            "12 records received = 7 stored + 3 deduplicated + 0 sampled out + 2 refused · since 2023-11-14T22:13:20Z\n",
            "2 requests refused: too large\n5 requests told to come again: unavailable\n",
            "too large",
            "sdk/1 OTLP/HTTP logs",
            r"over \u{1b}[31m",
        ] {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
        let empty = json.replace(&format!(r#"{{"key":0,"signal":"traces",{total}}}"#), "");
        assert!(
            ledger(empty.as_bytes(), &Page::plain())
                .unwrap()
                .starts_with("nothing")
        );
    }
}
