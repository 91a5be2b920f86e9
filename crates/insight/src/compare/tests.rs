//! Planted causes are found and ranked first, clean splits find nothing, and every number equals its query. With
//! `CRAWLSPACE_LONG=1` the same with 500,000 events, 20 seeds of each cause and 200 splits.

mod generator;

use arrow::array::{AsArray, UInt64Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::{Float64Type, Int64Type};
use crawlspace_model::attribute::Value as Attribute;
use crawlspace_model::{Table, UnixNanos};
use crawlspace_query::Range;
use crawlspace_wire::batch::{Cell, TableBuilder};
use serde_json::{Value, json};

use super::{CompareRequest, Comparison, Side, Verdict};
use crate::tests::{Store, run};
use crate::{Error, Evidence};
use generator::{Cause, SLOW, store};

const NOW: UnixNanos = UnixNanos(1_764_003_600_000_000_000);

fn is_long() -> bool {
    std::env::var_os("CRAWLSPACE_LONG").is_some()
}

fn question(selection: &str) -> CompareRequest {
    CompareRequest {
        selection: Side {
            condition: Some(selection.to_owned()),
            range: None,
        },
        ..CompareRequest::default()
    }
}

async fn shop(seed: u64, events: usize, cause: Cause) -> Store {
    let mut shop = Store::new().await;
    for rows in store(seed, events, cause) {
        shop.publish(Table::Spans, rows);
    }
    shop
}

async fn compare(store: &Store, selection: &str) -> Comparison {
    store
        .insight
        .compare(&question(selection), NOW)
        .await
        .unwrap()
}

/// The fields of the findings, with those that say the same.
fn ranked(answer: &Comparison) -> Vec<Vec<&str>> {
    let fields = answer.fields.iter().map(|finding| {
        let same = finding.same_as.iter().map(String::as_str);
        std::iter::once(finding.field.as_str())
            .chain(same)
            .collect()
    });
    fields.collect()
}

fn is_found(cause: Cause, answer: &Comparison) -> bool {
    let found = ranked(answer);
    let first = |field: &str| found.first().is_some_and(|first| *first == [field]);
    let leads = |test: &str, value: &Value| {
        let value_of_first = answer.fields.first().map(|finding| &finding.values[0]);
        value_of_first.is_some_and(|lead| lead.test == test && lead.value == *value)
    };
    match cause {
        Cause::Nothing => answer.verdict == Verdict::Nothing,
        Cause::OneUser => first("user.id") && leads("is", &json!("4711")),
        Cause::MarkOfTheBad => first("retry"),
        Cause::Conjunction => {
            let mut two: Vec<&str> = found.iter().take(2).flatten().copied().collect();
            two.sort_unstable();
            two == ["app.version", "region"]
        }
        Cause::Rare => first("cache.state") && leads("is", &json!("value-3")),
        Cause::NumericShift => {
            first("payload.bytes") && answer.fields[0].values[0].test == "at_least"
        }
        Cause::Sampled => first("plan") && !found.iter().flatten().any(|field| *field == "debug"),
        Cause::Redundant => {
            let mut three = found.first().cloned().unwrap_or_default();
            three.sort_unstable();
            three == ["app.version", "host", "pod"]
        }
    }
}

/// The cause is ranked first, whatever the seed.
fn check(cause: Cause) {
    let (events, seeds, least) = if is_long() {
        (500_000, 20, 19)
    } else {
        (50_000, 2, 2)
    };
    let mut first = 0;
    for seed in 1..=seeds {
        let answer = run(async { compare(&shop(seed, events, cause).await, SLOW).await });
        let is_first = is_found(cause, &answer);
        first += u32::from(is_first);
        if !is_first || is_long() {
            let found = ranked(&answer);
            eprintln!("{cause:?} {seed}: {is_first} {} {found:?}", answer.summary);
        }
    }
    assert!(first >= least, "{cause:?}: first in {first} of {seeds}");
}

#[test]
fn one_guilty_user_of_very_many_is_ranked_first() {
    check(Cause::OneUser);
}

#[test]
fn a_field_that_only_the_bad_have_is_ranked_first() {
    check(Cause::MarkOfTheBad);
}

#[test]
fn both_fields_of_a_conjunction_are_ranked_first() {
    check(Cause::Conjunction);
}

#[test]
fn a_cause_in_one_of_two_thousand_events_is_ranked_first() {
    check(Cause::Rare);
}

#[test]
fn a_shift_of_numbers_is_ranked_first() {
    check(Cause::NumericShift);
}

#[test]
fn sampled_events_count_by_their_weights() {
    check(Cause::Sampled);
}

#[test]
fn fields_that_say_the_same_are_one_finding() {
    check(Cause::Redundant);
}

#[test]
fn clean_splits_find_nothing() {
    let (events, stores, splits) = if is_long() {
        (500_000, 4, 50)
    } else {
        (30_000, 1, 12)
    };
    let mut claims = Vec::new();
    for seed in 1..=stores {
        run(async {
            let store = shop(1_000 + seed, events, Cause::Nothing).await;
            for split in 0..splits {
                // Each multiple orders the coins anew.
                let coin = ["coin.event", "coin.trace"][split % 2];
                let part = [500_000, 100_000, 10_000][split / 2 % 3];
                let factor = 7_919 * (split + 1) + 1;
                let half = format!("({coin} * {factor}) % 1000003 < {part}");
                let answer = compare(&store, &half).await;
                if answer.verdict == Verdict::Different {
                    eprintln!("{half}: {}", answer.summary);
                    claims.push(half);
                }
                assert_ne!(answer.verdict, Verdict::CannotTell);
            }
        });
    }
    let all = stores as usize * splits;
    eprintln!("{} of {all} clean splits claim something", claims.len());
    assert!(claims.len() * 20 <= all, "{claims:?}");
}

/// The first row of what a query answers, by column.
async fn first_row(store: &Store, query: &Evidence) -> Vec<(String, f64)> {
    let answer = store.engine.sql(&query.0).await;
    let answer = answer.unwrap_or_else(|error| panic!("{error}: {}", query.0));
    let rows = &answer.batches[0];
    let schema = rows.schema();
    let fields = schema.fields().iter().zip(rows.columns());
    fields
        .map(|(field, column)| {
            let number = match column.as_primitive_opt::<Int64Type>() {
                Some(numbers) => numbers.value(0) as f64,
                None => column.as_primitive::<Float64Type>().value(0),
            };
            (field.name().clone(), number)
        })
        .collect()
}

/// Every number in an answer, or in a part of one, that the query beside it gives again.
async fn check_queries(store: &Store, part: &Value) -> usize {
    let mut checked = 0;
    match part {
        Value::Object(members) => {
            if let Some(Value::String(query)) = members.get("query") {
                let flat = |name: &str| match name.split_once('_') {
                    Some((side, member)) if part[side].is_object() => part[side][member].as_f64(),
                    _ => part[name].as_f64().or(part["values"][0][name].as_f64()),
                };
                for (name, number) in first_row(store, &Evidence(query.clone())).await {
                    let told = flat(&name).unwrap_or_else(|| panic!("no `{name}` in {part}"));
                    let near = (told - number).abs() <= 1e-6 * number.abs().max(1e-3);
                    assert!(near, "{name}: {told} is told, {number} found by {query}");
                    checked += 1;
                }
            }
            for member in members.values() {
                checked += Box::pin(check_queries(store, member)).await;
            }
        }
        Value::Array(items) => {
            for item in items {
                checked += Box::pin(check_queries(store, item)).await;
            }
        }
        _ => {}
    }
    checked
}

#[test]
fn every_number_equals_its_query() {
    for cause in [
        Cause::OneUser,
        Cause::MarkOfTheBad,
        Cause::NumericShift,
        Cause::Sampled,
    ] {
        run(async {
            let store = shop(7, 20_000, cause).await;
            let mut answer = compare(&store, SLOW).await;
            assert_eq!(answer.verdict, Verdict::Different, "{cause:?}");
            answer.fields.truncate(2);
            let answer = serde_json::to_value(&answer).unwrap();
            assert!(check_queries(&store, &answer).await >= 14);
        });
    }
}

#[test]
fn answers_are_the_same_every_time_from_memory_and_from_parts() {
    run(async {
        let store = shop(3, 20_000, Cause::Sampled).await;
        let told = |answer: Comparison| {
            let mut answer = serde_json::to_value(answer).unwrap();
            answer["footer"] = answer["footer"]["selection"].take();
            answer
        };
        let first = told(compare(&store, SLOW).await);
        assert_eq!(first, told(compare(&store, SLOW).await));
        store.lake.flush().await.unwrap();
        assert_eq!(first, told(compare(&store, SLOW).await));
        // The spans of no trace are together any more.
        let mut scattered = Store::new().await;
        for rows in generator::store(3, 20_000, Cause::Sampled) {
            let count = rows.num_rows() as u64;
            let order = UInt64Array::from_iter_values((0..count).map(|row| row * 7_919 % count));
            let rows = take_record_batch(&rows, &order).unwrap();
            scattered.publish(Table::Spans, rows);
        }
        assert_eq!(first, told(compare(&scattered, SLOW).await));
    });
}

/// Spans of a trace each, of two releases; the newer has a mark in the overflow, too.
fn releases(traces: std::ops::Range<u64>, release: &str) -> arrow::array::RecordBatch {
    let mut builder = TableBuilder::new(Table::Spans);
    for trace in traces {
        let id = u128::from(trace + 1).to_be_bytes();
        builder.set("time", Cell::Time(NOW.0 - 1_000_000_000 * trace as i64));
        builder.set("received_at", Cell::Time(NOW.0));
        builder.set("duration_ns", Cell::Int(1_000));
        builder.set("trace_id", Cell::Bytes(&id));
        builder.set("span_id", Cell::Bytes(&id[8..]));
        for (column, text) in [("name", "n"), ("kind", "server"), ("status_code", "unset")] {
            builder.set(column, Cell::Text(text));
        }
        builder.set("sample_weight", Cell::Double(1.0));
        builder.attribute("release", &Attribute::String(release));
        builder.attribute("selection", &Attribute::String("mine"));
        if release == "new" {
            builder.attribute("tags", &Attribute::List(vec![Attribute::Int(1)]));
        }
        builder.end_row();
    }
    builder.finish()
}

#[test]
fn ranges_are_compared_and_values_in_the_overflow_are_seen() {
    run(async {
        let mut store = Store::new().await;
        store.publish(Table::Spans, releases(0..60, "new"));
        store.publish(Table::Spans, releases(60..120, "old"));
        let range = |start: i64, end: i64| {
            let time = |ago: i64| Some((NOW.0 - ago * 1_000_000_000).to_string());
            Some(Range {
                start: time(start),
                end: time(end),
                last: None,
            })
        };
        let request = CompareRequest {
            selection: Side {
                range: range(59, -1),
                condition: None,
            },
            baseline: Some(Side {
                range: range(119, -1),
                condition: None,
            }),
            ..CompareRequest::default()
        };
        let answer = store.insight.compare(&request, NOW).await.unwrap();
        assert_eq!(ranked(&answer), [["release", "tags"]]);
        assert_eq!(
            answer.summary,
            "`release` is new on all of the selection, on none of the baseline"
        );
        let json = serde_json::to_value(&answer).unwrap();
        assert!(check_queries(&store, &json).await >= 14);
        let times: Vec<&str> = answer
            .folded
            .iter()
            .map(|folded| folded.field.as_str())
            .collect();
        assert_eq!(times, ["time", "received_at", "trace_id", "span_id"]);
    });
}

#[test]
fn too_little_is_said_to_be_too_little_and_bad_questions_say_what_to_do() {
    run(async {
        let mut store = Store::new().await;
        store.publish(Table::Spans, releases(0..3, "new"));
        store.publish(Table::Spans, releases(3..6, "old"));
        let answer = compare(&store, "release = 'new'").await;
        assert_eq!(answer.verdict, Verdict::CannotTell);
        assert!(
            answer.summary.contains("3 traces are too few"),
            "{}",
            answer.summary
        );
        for (request, said) in [
            (question("releas = 'new'"), "did you mean `release`?"),
            (
                question("release = 'none'"),
                "no event of spans is in the selection",
            ),
            (
                question("duration_ns > 0"),
                "there is no rest to compare with",
            ),
            (question("  "), "give it a `where` or a `range`"),
            (question("release = 'new') OR (TRUE"), "unexpected"),
            (
                CompareRequest {
                    from: Some("metrics".to_owned()),
                    ..question("value > 1")
                },
                "give `spans` or `logs`",
            ),
            (
                CompareRequest {
                    limit: Some(101),
                    ..question("release = 'new'")
                },
                "at most 100",
            ),
            (
                CompareRequest {
                    baseline: Some(Side {
                        condition: Some("release = 'x'".to_owned()),
                        range: None,
                    }),
                    ..question("release = 'new'")
                },
                "no event of spans is in the baseline",
            ),
        ] {
            let refused = store.insight.compare(&request, NOW).await;
            let error: Error = refused.map(|answer| answer.summary).unwrap_err();
            assert!(error.to_string().contains(said), "{error}");
        }
    });
}

#[test]
fn log_records_are_compared_and_those_without_a_trace_count_each() {
    run(async {
        let mut store = Store::new().await;
        let mut builder = TableBuilder::new(Table::Logs);
        for number in 0..80_u64 {
            let is_bad = number % 4 == 0;
            builder.set("time", Cell::Time(NOW.0));
            builder.set("received_at", Cell::Time(NOW.0));
            if number % 8 != 0 {
                let trace = u128::from(number / 2 + 1).to_be_bytes();
                builder.set("trace_id", Cell::Bytes(&trace));
            }
            builder.set("record_type", Cell::Text("log"));
            builder.set("severity_number", Cell::Int32(if is_bad { 17 } else { 9 }));
            builder.set("sample_weight", Cell::Double(1.0));
            let disk = if is_bad { "full" } else { "fine" };
            builder.attribute("disk", &Attribute::String(disk));
            builder.end_row();
        }
        store.publish(Table::Logs, builder.finish());
        let request = CompareRequest {
            from: Some("logs".to_owned()),
            ..question("severity_number >= 17")
        };
        let answer = store.insight.compare(&request, NOW).await.unwrap();
        assert_eq!(ranked(&answer)[0], ["disk"]);
        assert_eq!(answer.footer.selection.traces, 20);
        let json = serde_json::to_value(&answer).unwrap();
        assert!(check_queries(&store, &json).await >= 14);
    });
}
