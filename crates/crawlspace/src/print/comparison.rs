//! What is different, as a sentence and a table with a bar for each side.

use comfy_table::{Cell, CellAlignment};
use serde::Deserialize;
use serde_json::Value;

use super::number::{self, counted};
use super::table::new_table;
use super::{Page, fitted, printable};

/// Characters of a value.
const VALUE_WIDTH_MAX: usize = 40;
/// Characters of the longest bar.
const BAR_WIDTH: f64 = 10.0;
/// Of a field.
const VALUES_SHOWN: usize = 2;

#[derive(Deserialize)]
struct Comparison {
    verdict: String,
    summary: String,
    fields: Vec<Finding>,
    fields_found: usize,
    footer: Footer,
}

#[derive(Deserialize)]
struct Finding {
    field: String,
    effect: f64,
    p_value: f64,
    values: Vec<Shares>,
    same_as: Vec<String>,
}

#[derive(Deserialize)]
struct Shares {
    test: String,
    value: Value,
    selection: f64,
    baseline: f64,
}

#[derive(Deserialize)]
struct Footer {
    selection: Side,
    baseline: Side,
    fields_tested: u64,
    values_tested: u64,
    sampled: bool,
    damaged_parts: u64,
    elapsed_ms: f64,
}

#[derive(Deserialize)]
struct Side {
    rows: u64,
    traces: u64,
}

/// The JSON of a comparison as text.
pub fn comparison(json: &[u8], page: &Page) -> anyhow::Result<String> {
    let answer: Comparison = serde_json::from_slice(json)?;
    let mut text = String::new();
    match answer.verdict.as_str() {
        "cannot tell" => text.push_str(&format!("cannot tell: {}", printable(&answer.summary))),
        _ => text.push_str(&printable(&answer.summary)),
    }
    text.push('\n');
    if !answer.fields.is_empty() {
        text.push_str(&format!("\n{}\n", table(&answer.fields)));
    }
    for finding in answer
        .fields
        .iter()
        .filter(|finding| !finding.same_as.is_empty())
    {
        let same: Vec<String> = finding.same_as.iter().map(|name| printable(name)).collect();
        let (same, field) = (same.join(", "), printable(&finding.field));
        text.push_str(&format!("{same}: the same events as {field}\n"));
    }
    if answer.fields_found > answer.fields.len() {
        let further = answer.fields_found - answer.fields.len();
        let further = counted(further as u64, "further difference");
        text.push_str(&format!("{further}: --limit shows more\n"));
    }
    text.push_str(&page.dimmed(&footer(&answer.footer)));
    if answer.footer.damaged_parts > 0 {
        let damaged = counted(answer.footer.damaged_parts, "damaged part");
        text.push_str(&format!(" · {damaged} set aside: events are missing"));
    }
    Ok(text)
}

fn table(findings: &[Finding]) -> String {
    let mut table = new_table();
    table.set_header([
        "field",
        "value",
        "selection",
        "",
        "others",
        "",
        "effect",
        "chance",
    ]);
    for finding in findings {
        for (index, shares) in finding.values.iter().take(VALUES_SHOWN).enumerate() {
            let is_first = index == 0;
            let of_finding = |text: String| right(if is_first { text } else { String::new() });
            table.add_row([
                Cell::new(if is_first {
                    printable(&finding.field)
                } else {
                    String::new()
                }),
                Cell::new(fitted(&printable(&value(shares)), VALUE_WIDTH_MAX)),
                right(percent(shares.selection)),
                bar(shares.selection),
                right(percent(shares.baseline)),
                bar(shares.baseline),
                of_finding(format!("{:.2}", finding.effect)),
                of_finding(chance(finding.p_value)),
            ]);
        }
    }
    table.trim_fmt()
}

fn value(shares: &Shares) -> String {
    let value = match &shares.value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match shares.test.as_str() {
        "at_least" => format!("≥ {value}"),
        "below" => format!("< {value}"),
        "present" => "(any)".to_owned(),
        "absent" => "(none)".to_owned(),
        _ => value,
    }
}

fn footer(footer: &Footer) -> String {
    let side = |side: &Side| {
        let (events, traces) = (counted(side.rows, "event"), counted(side.traces, "trace"));
        format!("{events} of {traces}")
    };
    let sampled = if footer.sampled { " · weighted" } else { "" };
    format!(
        "{} against {} · {} · {}{sampled} · {}",
        side(&footer.selection),
        side(&footer.baseline),
        counted(footer.fields_tested, "field"),
        counted(footer.values_tested, "value"),
        number::duration(footer.elapsed_ms * 1e6)
    )
}

fn chance(p_value: f64) -> String {
    match p_value {
        0.001.. => format!("{p_value:.3}"),
        1e-9.. => format!("{p_value:.0e}"),
        _ => "< 1e-9".to_owned(),
    }
}

fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0 %".to_owned(),
        percent if percent < 0.1 => "< 0.1 %".to_owned(),
        percent => format!("{percent:.1} %"),
    }
}

fn bar(share: f64) -> Cell {
    Cell::new("█".repeat((share * BAR_WIDTH).round() as usize))
}

fn right(text: String) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::comparison;
    use crate::print::Page;

    fn answer() -> serde_json::Value {
        let side = |rows: u64| json!({"rows": rows, "traces": 1, "events": 1.0});
        json!({
            "verdict": "nothing", "summary": "nothing tells the selection from the rest",
            "fields": [], "fields_found": 0,
            "footer": {
                "selection": side(2), "baseline": side(1), "fields_tested": 3, "values_tested": 1_000,
                "sampled": true, "damaged_parts": 1, "elapsed_ms": 2.0
            }
        })
    }

    fn printed(answer: &serde_json::Value) -> String {
        comparison(answer.to_string().as_bytes(), &Page::plain()).unwrap()
    }

    #[test]
    fn nothing_is_one_sentence_with_its_evidence() {
        let text = printed(&answer());
        assert_eq!(
            text,
            "nothing tells the selection from the rest\n2 events of 1 trace against 1 event of 1 trace \
             · 3 fields · 1,000 values · weighted · 2.0 ms · 1 damaged part set aside: events are missing"
        );
    }

    #[test]
    fn a_difference_has_a_row_of_bars_and_cannot_steer_the_terminal() {
        let mut answer = answer();
        let value = |test: &str, value, selection| json!({"test": test, "value": value, "selection": selection, "baseline": 0.0});
        answer["verdict"] = json!("different");
        answer["fields_found"] = json!(2);
        answer["fields"] = json!([{
            "field": "user.id", "effect": 0.98, "p_value": 1e-30, "same_as": ["enduser.id"],
            "values": [value("is", json!("47\u{1b}11"), 0.98), value("absent", json!(null), 0.0001)]
        }]);
        let text = printed(&answer);
        assert!(
            text.contains("│ user.id ┆ 47\\u{1b}11 ┆    98.0 % ┆ ██████████ ┆    0 % ┆"),
            "{text}"
        );
        assert!(
            text.contains("│         ┆ (none)     ┆   < 0.1 % ┆            ┆    0 % ┆"),
            "{text}"
        );
        assert!(
            text.contains("enduser.id: the same events as user.id\n"),
            "{text}"
        );
        assert!(
            text.contains("1 further difference: --limit shows more\n"),
            "{text}"
        );
    }
}
