//! A trace as a waterfall in the terminal: the tree of its spans, each with a bar at its place in time.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::number::{self, counted};
use super::{Page, fitted, printable};

/// Characters of the durations, and between the parts of a line.
const DURATION_WIDTH: usize = 10;
const GAP: usize = 2;
/// Characters of the part with services and names, at most.
const LABEL_WIDTH_MAX: usize = 70;
/// Deeper levels are drawn at this depth, with their number.
const DEPTH_DRAWN_MAX: usize = 16;
/// Characters that are left for an event or log record, however deep it is.
const EVENT_WIDTH_MIN: usize = 40;

#[derive(Deserialize)]
struct Trace {
    trace_id: String,
    spans: Vec<Span>,
    /// By time.
    #[serde(default)]
    logs: Vec<Log>,
    damaged_parts: u64,
}

#[derive(Deserialize)]
struct Span {
    span_id: String,
    parent_span_id: Option<String>,
    name: String,
    time: String,
    duration_ns: Option<i64>,
    status_code: String,
    status_message: Option<String>,
    #[serde(rename = "service.name")]
    service_name: Option<String>,
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Event {
    time: String,
    name: Option<String>,
    attributes: Map<String, Value>,
}

#[derive(Deserialize)]
struct Log {
    time: String,
    span_id: Option<String>,
    severity_text: Option<String>,
    #[serde(rename = "event.name")]
    event_name: Option<String>,
    body: Option<Value>,
    attributes: Map<String, Value>,
}

/// A span at its place in the tree.
struct Line<'a> {
    span: &'a Span,
    /// What stands before the span itself, and before lines below it.
    branch: String,
    below: String,
}

/// The JSON of a trace as text.
pub fn trace(json: &[u8], page: &Page) -> anyhow::Result<String> {
    let trace: Trace = serde_json::from_slice(json)?;
    let start = trace
        .spans
        .iter()
        .map(Span::start)
        .min()
        .unwrap_or_default();
    let end = trace.spans.iter().map(Span::end).max().unwrap_or_default();
    let total = end.saturating_sub(start).max(1);
    let lines = lines(&trace.spans);
    let width = page.chart_width();
    // Two thirds of what the durations leave are for names.
    let label_width_max = (width - DURATION_WIDTH - 2 * GAP) * 2 / 3;
    let label_width = lines
        .iter()
        .map(|line| line.label().chars().count())
        .max()
        .unwrap_or_default()
        .min(label_width_max)
        .min(LABEL_WIDTH_MAX);
    let bar_width = width - label_width - DURATION_WIDTH - 2 * GAP;

    let mut logs: HashMap<&str, Vec<&Log>> = HashMap::new();
    for log in &trace.logs {
        let span = log.span_id.as_deref().unwrap_or_default();
        logs.entry(span).or_default().push(log);
    }
    let mut text = header(&trace, start, total, page);
    for Line {
        span,
        branch,
        below,
    } in &lines
    {
        let label = fitted(&label(branch, span), label_width);
        let bar = bar(
            span.start() - start,
            span.end() - span.start(),
            total,
            bar_width,
        );
        let duration = span.duration_ns.map_or_else(
            || "unfinished".to_owned(),
            |nanos| number::duration(nanos as f64),
        );
        let row = format!("{label:label_width$}  {bar:bar_width$}  {duration:>DURATION_WIDTH$}");
        if span.status_code == "error" {
            _ = writeln!(text, "{}", page.red(&row));
            let message = span.status_message.as_deref().unwrap_or_default();
            let message = format!("{below}  ✗ error {}", printable(message));
            let message = fitted(message.trim_end(), width);
            _ = writeln!(text, "{}", page.red(&message));
        } else {
            _ = writeln!(text, "{row}");
        }
        let logs = logs.remove(span.span_id.as_str()).unwrap_or_default();
        for (_, note) in notes(span, &logs) {
            let room = width.saturating_sub(below.chars().count() + 4);
            let note = fitted(&note, room.max(EVENT_WIDTH_MIN));
            _ = writeln!(text, "{}", page.dimmed(&format!("{below}  • {note}")));
        }
    }
    text.push_str(&beside(&trace.logs, &logs, start, width));
    Ok(text)
}

/// A span's events and log records, by time.
fn notes(span: &Span, logs: &[&Log]) -> Vec<(i64, String)> {
    let start = span.start();
    let events = span.events.iter().map(|event| event.note(start));
    let mut notes: Vec<(i64, String)> = events
        .chain(logs.iter().map(|log| log.note(start)))
        .collect();
    notes.sort_by_key(|(time, _)| *time);
    notes
}

/// The log records whose span is not there.
fn beside(all: &[Log], left: &HashMap<&str, Vec<&Log>>, start: i64, width: usize) -> String {
    let mut text = String::new();
    let is_left = |log: &&Log| left.contains_key(log.span_id.as_deref().unwrap_or_default());
    for log in all.iter().filter(is_left) {
        if text.is_empty() {
            text.push_str("log records of no span above\n");
        }
        let (_, note) = log.note(start);
        _ = writeln!(text, "  • {}", fitted(&note, width - 4));
    }
    text
}

fn header(trace: &Trace, start: i64, total: i64, page: &Page) -> String {
    let services: BTreeSet<_> = trace
        .spans
        .iter()
        .filter_map(|span| span.service_name.as_deref())
        .collect();
    let logs = match trace.logs.len() as u64 {
        0 => String::new(),
        logs => format!(" · {}", counted(logs, "log record")),
    };
    let mut text = format!(
        "trace {}\n{} · {}{logs} · {} · from {}\n",
        trace.trace_id,
        counted(trace.spans.len() as u64, "span"),
        counted(services.len() as u64, "service"),
        number::duration(total as f64),
        page.time(&start.to_string()),
    );
    if trace.damaged_parts > 0 {
        let damaged = counted(trace.damaged_parts, "damaged part");
        _ = writeln!(text, "{damaged} set aside: spans may be missing");
    }
    text
}

/// The spans as a tree, depth first. Spans whose parent is not there are roots; so is one of each circle of parents.
fn lines(spans: &[Span]) -> Vec<Line<'_>> {
    let ids: BTreeSet<&str> = spans.iter().map(|span| span.span_id.as_str()).collect();
    let mut children: HashMap<&str, Vec<usize>> = HashMap::new();
    let mut roots = Vec::new();
    for (i, span) in spans.iter().enumerate() {
        match span
            .parent_span_id
            .as_deref()
            .filter(|parent| ids.contains(parent))
        {
            Some(parent) => children.entry(parent).or_default().push(i),
            None => roots.push(i),
        }
    }
    let mut lines = Vec::with_capacity(spans.len());
    let mut is_drawn = vec![false; spans.len()];
    for root in roots.into_iter().chain(0..spans.len()) {
        let mut open = vec![(root, 0, String::new(), String::new())];
        while let Some((i, depth, branch, below)) = open.pop() {
            if std::mem::replace(&mut is_drawn[i], true) {
                continue;
            }
            let span = &spans[i];
            // Spans that share an id share their children too: the first has them.
            let inner = children.remove(span.span_id.as_str()).unwrap_or_default();
            for (place, child) in inner.iter().enumerate().rev() {
                let is_last = place + 1 == inner.len();
                let (branch, below) = drawn(&below, depth + 1, is_last);
                open.push((*child, depth + 1, branch, below));
            }
            let stem = if inner.is_empty() { " " } else { "│" };
            lines.push(Line {
                span,
                branch,
                below: format!("{below}{stem}"),
            });
        }
    }
    lines
}

/// What stands before a span at `depth`, and before what is below it.
fn drawn(above: &str, depth: usize, is_last: bool) -> (String, String) {
    if depth > DEPTH_DRAWN_MAX {
        return (format!("{above}({depth}) "), above.to_owned());
    }
    let (branch, stem) = if is_last {
        ("└─ ", "   ")
    } else {
        ("├─ ", "│  ")
    };
    (format!("{above}{branch}"), format!("{above}{stem}"))
}

impl Line<'_> {
    fn label(&self) -> String {
        label(&self.branch, self.span)
    }
}

fn label(branch: &str, span: &Span) -> String {
    let service = span.service_name.as_deref().unwrap_or("?");
    format!("{branch}{} · {}", printable(service), printable(&span.name))
}

impl Span {
    fn start(&self) -> i64 {
        self.time.parse().unwrap_or_default()
    }

    fn end(&self) -> i64 {
        self.start()
            .saturating_add(self.duration_ns.unwrap_or_default().max(0))
    }
}

impl Event {
    fn note(&self, span_start: i64) -> (i64, String) {
        let name = self.name.as_deref().unwrap_or("event");
        note(&self.time, span_start, name, &self.attributes)
    }
}

impl Log {
    fn note(&self, span_start: i64) -> (i64, String) {
        let body = match &self.body {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => self.event_name.clone().unwrap_or_default(),
        };
        let severity = self.severity_text.as_deref().unwrap_or("log");
        let what = format!("{severity} {body}");
        note(&self.time, span_start, &what, &self.attributes)
    }
}

/// When, and in a line: what happened, how long after its span began, and what came with it.
fn note(time: &str, span_start: i64, what: &str, attributes: &Map<String, Value>) -> (i64, String) {
    let time = time.parse().unwrap_or(span_start);
    let after = number::duration(time.saturating_sub(span_start) as f64);
    let mut text = format!("+{after} {}", printable(what)).replace("+-", "-");
    for (key, value) in attributes {
        _ = write!(
            text,
            " {}={}",
            printable(key),
            printable(&value.to_string())
        );
    }
    (time, text)
}

fn bar(offset: i64, length: i64, total: i64, width: usize) -> String {
    let place = |nanos: i64| (i128::from(nanos) * width as i128 / i128::from(total)) as usize;
    let before = place(offset).min(width - 1);
    let length = place(length).clamp(1, width - before);
    format!("{}{}", " ".repeat(before), "█".repeat(length))
}

#[cfg(test)]
mod tests {
    use super::trace;
    use crate::print::Page;

    fn span(
        id: &str,
        parent: Option<&str>,
        name: &str,
        start: i64,
        duration: i64,
        rest: &str,
    ) -> String {
        let parent = parent.map_or("null".to_owned(), |parent| format!("\"{parent}\""));
        format!(
            r#"{{"span_id":"{id}","parent_span_id":{parent},"name":"{name}","time":"{start}","duration_ns":{duration},
            "service.name":"shop","status_message":null,{rest}}}"#
        )
    }

    fn lines_of(spans: &[String]) -> Vec<String> {
        let json = format!(
            r#"{{"trace_id":"ab","damaged_parts":0,"spans":[{}]}}"#,
            spans.join(",")
        );
        trace(json.as_bytes(), &Page::plain())
            .unwrap()
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect()
    }

    const OK: &str = r#""status_code":"unset","events":[]"#;

    #[test]
    fn a_trace_is_a_tree_with_bars_events_and_errors() {
        let failing = r#""status_code":"error","events":[{"time":"1500000","name":"exception","attributes":{"exception.type":"Bad"}}]"#;
        let lines = lines_of(&[
            span("a", None, "GET /", 0, 3_200_000, OK),
            span("b", Some("a"), "read", 1_000_000, 1_000_000, failing),
            span("c", Some("b"), "disk", 1_000_000, 1_000, OK),
            span("d", Some("a"), "write", 3_100_000, 100_000, OK),
            span("e", Some("lost"), "late", 0, 1, OK),
        ]);
        assert_eq!(
            lines[..2],
            [
                "trace ab",
                "5 spans · 1 service · 3.2 ms · from 1970-01-01T00:00:00Z"
            ]
        );
        let expected = [
            (
                "shop · GET /",
                "██████████████████████████████████",
                "3.2 ms",
            ),
            ("├─ shop · read", "   █████████", "1.0 ms"),
            ("│  │  ✗ error", "", "error"),
            ("│  │  • +500.0 µs exception", "", "exception.type=\"Bad\""),
            ("│  └─ shop · disk", "          █", "1.0 µs"),
            ("└─ shop · write", "                   █", "100.0 µs"),
            ("shop · late", "█", "1 ns"),
        ];
        assert_eq!(lines.len(), expected.len() + 2);
        for (line, (label, bar, end)) in lines[2..].iter().zip(expected) {
            assert!(
                line.starts_with(label) && line.ends_with(end) && line.contains(bar),
                "{line}"
            );
            assert!(line.chars().count() <= 80, "{line}");
        }
    }

    #[test]
    fn log_records_stand_below_their_span_or_at_the_end() {
        let log = |span: &str, body: &str| {
            format!(
                r#"{{"time":"1500000","span_id":{span},"severity_text":"WARN","event.name":null,"body":{body},"attributes":{{"n":1}}}}"#
            )
        };
        let json = format!(
            r#"{{"trace_id":"ab","damaged_parts":0,"spans":[{}],"logs":[{},{},{}]}}"#,
            span("a", None, "GET /", 1_000_000, 3_000_000, OK),
            log("\"a\"", "\"slow\""),
            log("\"lost\"", "{\"k\":2}"),
            log("null", "null"),
        );
        let text = trace(json.as_bytes(), &Page::plain()).unwrap();
        assert!(
            text.contains("1 service · 3 log records · 3.0 ms"),
            "{text}"
        );
        let rest = [
            "   • +500.0 µs WARN slow n=1",
            "log records of no span above",
            "  • +500.0 µs WARN {\"k\":2} n=1",
            "  • +500.0 µs WARN  n=1",
        ];
        assert!(text.trim_end().ends_with(&rest.join("\n")), "{text}");
    }

    #[test]
    fn circles_deep_trees_and_equal_ids_show_every_span_once() {
        let circle = [
            span("a", Some("b"), "x", 0, 1, OK),
            span("b", Some("a"), "y", 0, 1, OK),
            span("a", None, "z", 0, 1, OK),
        ];
        assert_eq!(lines_of(&circle).len(), 5);
        let own_parent = [span("a", Some("a"), "x", 0, 1, OK)];
        assert_eq!(lines_of(&own_parent).len(), 3);
        let deep: Vec<String> = (0..5_000)
            .map(|i| {
                span(
                    &i.to_string(),
                    (i > 0).then(|| (i - 1).to_string()).as_deref(),
                    "x",
                    0,
                    1,
                    OK,
                )
            })
            .collect();
        let lines = lines_of(&deep);
        assert_eq!(lines.len(), 5_002);
        assert!(lines.iter().all(|line| line.chars().count() < 140));
    }
}
