//! An entity among all: the verdict, its figures beside everyone's, and its traces hop by hop.

use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment};
use serde::Deserialize;

use super::number::{amount, counted, duration};
use super::table::new_table;
use super::{Page, fitted, printable, wrapped};

const PLACE_WIDTH: usize = 26;
const OPERATION_WIDTH: usize = 32;

#[derive(Deserialize)]
struct Entity {
    field: String,
    value: String,
    statement: String,
    request: String,
    figures: Figures,
    everyone: Option<Everyone>,
    traces_compared: u64,
    other_traces_compared: u64,
    other_traces_are_all: bool,
    traces: Vec<Trace>,
    events: Vec<Event>,
    elapsed_ms: f64,
}

#[derive(Deserialize)]
struct Figures {
    requests: f64,
    errors: f64,
    p50_ns: Option<f64>,
    p99_ns: Option<f64>,
}

#[derive(Deserialize)]
struct Everyone {
    entities: f64,
    are_all: bool,
    requests: Option<f64>,
    error_share: Option<f64>,
    p50_ns: Option<f64>,
    p99_ns: Option<f64>,
    fewer_requests: f64,
    fewer_errors: f64,
    faster_p50: f64,
    faster_p99: f64,
}

#[derive(Deserialize)]
struct Trace {
    trace_id: String,
    time: String,
    failed: bool,
    statement: String,
    hops: Vec<Hop>,
    hops_left_out: u64,
}

#[derive(Deserialize)]
struct Hop {
    hop: u32,
    name: String,
    operation: String,
    failed: bool,
    message: Option<String>,
    duration_ns: i64,
}

#[derive(Deserialize)]
struct Event {
    time: String,
    #[serde(rename = "service.name")]
    service_name: Option<String>,
    severity_text: Option<String>,
    #[serde(rename = "event.name")]
    event_name: Option<String>,
    text: String,
}

/// The JSON of an entity as text.
pub fn entity(json: &[u8], page: &Page) -> anyhow::Result<String> {
    let entity: Entity = serde_json::from_slice(json)?;
    let head = format!("{} {}: {}", entity.field, entity.value, entity.statement);
    let mut text = wrapped(&printable(&head), page.chart_width(), "");
    if entity.figures.requests > 0.0 {
        text += &format!("\n{}\n", figures(&entity));
        let request = format!("a request is {}", printable(&entity.request));
        text += &page.dimmed(&wrapped(&request, page.chart_width(), ""));
    }
    for trace in &entity.traces {
        text += &format!("\n{}", trace_text(trace, page));
    }
    if !entity.events.is_empty() {
        text += "\n";
        for event in &entity.events {
            let parts = [&event.service_name, &event.severity_text, &event.event_name];
            let parts = parts.into_iter().flatten().map(String::as_str);
            let parts: Vec<&str> = parts.chain([event.text.as_str()]).collect();
            let line = format!(
                "{}  {}",
                page.time(&event.time),
                printable(&parts.join("  "))
            );
            text += &format!("{}\n", fitted(&line, page.chart_width()));
        }
    }
    text += &page.dimmed(&footer(&entity));
    Ok(text)
}

fn figures(entity: &Entity) -> String {
    let mut table = new_table();
    let right = |text: String| Cell::new(text).set_alignment(CellAlignment::Right);
    let everyone = entity.everyone.as_ref();
    let mut header = vec![Cell::new(""), right("this one".to_owned())];
    if let Some(everyone) = everyone {
        let all = if everyone.are_all { "all " } else { "" };
        let others = format!(
            "middle of {all}{}",
            counted(everyone.entities as u64, "other")
        );
        header.extend([right(others), right("it is above".to_owned())]);
    }
    table.set_header(header);
    let share = entity.figures.errors / entity.figures.requests;
    let time = |nanos: Option<f64>| nanos.map_or_else(|| "–".to_owned(), duration);
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let of = |value: fn(&Everyone) -> f64| everyone.map(value);
    let rows = [
        (
            "requests",
            amount(entity.figures.requests),
            everyone.and_then(|all| all.requests).map(amount),
            of(|all| all.fewer_requests),
        ),
        (
            "failed",
            percent(share),
            everyone.and_then(|all| all.error_share).map(percent),
            of(|all| all.fewer_errors),
        ),
        (
            "p50",
            time(entity.figures.p50_ns),
            everyone.map(|all| time(all.p50_ns)),
            of(|all| all.faster_p50),
        ),
        (
            "p99",
            time(entity.figures.p99_ns),
            everyone.map(|all| time(all.p99_ns)),
            of(|all| all.faster_p99),
        ),
    ];
    for (name, own, middle, above) in rows {
        let mut cells = vec![Cell::new(name), right(own)];
        if everyone.is_some() {
            cells.push(right(middle.unwrap_or_default()));
            cells.push(right(above.map(percent).unwrap_or_default()));
        }
        table.add_row(cells);
    }
    table.trim_fmt()
}

fn trace_text(trace: &Trace, page: &Page) -> String {
    let head = format!(
        "{}  {}",
        page.time(&trace.time),
        printable(&trace.statement)
    );
    let head = wrapped(&head, page.chart_width(), "  ");
    let mut text = if trace.failed { page.red(&head) } else { head };
    for hop in &trace.hops {
        let place = fitted(&printable(&hop.name), PLACE_WIDTH);
        let operation = fitted(&printable(&hop.operation), OPERATION_WIDTH);
        let took = duration(hop.duration_ns as f64);
        let line = format!(
            "  {:>2}  {place:PLACE_WIDTH$}  {operation:OPERATION_WIDTH$}  {took:>9}",
            hop.hop
        );
        let line = if hop.failed { page.red(&line) } else { line };
        _ = writeln!(text, "{line}");
        if let Some(message) = &hop.message {
            let message = format!("      {}", printable(message));
            _ = writeln!(text, "{}", fitted(&message, page.chart_width()));
        }
    }
    if trace.hops_left_out > 0 {
        _ = writeln!(
            text,
            "      … and {}",
            counted(trace.hops_left_out, "more step")
        );
    }
    _ = writeln!(
        text,
        "      {}",
        page.dimmed(&format!("crawlspace trace {}", trace.trace_id))
    );
    text
}

fn footer(entity: &Entity) -> String {
    let which = if entity.other_traces_are_all {
        "all "
    } else {
        ""
    };
    format!(
        "\n{} compared with {which}{} · {}",
        counted(entity.traces_compared, "newest trace"),
        counted(entity.other_traces_compared, "other"),
        duration(entity.elapsed_ms * 1e6)
    )
}
