//! Scans give every row of their range once, from parts and from memory, with what was asked for beside it.

use std::collections::BTreeMap;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use crawlspace_model::attribute::Value;
use crawlspace_model::id::TraceId;
use crawlspace_model::{Table, UnixNanos};
use crawlspace_wire::batch::{Cell, TableBuilder};

use super::{begin_span, open, runtime};
use crate::{
    ABSENT, Asking, CodedPiece, Config, Engine, Error, Piece, Range, Scan, Stored, Values,
};

const ROWS: i64 = 30_000;

fn rows(numbers: std::ops::Range<i64>) -> RecordBatch {
    let mut builder = TableBuilder::new(Table::Spans);
    for number in numbers {
        begin_span(&mut builder, number);
        builder.attribute("number", &Value::Int(number));
        if number % 2 == 0 {
            builder.attribute("half", &Value::String("even"));
        }
        builder.end_row();
    }
    builder.finish()
}

#[test]
fn a_scan_gives_all_rows_with_fields_and_marks() {
    runtime().block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let lake = open(&directory).await;
        lake.publish(1, vec![(Table::Spans, rows(0..ROWS / 2))]);
        lake.flush().await.unwrap();
        lake.publish(2, vec![(Table::Spans, rows(ROWS / 2..ROWS))]);
        // Fewer rows than the scan gives: it is no question of the query API.
        let config = Config {
            rows_max: 10,
            rows_limit_max: 10,
            ..Config::default()
        };
        let engine = Engine::new(lake, config);
        let scan = Scan {
            from: "spans",
            range: Some(Range {
                start: Some("1970-01-01T00:00:00.000000100Z".to_owned()),
                ..Range::default()
            }),
            stored: Stored::Named(["trace_id".to_owned()].into()),
            fields: &["number", "nobody.has.it", "half"],
            marks: &[("even", "half = 'even'"), ("third", "number % 3 = 0")],
            ..Scan::default()
        };
        let asking = Asking {
            now: UnixNanos(ROWS),
            ..Asking::default()
        };
        let mut scanning = engine
            .scan(&engine.snapshot(), &scan, &asking)
            .await
            .unwrap();
        let mut seen = Vec::new();
        while let Piece::Rows(rows) = scanning.next().await.unwrap() {
            let schema = rows.schema();
            let names: Vec<&str> = schema
                .fields()
                .iter()
                .map(|field| field.name().as_str())
                .collect();
            assert_eq!(names, ["trace_id", "number", "half", "even", "third"]);
            let ids = rows.column(0).as_fixed_size_binary();
            let numbers = rows.column(1).as_primitive::<Int64Type>();
            let (even, third) = (rows.column(3).as_boolean(), rows.column(4).as_boolean());
            for row in 0..rows.num_rows() {
                let number = numbers.value(row);
                assert_eq!(ids.value(row), (number as u128 + 1).to_be_bytes());
                assert_eq!(
                    (even.value(row), third.value(row)),
                    (number % 2 == 0, number % 3 == 0)
                );
                assert_eq!(even.null_count(), 0);
                seen.push(number);
            }
        }
        seen.sort_unstable();
        assert_eq!(seen, (100..ROWS).collect::<Vec<_>>());
        let any = Scan {
            from: "spans",
            marks: &[("m", "any.half = 'even'")],
            ..Scan::default()
        };
        let error = engine
            .scan(&engine.snapshot(), &any, &asking)
            .await
            .unwrap_err();
        assert!(matches!(error, Error::Request(_)), "{error}");
    });
}

#[test]
fn a_coded_scan_has_the_codes_and_marks_of_each_row_at_its_place() {
    runtime().block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let lake = open(&directory).await;
        lake.publish(1, vec![(Table::Spans, rows(0..ROWS))]);
        lake.flush().await.unwrap();
        lake.publish(2, vec![(Table::Spans, rows(ROWS..ROWS + 500))]);
        let engine = Engine::new(lake, Config::default());
        let scan = Scan {
            from: "spans",
            range: Some(Range {
                start: Some("1970-01-01T00:00:00.000000100Z".to_owned()),
                ..Range::default()
            }),
            fields: &["number", "half"],
            marks: &[("all", "true"), ("third", "number % 3 = 0")],
            ..Scan::default()
        };
        let (snapshot, asking) = (engine.snapshot(), Asking::default());
        let mut scanning = engine.scan_coded(&snapshot, &scan, &asking).await.unwrap();
        let (mut in_parts, mut in_memory) = (Vec::new(), 0);
        let footer = loop {
            match scanning.next().await.unwrap() {
                CodedPiece::Group(group) => {
                    let names = group.fields.iter().map(|(name, _)| name.as_str());
                    assert_eq!(names.collect::<Vec<_>>(), ["number", "half"]);
                    let [numbers, halves] = [0, 1].map(|field: usize| {
                        let (_, field) = &group.fields[field];
                        field.decode(Vec::new()).unwrap()
                    });
                    let rows: Vec<u32> = (0..group.rows.num_rows() as u32).collect();
                    let [codes, of_halves] =
                        [&numbers, &halves].map(|chunk| chunk.codes_of(&rows).collect::<Vec<_>>());
                    let Values::Ints(values) = &numbers.values else {
                        panic!("{:?}", numbers.values);
                    };
                    let mark = |name| group.rows.column_by_name(name).unwrap().as_boolean();
                    let (all, third) = (mark("all"), mark("third"));
                    for row in 0..group.rows.num_rows() {
                        let number = values[codes[row] as usize - 1];
                        assert_eq!(of_halves[row] == ABSENT, number % 2 == 1);
                        assert_eq!(all.value(row), number >= 100);
                        assert_eq!(third.value(row), number >= 100 && number % 3 == 0);
                        in_parts.push(number);
                    }
                }
                CodedPiece::Rows(rows) => in_memory += rows.num_rows(),
                CodedPiece::End(footer) => break footer,
            }
        };
        in_parts.sort_unstable();
        assert_eq!(in_parts, (0..ROWS).collect::<Vec<_>>());
        assert_eq!(in_memory, 500);
        assert_eq!(footer.rows_scanned, ROWS as u64 + 500);
        assert_eq!((footer.rows_in_memory, footer.parts_scanned), (500, 1));
    });
}

/// More than a row group, and no whole number of traces in a page of it.
const TRACE_ROWS: i64 = 140_000;
const SPANS_PER_TRACE: i64 = 7;
const ROWS_PER_PAGE: i64 = 8_192;
const ROWS_PER_GROUP: i64 = 131_072;

fn trace_of(number: i64) -> TraceId {
    TraceId(((number / SPANS_PER_TRACE) as u128 + 1).to_be_bytes())
}

/// When a record of logs is: those of a trace are far from each other.
fn logged(number: i64) -> i64 {
    number * 99_991 % TRACE_ROWS
}

/// Spans and logs of many traces. What each has of its own does not fit into a dictionary.
fn traced(table: Table) -> RecordBatch {
    let mut builder = TableBuilder::new(table);
    for number in 0..TRACE_ROWS {
        let time = if table == Table::Logs {
            logged(number)
        } else {
            number
        };
        builder.set("time", Cell::Time(time));
        builder.set("received_at", Cell::Time(number));
        builder.set("trace_id", Cell::Bytes(&trace_of(number).0));
        builder.set("span_id", Cell::Bytes(&(number + 1).to_be_bytes()));
        builder.set("sample_weight", Cell::Double(1.0));
        if table == Table::Spans {
            for (column, text) in [("name", "n"), ("kind", "server"), ("status_code", "unset")] {
                builder.set(column, Cell::Text(text));
            }
        } else {
            builder.set("record_type", Cell::Text("log"));
        }
        builder.attribute("number", &Value::Int(number));
        let own = format!("the one and only value of number {number}");
        builder.attribute("own", &Value::String(&own));
        if number % 2 == 0 {
            builder.attribute("half", &Value::String("even"));
        }
        builder.end_row();
    }
    builder.finish()
}

#[test]
fn a_trace_is_found_whole_in_whatever_pages_it_is() {
    runtime().block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let lake = open(&directory).await;
        let tables = [Table::Spans, Table::Logs].map(|table| (table, traced(table)));
        lake.publish(1, tables.into());
        lake.flush().await.unwrap();
        let engine = Engine::new(lake, Config::default());
        let ends = [
            0,
            ROWS_PER_PAGE,
            2 * ROWS_PER_PAGE,
            ROWS_PER_GROUP,
            TRACE_ROWS - 1,
        ];
        for number in ends.into_iter().chain((1..TRACE_ROWS).step_by(9_973)) {
            let id = trace_of(number);
            let trace = engine.trace(id, None).await.unwrap().unwrap();
            let first = number / SPANS_PER_TRACE * SPANS_PER_TRACE;
            let all = first..(first + SPANS_PER_TRACE).min(TRACE_ROWS);
            let mut in_logs: Vec<i64> = all.clone().collect();
            in_logs.sort_by_key(|number| logged(*number));
            let spans = trace.spans.iter().map(|span| texts(&span.attributes));
            let logs = trace.logs.iter().map(|log| texts(&log.attributes));
            assert!(spans.eq(all.map(attributes)), "{id}");
            assert!(logs.eq(in_logs.into_iter().map(attributes)), "{id}");
        }
        // What is asked first may have been noted for later.
        let trace = engine.trace(trace_of(ROWS_PER_GROUP), None).await.unwrap();
        assert_eq!(trace.unwrap().logs.len(), SPANS_PER_TRACE as usize);
        let nobodys = trace_of(TRACE_ROWS + SPANS_PER_TRACE);
        assert!(engine.trace(nobodys, None).await.unwrap().is_none());
    });
}

fn attributes<'a>(number: i64) -> BTreeMap<&'a str, String> {
    let own = format!("the one and only value of number {number}");
    let half = (number % 2 == 0).then(|| ("half", "even".to_owned()));
    let own = [("number", number.to_string()), ("own", own)];
    own.into_iter().chain(half).collect()
}

fn texts(attributes: &serde_json::Map<String, serde_json::Value>) -> BTreeMap<&str, String> {
    let texts = attributes.iter().map(|(name, value)| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        (name.as_str(), text)
    });
    texts.collect()
}
