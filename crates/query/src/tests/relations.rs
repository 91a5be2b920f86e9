//! Relations against brute force: spans of a few traces, in any order, published and flushed in any portions.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int64Type};
use crawlspace_model::attribute::Value;
use crawlspace_model::{Table, UnixNanos};
use crawlspace_wire::batch::{Cell, TableBuilder};
use proptest::prelude::*;

use super::{open, runtime};
use crate::{Config, Engine, QueryRequest};

#[derive(Debug, Clone)]
struct Span {
    trace: u8,
    parent: Option<u8>,
    size: Option<i64>,
    weight: u8,
    /// Whether it is flushed before the next one comes.
    is_flushed: bool,
}

fn span() -> impl Strategy<Value = Span> {
    let parent = prop::option::weighted(0.7, 0u8..12);
    let size = prop::option::weighted(0.7, 0i64..6);
    (0u8..3, parent, size, 1u8..3, prop::bool::weighted(0.2)).prop_map(
        |(trace, parent, size, weight, is_flushed)| Span {
            trace,
            parent,
            size,
            weight,
            is_flushed,
        },
    )
}

/// A span's id is its number, its time is later by so many nanoseconds.
fn build(number: u8, span: &Span) -> TableBuilder {
    let mut builder = TableBuilder::new(Table::Spans);
    let id = |number: u8| [1, 1, 1, 1, 1, 1, 1, number];
    builder.set("time", Cell::Time(1_000 + i64::from(number)));
    builder.set("received_at", Cell::Time(1_000 + i64::from(number)));
    builder.set("trace_id", Cell::Bytes(&[span.trace + 1; 16]));
    builder.set("span_id", Cell::Bytes(&id(number)));
    if let Some(parent) = span.parent {
        builder.set("parent_span_id", Cell::Bytes(&id(parent)));
    }
    for (column, text) in [("name", "n"), ("kind", "server"), ("status_code", "unset")] {
        builder.set(column, Cell::Text(text));
    }
    builder.set("sample_weight", Cell::Double(f64::from(span.weight)));
    if let Some(size) = span.size {
        builder.attribute("size", &Value::Int(size));
    }
    builder.attribute("number", &Value::Int(i64::from(number)));
    builder.end_row();
    builder
}

fn root_of(spans: &[Span], span: &Span) -> Option<usize> {
    spans
        .iter()
        .position(|other| other.trace == span.trace && other.parent.is_none())
}

fn parent_of<'a>(spans: &'a [Span], span: &Span) -> Option<&'a Span> {
    let parent = spans.get(usize::from(span.parent?))?;
    (parent.trace == span.trace).then_some(parent)
}

fn sizes<'a>(spans: &'a [Span], span: &'a Span) -> impl Iterator<Item = Option<i64>> + 'a {
    let same = spans.iter().filter(|other| other.trace == span.trace);
    same.map(|other| other.size)
}

async fn check(spans: &[Span]) {
    let directory = tempfile::tempdir().unwrap();
    let lake = open(&directory).await;
    for (number, span) in (0..).zip(spans) {
        let rows = build(number, span).finish();
        lake.publish(u64::from(number) + 1, vec![(Table::Spans, rows)]);
        if span.is_flushed {
            lake.flush().await.unwrap();
        }
    }
    let engine = Engine::new(lake, Config::default());
    let ask = async |condition: &str, groups: &[&str], calculations: &[&str]| {
        let request = QueryRequest {
            from: "spans".to_owned(),
            condition: Some(condition.to_owned()),
            group_by: groups.iter().map(|group| (*group).to_owned()).collect(),
            calculate: calculations.iter().map(|text| (*text).to_owned()).collect(),
            ..QueryRequest::default()
        };
        let answer = engine.query(&request, UnixNanos(5_000)).await.unwrap();
        let mut rows = BTreeSet::new();
        for batch in &answer.batches {
            for row in 0..batch.num_rows() {
                let cell = |column: &arrow::array::ArrayRef| {
                    let double = column.as_primitive_opt::<Float64Type>();
                    let int = column.as_primitive_opt::<Int64Type>();
                    #[expect(clippy::cast_possible_truncation, reason = "small whole numbers")]
                    let value = double
                        .map(|of| of.value(row) as i64)
                        .or(int.map(|of| of.value(row)));
                    value.filter(|_| column.is_valid(row))
                };
                let cells: Vec<Option<i64>> = batch.columns().iter().map(cell).collect();
                assert!(rows.insert(cells), "a group is there twice");
            }
        }
        rows
    };
    if spans.iter().all(|span| span.size.is_none()) {
        return;
    }
    let each = || (0_i64..).zip(spans);

    let found = ask(
        "true",
        &["number", "root.number", "parent.size"],
        &["count", "max(any.size)", "count(any.size)"],
    )
    .await;
    let expected = each().map(|(number, span)| {
        let weight = i64::from(span.weight);
        let root = root_of(spans, span).map(|root| root as i64);
        let known = sizes(spans, span).flatten().count();
        vec![
            Some(number),
            root,
            parent_of(spans, span).and_then(|parent| parent.size),
            Some(weight),
            sizes(spans, span).flatten().max(),
            Some(if known > 0 { weight } else { 0 }),
        ]
    });
    assert_eq!(found, expected.collect(), "every event with its relations");

    let found = ask(
        "any.size > size AND (parent.size = 1 OR root.size IS NULL)",
        &["number"],
        &[],
    )
    .await;
    let expected = each().filter_map(|(number, span)| {
        let size = span.size?;
        let is_larger = sizes(spans, span).flatten().any(|other| other > size);
        let parent = parent_of(spans, span).and_then(|parent| parent.size);
        let root = root_of(spans, span).and_then(|root| spans[root].size);
        (is_larger && (parent == Some(1) || root.is_none()))
            .then(|| vec![Some(number), Some(i64::from(span.weight))])
    });
    assert_eq!(found, expected.collect(), "conditions");

    let found = ask("true", &["any.size"], &[]).await;
    let mut groups: BTreeMap<Option<i64>, i64> = BTreeMap::new();
    for (_, span) in each() {
        let mut known: BTreeSet<Option<i64>> = sizes(spans, span).filter(Option::is_some).collect();
        if known.is_empty() {
            known.insert(None);
        }
        for size in known {
            *groups.entry(size).or_default() += i64::from(span.weight);
        }
    }
    let expected = groups
        .into_iter()
        .map(|(size, count)| vec![size, Some(count)]);
    assert_eq!(found, expected.collect(), "groups by any");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]

    #[test]
    fn relations_read_what_the_whole_trace_has(spans in prop::collection::vec(span(), 1..12)) {
        runtime().block_on(check(&spans));
    }
}
