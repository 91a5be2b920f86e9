//! The map as two tables, of edges and of nodes, or as what differs between two; each line fits the terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use super::number::{amount, counted};
use super::{Page, fitted, printable};

/// Characters of a name where there is little room.
const NAME_WIDTH_MIN: usize = 12;

#[derive(Deserialize)]
struct Map {
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    unnamed_calls: f64,
    completeness: Completeness,
    left_out: LeftOut,
    difference: Option<Difference>,
}

#[derive(Deserialize)]
struct Figures {
    calls: f64,
    rate: Option<f64>,
    errors: f64,
    p50_ns: Option<f64>,
    p99_ns: Option<f64>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    kind: String,
    name: String,
    category: Option<String>,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Deserialize)]
struct Edge {
    from: String,
    to: String,
    kind: String,
    #[serde(flatten)]
    figures: Figures,
}

#[derive(Deserialize)]
struct Completeness {
    doubts: Vec<String>,
    sampled: Sampled,
    orphans: Share,
}

#[derive(Deserialize)]
struct Sampled {
    spans: u64,
    weight_max: f64,
}

#[derive(Deserialize)]
struct Share {
    share: f64,
}

#[derive(Deserialize)]
struct LeftOut {
    nodes: u64,
    edges: u64,
}

#[derive(Deserialize)]
struct Difference {
    nodes: Vec<Change<Node>>,
    edges: Vec<Change<Edge>>,
    completeness: Completeness,
}

#[derive(Deserialize)]
struct Change<T> {
    changed: Vec<String>,
    now: Option<T>,
    base: Option<T>,
}

/// The JSON of a map as text.
pub fn map(json: &[u8], page: &Page) -> anyhow::Result<String> {
    let map: Map = serde_json::from_slice(json)?;
    let mut text = match &map.difference {
        Some(difference) => self::difference(&map, difference),
        None if map.nodes.is_empty() => {
            "there are no spans in this time: ask about another one, by --last or --start\n"
                .to_owned()
        }
        None => format!("{}\n{}", edges(&map, page), nodes(&map, page)),
    };
    text.push('\n');
    text.push_str(&page.dimmed(&footer(&map)));
    for doubt in doubts(&map) {
        _ = write!(text, "\n{}", page.red(&format!("cannot tell: {doubt}")));
    }
    Ok(text)
}

fn edges(map: &Map, page: &Page) -> String {
    let names = names(map);
    let lines = map.edges.iter().map(|edge| {
        let ends = [&edge.from, &edge.to].map(|id| name(&names, id));
        (
            ends.into_iter().chain([edge.kind.clone()]).collect(),
            &edge.figures,
        )
    });
    columns(&["from", "to", "kind"], lines.collect(), page)
}

fn nodes(map: &Map, page: &Page) -> String {
    let lines = map.nodes.iter().map(|node| {
        let kind = match &node.category {
            Some(category) => format!("{} · {category}", node.kind),
            None => node.kind.clone(),
        };
        (vec![printable(&node.name), printable(&kind)], &node.figures)
    });
    columns(&["node", "kind"], lines.collect(), page)
}

/// Names by id.
fn names(map: &Map) -> BTreeMap<&str, &str> {
    let of_base = map.difference.iter().flat_map(|difference| {
        let changes = difference.nodes.iter();
        changes.filter_map(|change| change.base.as_ref())
    });
    let nodes = map.nodes.iter().chain(of_base);
    nodes
        .map(|node| (node.id.as_str(), node.name.as_str()))
        .collect()
}

fn name(names: &BTreeMap<&str, &str>, id: &str) -> String {
    printable(names.get(id).unwrap_or(&id))
}

/// Texts to the left, the figures to the right, names cut where the terminal is too narrow.
fn columns(titles: &[&str], lines: Vec<(Vec<String>, &Figures)>, page: &Page) -> String {
    let mut rows = vec![(
        titles
            .iter()
            .map(|title| (*title).to_owned())
            .collect::<Vec<_>>(),
        ["calls", "rate", "errors", "p50", "p99"].map(str::to_owned),
    )];
    rows.extend(
        lines
            .into_iter()
            .map(|(texts, figures)| (texts, shown(figures))),
    );
    let width = |texts: &mut dyn Iterator<Item = &String>| {
        texts
            .map(|text| text.chars().count())
            .max()
            .unwrap_or_default()
    };
    let numbers: [usize; 5] =
        std::array::from_fn(|column| width(&mut rows.iter().map(|(_, numbers)| &numbers[column])));
    let mut widths: Vec<usize> = (0..titles.len())
        .map(|column| width(&mut rows.iter().map(|(texts, _)| &texts[column])))
        .collect();
    let taken: usize = numbers.iter().map(|width| width + 2).sum();
    let room = page.width.map(|width| width.saturating_sub(taken));
    while let Some(room) = room
        && widths.iter().sum::<usize>() + 2 * (widths.len() - 1) > room
        && let Some(widest) = widths
            .iter_mut()
            .max()
            .filter(|width| **width > NAME_WIDTH_MIN)
    {
        *widest -= 1;
    }
    let mut text = String::new();
    for (number, (texts, figures)) in rows.iter().enumerate() {
        let mut line = String::new();
        for (text, width) in texts.iter().zip(&widths) {
            _ = write!(line, "{:width$}  ", fitted(text, *width));
        }
        let figures = figures.iter().zip(numbers);
        let figures = figures.map(|(text, width)| format!("{text:>width$}"));
        line += &figures.collect::<Vec<_>>().join("  ");
        let line = match number {
            0 => page.dimmed(&line),
            _ => line,
        };
        _ = writeln!(text, "{line}");
    }
    text
}

fn shown(figures: &Figures) -> [String; 5] {
    let time = |nanos: Option<f64>| nanos.map_or_else(|| "–".to_owned(), short);
    [
        many(figures.calls),
        figures
            .rate
            .map_or_else(|| "–".to_owned(), |rate| format!("{}/s", few(rate))),
        errors_of(figures),
        time(figures.p50_ns),
        time(figures.p99_ns),
    ]
}

fn errors_of(figures: &Figures) -> String {
    match figures.errors > 0.0 {
        true => format!("{}%", few(100.0 * figures.errors / figures.calls)),
        false => "0".to_owned(),
    }
}

/// A duration of six characters at most, but for hours.
fn short(nanos: f64) -> String {
    let (size, unit) = match nanos.abs() {
        0.0..1e3 => (1.0, "ns"),
        1e3..1e6 => (1e3, "µs"),
        1e6..1e9 => (1e6, "ms"),
        1e9..6e10 => (1e9, "s"),
        6e10..3.6e12 => (6e10, "min"),
        _ => (3.6e12, "h"),
    };
    format!("{} {unit}", few(nanos / size))
}

/// A count of six characters at most.
fn many(number: f64) -> String {
    match number {
        0.0..1e5 => amount(number.round()),
        1e5..1e6 => format!("{:.0}k", number / 1e3),
        1e6..1e9 => format!("{}M", few(number / 1e6)),
        _ => format!("{}G", few(number / 1e9)),
    }
}

/// Two digits that count, or all before the point.
fn few(number: f64) -> String {
    let decimals = match number.abs() {
        0.0 => 0,
        size if size < 0.0095 => return "<0.01".to_owned(),
        size if size < 0.995 => 2,
        size if size < 9.95 => 1,
        _ => 0,
    };
    let text = format!("{number:.decimals$}");
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

/// What appeared, vanished and changed, a line each.
fn difference(map: &Map, difference: &Difference) -> String {
    let names = names(map);
    let mut text = String::new();
    for change in &difference.nodes {
        let node = |node: &Node| format!("{} {}", node.kind, printable(&node.name));
        let figures = |node: &Option<Node>| node.as_ref().map(|node| shown(&node.figures));
        let both = [figures(&change.base), figures(&change.now)];
        if let Some(shown) = change.now.as_ref().or(change.base.as_ref()) {
            line(&mut text, &node(shown), &change.changed, both);
        }
    }
    for change in &difference.edges {
        let edge = |edge: &Edge| {
            let [from, to] = [&edge.from, &edge.to].map(|id| name(&names, id));
            format!("{from} → {to} ({})", edge.kind)
        };
        let figures = |edge: &Option<Edge>| edge.as_ref().map(|edge| shown(&edge.figures));
        let both = [figures(&change.base), figures(&change.now)];
        if let Some(shown) = change.now.as_ref().or(change.base.as_ref()) {
            line(&mut text, &edge(shown), &change.changed, both);
        }
    }
    match text.is_empty() {
        true => "nothing differs by more than chance\n".to_owned(),
        false => text,
    }
}

fn line(text: &mut String, what: &str, changed: &[String], both: [Option<[String; 5]>; 2]) {
    let said = match &both {
        [None, Some(now)] => format!("+ {what} appeared: {}", calls(&now[0])),
        [Some(base), None] => format!("- {what} vanished: {}", calls(&base[0])),
        [Some(base), Some(now)] => {
            let number = |name: &String| {
                let index = match name.as_str() {
                    "rate" => 1,
                    "errors" => 2,
                    _ => 3,
                };
                format!("{name} {} → {}", base[index], now[index])
            };
            let changed: Vec<String> = changed.iter().map(number).collect();
            format!("~ {what}: {}", changed.join(", "))
        }
        [None, None] => return,
    };
    _ = writeln!(text, "{said}");
}

fn calls(count: &str) -> String {
    match count {
        "1" => "1 call".to_owned(),
        count => format!("{count} calls"),
    }
}

fn footer(map: &Map) -> String {
    let Completeness {
        sampled, orphans, ..
    } = &map.completeness;
    let mut text = counted(sampled.spans, "span");
    if orphans.share > 0.0 {
        _ = write!(text, " · {}% lack their parent", few(100.0 * orphans.share));
    }
    if map.unnamed_calls > 0.0 {
        _ = write!(
            text,
            " · {} calls do not say whom",
            amount(map.unnamed_calls)
        );
    }
    if sampled.weight_max > 1.0 {
        text.push_str(" · sampled spans count as many");
    }
    let LeftOut { nodes, edges } = map.left_out;
    if nodes + edges > 0 {
        _ = write!(
            text,
            " · not shown: {} and {}",
            counted(nodes, "node"),
            counted(edges, "edge")
        );
    }
    text
}

/// Those of both maps.
fn doubts(map: &Map) -> impl Iterator<Item = String> {
    let of_base = map.difference.iter().flat_map(|difference| {
        let doubts = difference.completeness.doubts.iter();
        doubts.map(|doubt| format!("in what it is compared with, {doubt}"))
    });
    map.completeness.doubts.iter().cloned().chain(of_base)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::map;
    use crate::print::Page;

    fn figures(mut of: Value, calls: f64, errors: f64) -> Value {
        let numbers = json!({"calls": calls, "rate": calls / 3600.0, "errors": errors,
            "p50_ns": 12_345_678, "p99_ns": 2_345_678_901_u64});
        for (name, number) in numbers.as_object().unwrap() {
            of[name] = number.clone();
        }
        of
    }

    fn whole() -> Value {
        let completeness = json!({"doubts": [], "sampled": {"spans": 5000, "weight_max": 1.0}, "orphans": {"share": 0.003}});
        json!({"nodes": [
                figures(json!({"id": "service:checkout", "kind": "service", "name": "checkout", "category": null}), 1204.0, 3.0),
                figures(json!({"id": "vendor:x", "kind": "vendor", "name": "a-vendor-with-a-long-name.eu-central-1.example", "category": "payments"}), 123_456.0, 0.0),
            ],
            "edges": [figures(json!({"from": "service:checkout", "to": "vendor:x", "kind": "receive"}), 123_456.0, 1_000.0)],
            "unnamed_calls": 2.0, "completeness": completeness, "left_out": {"nodes": 0, "edges": 0}, "difference": null})
    }

    fn text(map: &Value, width: Option<usize>) -> String {
        let page = Page {
            width,
            ..Page::plain()
        };
        super::map(map.to_string().as_bytes(), &page).unwrap()
    }

    #[test]
    fn tables_fit_the_terminal_and_say_what_is_missing() {
        let narrow = text(&whole(), Some(80));
        assert!(
            narrow.lines().all(|line| line.chars().count() <= 80),
            "{narrow}"
        );
        assert!(narrow.contains("a-vendor-wi"), "{narrow}");
        let wide = text(&whole(), None);
        for part in [
            "checkout  a-vendor-with-a-long-name.eu-central-1.example  receive   123k  34/s   0.81%  12 ms  2.3 s",
            "vendor · payments",
            "5,000 spans · 0.3% lack their parent · 2 calls do not say whom",
        ] {
            assert!(wide.contains(part), "{part} in\n{wide}");
        }
        let mut doubtful = whole();
        doubtful["completeness"]["doubts"] = json!(["half of it is missing"]);
        assert!(text(&doubtful, None).ends_with("\ncannot tell: half of it is missing"));
    }

    #[test]
    fn a_difference_is_a_line_each() {
        let mut both = whole();
        let edge = both["edges"][0].clone();
        both["difference"] = json!({"completeness": both["completeness"],
            "nodes": [{"changed": ["vanished"], "now": null, "base": both["nodes"][1]}],
            "edges": [{"changed": ["errors"], "now": edge, "base": edge}, {"changed": ["appeared"], "now": edge, "base": null}]});
        let text = text(&both, None);
        for part in [
            "- vendor a-vendor-with-a-long-name.eu-central-1.example vanished: 123k calls\n",
            "(receive): errors 0.81% → 0.81%\n",
            "(receive) appeared: 123k calls\n",
        ] {
            assert!(text.contains(part), "{part} in\n{text}");
        }
        assert!(map(b"{}", &Page::plain()).is_err());
    }
}
