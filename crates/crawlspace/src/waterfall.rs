//! A trace as a waterfall in the terminal: the tree of its spans, each with a bar at its place in time.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::{Map, Value};

use crate::print::{counted, dimmed, printable, styled, time};

/// Characters of the bars' part.
const BAR_WIDTH: usize = 32;
/// Characters of the part with services and names, at most.
const LABEL_WIDTH_MAX: usize = 70;
/// Deeper levels are drawn at this depth, with their number.
const DEPTH_DRAWN_MAX: usize = 16;
/// Characters of an event's attributes that are shown.
const EVENT_WIDTH_MAX: usize = 100;

const RED: &str = "31";

#[derive(Deserialize)]
struct Trace {
    trace_id: String,
    spans: Vec<Span>,
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

/// A span at its place in the tree.
struct Line<'a> {
    span: &'a Span,
    /// What stands before the span itself, and before lines below it.
    branch: String,
    below: String,
}

/// The JSON of a trace as text.
pub fn trace(json: &[u8]) -> anyhow::Result<String> {
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
    let label_width = lines
        .iter()
        .map(|line| line.label().chars().count())
        .max()
        .unwrap_or_default();
    let label_width = label_width.min(LABEL_WIDTH_MAX);

    let mut text = header(&trace, start, total);
    for line in &lines {
        let Line { span, below, .. } = line;
        let label = fitted(&line.label(), label_width);
        let bar = bar(span.start() - start, span.end() - span.start(), total);
        let duration = span
            .duration_ns
            .map_or_else(|| "unfinished".to_owned(), human);
        let row = format!("{label:label_width$}  {bar:BAR_WIDTH$}  {duration:>10}");
        let is_error = span.status_code == "error";
        if is_error {
            let message = span
                .status_message
                .as_deref()
                .map(printable)
                .unwrap_or_default();
            let row = format!("{row}  error {message}");
            _ = writeln!(text, "{}", styled(row.trim_end(), RED));
        } else {
            _ = writeln!(text, "{row}");
        }
        for event in &span.events {
            _ = writeln!(
                text,
                "{}",
                dimmed(&format!("{below}  • {}", event.text(span.start())))
            );
        }
    }
    Ok(text)
}

fn header(trace: &Trace, start: i64, total: i64) -> String {
    let services: BTreeSet<_> = trace
        .spans
        .iter()
        .filter_map(|span| span.service_name.as_deref())
        .collect();
    let mut text = format!(
        "trace {} · {} · {} · {} · from {}\n",
        trace.trace_id,
        counted(trace.spans.len() as u64, "span"),
        counted(services.len() as u64, "service"),
        human(total),
        time(&start.to_string()),
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
        let service = self.span.service_name.as_deref().unwrap_or("?");
        format!(
            "{}{} · {}",
            self.branch,
            printable(service),
            printable(&self.span.name)
        )
    }
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
    fn text(&self, span_start: i64) -> String {
        let after = self
            .time
            .parse::<i64>()
            .unwrap_or_default()
            .saturating_sub(span_start);
        let attributes: Vec<String> = self
            .attributes
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let name = printable(self.name.as_deref().unwrap_or("event"));
        let text = format!(
            "{name} at {} {}",
            human(after),
            printable(&attributes.join(" "))
        );
        fitted(text.trim_end(), EVENT_WIDTH_MAX)
    }
}

fn bar(offset: i64, length: i64, total: i64) -> String {
    let place = |nanos: i64| (i128::from(nanos) * BAR_WIDTH as i128 / i128::from(total)) as usize;
    let before = place(offset).min(BAR_WIDTH - 1);
    let length = place(length).clamp(1, BAR_WIDTH - before);
    format!("{}{}", " ".repeat(before), "█".repeat(length))
}

fn fitted(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars()
        .take(width.saturating_sub(1))
        .chain(['…'])
        .collect()
}

/// A duration with three or more significant digits and the largest unit that leaves a whole number before the point.
fn human(nanos: i64) -> String {
    let number = nanos as f64;
    match nanos.unsigned_abs() {
        0..1_000 => format!("{nanos} ns"),
        1_000..1_000_000 => format!("{:.1} µs", number / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} ms", number / 1e6),
        _ => format!("{:.2} s", number / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::{human, trace};

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
        trace(json.as_bytes())
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
            lines[0],
            "trace ab · 5 spans · 1 service · 3.2 ms · from 1970-01-01T00:00:00Z"
        );
        let expected = [
            ("shop · GET /", "████████████████████████████████", "3.2 ms"),
            ("├─ shop · read", "          ██████████", "1.0 ms  error"),
            (
                "│  │  • exception at 500.0 µs exception.type=\"Bad\"",
                "",
                "",
            ),
            ("│  └─ shop · disk", "          █", "1.0 µs"),
            (
                "└─ shop · write",
                "                               █",
                "100.0 µs",
            ),
            ("shop · late", "█", "1 ns"),
        ];
        assert_eq!(lines.len(), expected.len() + 1);
        for (line, (label, bar, end)) in lines[1..].iter().zip(expected) {
            assert!(
                line.starts_with(label) && line.ends_with(end) && line.contains(bar),
                "{line}"
            );
        }
    }

    #[test]
    fn circles_deep_trees_and_equal_ids_show_every_span_once() {
        let circle = [
            span("a", Some("b"), "x", 0, 1, OK),
            span("b", Some("a"), "y", 0, 1, OK),
            span("a", None, "z", 0, 1, OK),
        ];
        assert_eq!(lines_of(&circle).len(), 4);
        let own_parent = [span("a", Some("a"), "x", 0, 1, OK)];
        assert_eq!(lines_of(&own_parent).len(), 2);
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
        assert_eq!(lines.len(), 5_001);
        assert!(lines.iter().all(|line| line.chars().count() < 140));
    }

    #[test]
    fn durations_read_well() {
        for (nanos, text) in [
            (999, "999 ns"),
            (1_500, "1.5 µs"),
            (2_000_000, "2.0 ms"),
            (61_234_567_890, "61.23 s"),
            (-5, "-5 ns"),
        ] {
            assert_eq!(human(nanos), text);
        }
    }
}
