//! Parts of several stretches and row groups are merged row by row: each value stays with its row, in the table's order.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::Int64Type;
use crawlspace_lake::{Lake, PartScan};
use crawlspace_model::Table;
use crawlspace_model::attribute::Value;
use crawlspace_wire::batch::{Cell, TableBuilder};

use super::{begin_span, open, runtime};

/// More than a row group has, and than three parts have pages for.
const ROWS: i64 = 140_000;
const PARTS: i64 = 3;

/// Unlike any other, and longer than dictionaries take.
fn request(number: i64) -> String {
    format!("request-{number:030}")
}

fn plan(number: i64) -> Option<&'static str> {
    ["free", "team", "größer"]
        .get(usize::try_from(number / 7 % 4).unwrap_or_default())
        .copied()
}

/// A column that one of the parts has.
fn only(number: i64) -> Option<i64> {
    (part_of(number) == 1 && number % 3 == 0).then_some(number)
}

fn part_of(number: i64) -> i64 {
    (number * number / 11) % PARTS
}

fn rows_of(part: i64) -> RecordBatch {
    let mut builder = TableBuilder::new(Table::Spans);
    for number in (0..ROWS).filter(|number| part_of(*number) == part) {
        begin_span(&mut builder, number);
        builder.set("duration_ns", Cell::Int(number % 1_000));
        let plan = plan(number).map(Value::String);
        let only = only(number).map(Value::Int);
        let attributes = [
            ("request", Some(Value::String(&request(number)))),
            ("plan", plan),
            ("only", only),
        ];
        for (name, value) in attributes {
            if let Some(value) = value {
                builder.attribute(name, &value);
            }
        }
        builder.end_row();
    }
    builder.finish()
}

#[test]
fn rows_of_merged_parts_are_whole_and_in_order() {
    runtime().block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let lake = open(&directory).await;
        for part in 0..PARTS {
            let rows = rows_of(part);
            lake.publish(part as u64 + 1, vec![(Table::Spans, rows)]);
            lake.flush().await.unwrap();
        }
        let done = lake.compact(Some(2)).await.unwrap();
        assert_eq!((done.merged, done.into), (PARTS as usize, 1));
        let mut number = 0;
        for rows in merged(&lake).await {
            let texts = |name: &str| rows.column_by_name(name).unwrap().as_string_view().clone();
            let numbers = |name: &str| {
                let column = rows.column_by_name(name).unwrap();
                column.as_primitive::<Int64Type>().clone()
            };
            let (requests, plans) = (texts("request"), texts("plan"));
            let (durations, onlys) = (numbers("duration_ns"), numbers("only"));
            for row in 0..rows.num_rows() {
                assert_eq!(requests.value(row), request(number));
                let found = plans.is_valid(row).then(|| plans.value(row));
                assert_eq!(found, plan(number), "{number}");
                assert_eq!(durations.value(row), number % 1_000);
                let found = onlys.is_valid(row).then(|| onlys.value(row));
                assert_eq!(found, only(number), "{number}");
                number += 1;
            }
        }
        assert_eq!(number, ROWS);
    });
}

/// The row groups of the one part.
async fn merged(lake: &Arc<Lake>) -> Vec<RecordBatch> {
    let snapshot = lake.snapshot();
    let table = snapshot.table(Table::Spans);
    let columns: Vec<_> = table.columns.iter().cloned().collect();
    let schema = PartScan::schema(Table::Spans, &columns);
    let part = lake.part_groups(&table.parts[0], &schema).await.unwrap();
    let mut groups = Vec::new();
    for group in 0..part.count() {
        let all = 0..part.rows_of(group);
        groups.push(part.rows(group, std::slice::from_ref(&all)).await.unwrap());
    }
    assert!(groups.len() > 1);
    groups
}
