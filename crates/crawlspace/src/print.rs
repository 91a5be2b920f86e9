//! Answers as tables for people: numbers to the right, times in RFC 3339, wide events one field per line.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};

use chrono::{DateTime, SecondsFormat};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use serde::Deserialize;
use serde_json::Value;

/// Answers with more columns show one field per line.
const TABLE_COLUMNS_MAX: usize = 12;

#[derive(Deserialize)]
struct Answer {
    columns: Vec<Column>,
    rows: Vec<Vec<Value>>,
    footer: Footer,
}

#[derive(Deserialize)]
struct Column {
    name: String,
    r#type: String,
}

#[derive(Deserialize)]
struct Footer {
    rows: u64,
    cut: bool,
    elapsed_ms: f64,
    parts_scanned: u64,
    sampled: bool,
    damaged_parts: u64,
}

/// The JSON of an answer as text.
pub fn answer(json: &[u8]) -> anyhow::Result<String> {
    let answer: Answer = serde_json::from_slice(json)?;
    let mut text = if answer.rows.is_empty() {
        "no rows: nothing in the store fits the question".to_owned()
    } else if answer.columns.len() > TABLE_COLUMNS_MAX {
        records(&answer)
    } else {
        table(&answer)
    };
    text.push('\n');
    text.push_str(&dimmed(&footer(&answer)));
    Ok(text)
}

fn table(answer: &Answer) -> String {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    let alignments: Vec<CellAlignment> = answer
        .columns
        .iter()
        .map(|column| alignment(&column.r#type))
        .collect();
    let aligned = |text: String, i: usize| Cell::new(text).set_alignment(alignments[i]);
    table.set_header(
        answer
            .columns
            .iter()
            .enumerate()
            .map(|(i, column)| aligned(printable(&column.name), i)),
    );
    for row in &answer.rows {
        let cells = row.iter().zip(&answer.columns).enumerate();
        table.add_row(cells.map(|(i, (value, column))| aligned(shown(value, &column.r#type), i)));
    }
    table.trim_fmt()
}

/// One field per line; fields that are null are left out.
fn records(answer: &Answer) -> String {
    let width = answer
        .columns
        .iter()
        .map(|column| column.name.chars().count())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for (number, row) in answer.rows.iter().enumerate() {
        _ = writeln!(text, "{}", dimmed(&format!("── {} ──", number + 1)));
        for (value, column) in row
            .iter()
            .zip(&answer.columns)
            .filter(|(value, _)| !value.is_null())
        {
            _ = writeln!(
                text,
                "{:width$}  {}",
                printable(&column.name),
                shown(value, &column.r#type)
            );
        }
    }
    text.truncate(text.trim_end().len());
    text
}

fn alignment(column_type: &str) -> CellAlignment {
    let is_number = ["int", "uint", "float", "decimal", "duration"]
        .iter()
        .any(|start| column_type.starts_with(start));
    if is_number {
        CellAlignment::Right
    } else {
        CellAlignment::Left
    }
}

fn shown(value: &Value, column_type: &str) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::String(nanos) if column_type == "timestamp_ns" => time(nanos),
        Value::String(text) => printable(text),
        other => printable(&other.to_string()),
    }
}

/// Nanoseconds since 1970 in RFC 3339, in UTC, with as many digits as it takes.
pub fn time(nanos: &str) -> String {
    nanos.parse().map_or_else(
        |_| nanos.to_owned(),
        |nanos| DateTime::from_timestamp_nanos(nanos).to_rfc3339_opts(SecondsFormat::AutoSi, true),
    )
}

/// What came in from outside must not steer the terminal.
pub fn printable(text: &str) -> String {
    if text.contains(char::is_control) {
        text.chars()
            .flat_map(|c| {
                if c.is_control() {
                    c.escape_default().collect()
                } else {
                    vec![c]
                }
            })
            .collect()
    } else {
        text.to_owned()
    }
}

fn footer(answer: &Answer) -> String {
    let Footer {
        rows,
        cut,
        elapsed_ms,
        parts_scanned,
        sampled,
        damaged_parts,
    } = answer.footer;
    let mut text = format!(
        "{} · {} · {elapsed_ms:.1} ms",
        counted(rows, "row"),
        counted(parts_scanned, "part")
    );
    if cut {
        _ = write!(
            text,
            " · only the first {} shown: raise the limit",
            answer.rows.len()
        );
    }
    if sampled {
        text.push_str(" · some events stand for several (sample_weight)");
    }
    if damaged_parts > 0 {
        _ = write!(
            text,
            " · {} set aside: rows are missing",
            counted(damaged_parts, "damaged part")
        );
    }
    text
}

pub fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// Dimmed where stdout is a terminal.
pub fn dimmed(text: &str) -> String {
    styled(text, "2")
}

/// With an ANSI style where stdout is a terminal.
pub fn styled(text: &str, style: &str) -> String {
    if io::stdout().is_terminal() {
        format!("\x1b[{style}m{text}\x1b[0m")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{answer, printable, time};

    const FOOTER: &str = r#"{"rows":2,"cut":false,"elapsed_ms":1.25,"rows_scanned":9,"rows_in_memory":0,"parts_scanned":1,
        "bytes_scanned":10,"position":4,"sampled":false,"damaged_parts":0}"#;

    #[test]
    fn a_table_aligns_numbers_and_reads_times() {
        let json = format!(
            r#"{{"columns":[{{"name":"time","type":"timestamp_ns"}},{{"name":"n","type":"int64"}}],
            "rows":[["1700000000000000001",5],["1700000000500000000","9007199254740993"],[null,null]],"footer":{FOOTER}}}"#
        );
        let text = answer(json.as_bytes()).unwrap();
        for part in [
            "2023-11-14T22:13:20.000000001Z ",
            "2023-11-14T22:13:20.500Z ",
            "      5 │",
            "┆ 9007199254740993 │",
        ] {
            assert!(text.contains(part), "{part:?} in\n{text}");
        }
        assert!(text.ends_with("2 rows · 1 part · 1.2 ms"), "{text}");
    }

    #[test]
    fn an_empty_answer_says_so_and_a_wide_one_is_a_list_without_nulls() {
        let empty = format!(r#"{{"columns":[],"rows":[],"footer":{FOOTER}}}"#);
        assert!(answer(empty.as_bytes()).unwrap().starts_with("no rows"));
        let columns: Vec<String> = (0..13)
            .map(|i| format!(r#"{{"name":"c{i}","type":"string"}}"#))
            .collect();
        let wide = format!(
            r#"{{"columns":[{}],"rows":[["x",{}"y"]],"footer":{FOOTER}}}"#,
            columns.join(","),
            "null,".repeat(11)
        );
        let text = answer(wide.as_bytes()).unwrap();
        assert!(text.contains("c0   x\nc12  y\n"), "{text}");
    }

    #[test]
    fn times_and_texts_are_safe_to_show() {
        assert_eq!(time("-1"), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(time("soon"), "soon");
        assert_eq!(printable("a\x1b[31m\nб"), "a\\u{1b}[31m\\nб");
    }
}
