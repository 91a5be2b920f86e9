//! Answers as tables: numbers to the right, durations with a unit, times in RFC 3339, wide events one field per line.

use std::fmt::Write as _;

use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use serde::Deserialize;
use serde_json::Value;

use super::number::{self, counted};
use super::{Page, printable};

/// Answers with more columns show one field per line.
const TABLE_COLUMNS_MAX: usize = 12;

#[derive(Deserialize)]
pub struct Answer {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Value>>,
    footer: Footer,
}

#[derive(Deserialize)]
pub struct Column {
    pub name: String,
    pub r#type: String,
}

#[derive(Deserialize)]
pub struct Footer {
    rows: u64,
    cut: bool,
    elapsed_ms: f64,
    parts_scanned: u64,
    sampled: bool,
    damaged_parts: u64,
}

/// An answer as text.
pub fn answer(answer: &Answer, page: &Page) -> String {
    let mut text = if answer.rows.is_empty() {
        "no rows: nothing in the store fits the question".to_owned()
    } else if answer.columns.len() > TABLE_COLUMNS_MAX {
        records(answer, page)
    } else {
        table(answer, page)
    };
    text.push('\n');
    text.push_str(&page.dimmed(&footer(answer)));
    text
}

fn table(answer: &Answer, page: &Page) -> String {
    let mut table = new_table();
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
        table.add_row(cells.map(|(i, (value, column))| aligned(shown(value, column, page), i)));
    }
    table.trim_fmt()
}

/// One field per line; fields that are null are left out.
fn records(answer: &Answer, page: &Page) -> String {
    let width = answer
        .columns
        .iter()
        .map(|column| column.name.chars().count())
        .max()
        .unwrap_or_default();
    let mut text = String::new();
    for (number, row) in answer.rows.iter().enumerate() {
        _ = writeln!(text, "{}", page.dimmed(&format!("── {} ──", number + 1)));
        for (value, column) in row
            .iter()
            .zip(&answer.columns)
            .filter(|(value, _)| !value.is_null())
        {
            _ = writeln!(
                text,
                "{:width$}  {}",
                printable(&column.name),
                shown(value, column, page)
            );
        }
    }
    text.truncate(text.trim_end().len());
    text
}

pub fn new_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table
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

fn shown(value: &Value, column: &Column, page: &Page) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::String(nanos) if column.r#type == "timestamp_ns" => page.time(nanos),
        Value::String(text) => printable(text),
        Value::Number(number) if is_calculated(&column.name) => number
            .as_f64()
            .map_or_else(String::new, |number| number::value(&column.name, number)),
        other => printable(&other.to_string()),
    }
}

/// Numbers of events are shown digit by digit: they may be ports, years or codes. Those that were calculated may not.
fn is_calculated(column: &str) -> bool {
    column == "count" || column == "rate" || column.contains('(') || number::is_duration(column)
}

pub fn footer(answer: &Answer) -> String {
    let Footer {
        rows,
        cut,
        elapsed_ms,
        parts_scanned,
        sampled,
        damaged_parts,
    } = answer.footer;
    let mut text = format!(
        "{} · {} · {}",
        counted(rows, "row"),
        counted(parts_scanned, "part"),
        number::duration(elapsed_ms * 1e6)
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

#[cfg(test)]
mod tests {
    use super::answer;
    use crate::print::Page;

    fn text_of(json: &str) -> String {
        answer(&serde_json::from_str(json).unwrap(), &Page::plain())
    }

    const FOOTER: &str = r#"{"rows":2,"cut":false,"elapsed_ms":1.25,"rows_scanned":9,"rows_in_memory":0,"parts_scanned":1,
        "bytes_scanned":10,"position":4,"sampled":false,"damaged_parts":0}"#;

    #[test]
    fn a_table_aligns_numbers_and_reads_times() {
        let json = format!(
            r#"{{"columns":[{{"name":"time","type":"timestamp_ns"}},{{"name":"n","type":"int64"}}],
            "rows":[["1700000000000000001",5],["1700000000500000000","9007199254740993"],[null,null]],"footer":{FOOTER}}}"#
        );
        let text = text_of(&json);
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
        assert!(text_of(&empty).starts_with("no rows"));
        let columns: Vec<String> = (0..13)
            .map(|i| format!(r#"{{"name":"c{i}","type":"string"}}"#))
            .collect();
        let wide = format!(
            r#"{{"columns":[{}],"rows":[["x",{}"y"]],"footer":{FOOTER}}}"#,
            columns.join(","),
            "null,".repeat(11)
        );
        let text = text_of(&wide);
        assert!(text.contains("c0   x\nc12  y\n"), "{text}");
    }
}
