//! Groups that are found by codes are those that a plain loop over the rows finds, wherever the rows are and whatever is
//! asked of them.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use crawlspace_model::Table;
use crawlspace_model::attribute::Value;
use crawlspace_wire::batch::{Cell, TableBuilder};
use datafusion::physical_plan::displayable;
use proptest::prelude::*;
use tempfile::TempDir;

use super::{apart, begin_span, open, runtime};
use crate::engine::session::Over;
use crate::{Asking, Engine};

const ROWS: i64 = 6_000;
/// Columns that can be keys, each with what a row has there.
const KEYS: [(&str, fn(&Row) -> Option<String>); 6] = [
    ("route", |row| Some(row.route.clone())),
    ("shop", |row| row.shop.clone()),
    ("status", |row| row.status.map(|status| status.to_string())),
    ("share", |row| row.share.map(|share| format!("{share:?}"))),
    ("paid", |row| row.paid.map(|paid| paid.to_string())),
    ("request", |row| Some(row.request.clone())),
];
/// Conditions, each with the rows that fulfil it.
const CONDITIONS: [(&str, fn(&Row) -> bool); 9] = [
    ("route = 'GET /3'", |row| row.route == "GET /3"),
    ("shop <> 'east'", |row| {
        row.shop.as_deref().is_some_and(|shop| shop != "east")
    }),
    ("shop IS NULL", |row| row.shop.is_none()),
    ("status >= 500", |row| {
        row.status.is_some_and(|status| status >= 500)
    }),
    ("status IN (200, 503)", |row| {
        matches!(row.status, Some(200 | 503))
    }),
    ("request = 'r-77'", |row| row.request == "r-77"),
    ("duration_ns > 900000", |row| row.duration > 900_000),
    ("time >= TIMESTAMP '1970-01-01 00:00:00.000003'", |row| {
        row.number >= 3_000
    }),
    ("route LIKE 'GET%'", |row| row.route.starts_with("GET")),
];

#[derive(Debug)]
struct Row {
    number: i64,
    route: String,
    shop: Option<String>,
    status: Option<i64>,
    share: Option<f64>,
    paid: Option<bool>,
    request: String,
    duration: i64,
}

/// Rows of many kinds, the same each time.
fn rows() -> Vec<Row> {
    let row = |number: i64| {
        let draw = |of: i64| (number * 7_919 + number / 13) % of;
        Row {
            number,
            route: format!("{} /{}", if draw(3) == 0 { "POST" } else { "GET" }, draw(5)),
            shop: (draw(4) > 0)
                .then(|| ["north", "east", "Süd"][draw(3).unsigned_abs() as usize].to_owned()),
            status: (draw(7) > 1).then(|| [200, 200, 404, 503][draw(4).unsigned_abs() as usize]),
            share: (draw(5) > 0).then(|| draw(6) as f64 / 4.0 - 0.5),
            paid: (draw(6) > 2).then(|| draw(2) == 0),
            request: format!("r-{number}"),
            duration: (draw(1_000) + 1) * 1_000 + draw(7),
        }
    };
    (0..ROWS).map(row).collect()
}

fn batch(rows: &[Row]) -> RecordBatch {
    let mut builder = TableBuilder::new(Table::Spans);
    for row in rows {
        begin_span(&mut builder, row.number);
        builder.set("duration_ns", Cell::Int(row.duration));
        let attributes = [
            ("route", Some(Value::String(&row.route))),
            ("shop", row.shop.as_deref().map(Value::String)),
            ("status", row.status.map(Value::Int)),
            ("share", row.share.map(Value::Double)),
            ("paid", row.paid.map(Value::Bool)),
            ("request", Some(Value::String(&row.request))),
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

struct World {
    engine: Engine,
    rows: Vec<Row>,
    _directory: TempDir,
}

/// A third of the rows in a part that was merged, a third in one that was flushed, the rest in memory.
async fn world() -> World {
    let directory = tempfile::tempdir().unwrap();
    let lake = open(&directory).await;
    let rows = rows();
    let third = ROWS as usize / 3;
    for (number, rows) in rows.chunks(third / 2).enumerate() {
        lake.publish(number as u64 + 1, vec![(Table::Spans, batch(rows))]);
        if number < 4 {
            lake.flush().await.unwrap();
        }
        if number == 1 {
            lake.compact(Some(2)).await.unwrap();
        }
    }
    World {
        engine: apart::engine(&lake),
        rows,
        _directory: directory,
    }
}

/// The value at the nearest rank.
fn at_rank<T: Copy>(sorted: &[T], fraction: f64) -> Option<T> {
    let rank = (fraction * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.max(1) - 1).copied()
}

const CALCULATED: &str = "count(*), count(status), count(*) FILTER (WHERE status >= 500), sum(duration_ns), min(duration_ns), \
     max(share), avg(status), percentile(duration_ns, 0.5), percentile(duration_ns, 0.99), \
     percentile(share, 0.9) FILTER (WHERE paid), max(time)";

/// The same of some rows.
fn calculated(rows: &[&Row]) -> Vec<String> {
    let mut durations: Vec<i64> = rows.iter().map(|row| row.duration).collect();
    durations.sort_unstable();
    let statuses: Vec<i64> = rows.iter().filter_map(|row| row.status).collect();
    let shares = |rows: &mut dyn Iterator<Item = &&Row>| {
        let mut shares: Vec<f64> = rows.filter_map(|row| row.share).collect();
        shares.sort_by(f64::total_cmp);
        shares
    };
    let paid = shares(&mut rows.iter().filter(|row| row.paid == Some(true)));
    let of_doubles =
        |value: Option<f64>| value.map_or_else(String::new, |value| format!("{value:?}"));
    let of_integers =
        |value: Option<i64>| value.map_or_else(String::new, |value| value.to_string());
    let average = statuses.iter().sum::<i64>() as f64 / statuses.len() as f64;
    let last = rows.iter().map(|row| row.number).max();
    vec![
        rows.len().to_string(),
        statuses.len().to_string(),
        statuses
            .iter()
            .filter(|status| **status >= 500)
            .count()
            .to_string(),
        of_integers((!durations.is_empty()).then(|| durations.iter().sum())),
        of_integers(durations.first().copied()),
        of_doubles(shares(&mut rows.iter()).last().copied()),
        of_doubles((!statuses.is_empty()).then_some(average)),
        of_integers(at_rank(&durations, 0.5)),
        of_integers(at_rank(&durations, 0.99)),
        of_doubles(at_rank(&paid, 0.9)),
        last.map_or_else(String::new, |last| format!("1970-01-01T00:00:00.{last:09}")),
    ]
}

fn found(batches: &[RecordBatch]) -> Vec<Vec<String>> {
    let options = FormatOptions::default().with_timestamp_format(Some("%Y-%m-%dT%H:%M:%S%.9f"));
    let mut rows = Vec::new();
    for batch in batches {
        let columns = batch.columns().iter();
        let columns: Vec<_> = columns
            .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
            .collect();
        rows.extend((0..batch.num_rows()).map(|row| {
            columns
                .iter()
                .map(|column| column.value(row).to_string())
                .collect::<Vec<String>>()
        }));
    }
    rows.sort();
    rows
}

impl World {
    /// Asks, here and apart, and holds the answer against a loop over the rows.
    async fn check(&self, keys: &[usize], conditions: &[usize]) {
        let names: Vec<&str> = keys.iter().map(|key| KEYS[*key].0).collect();
        let texts: Vec<&str> = conditions
            .iter()
            .map(|condition| CONDITIONS[*condition].0)
            .collect();
        let selected: String = names.iter().map(|name| format!("{name}, ")).collect();
        let filter = if texts.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", texts.join(" AND "))
        };
        let by = if names.is_empty() {
            String::new()
        } else {
            format!(" GROUP BY {}", names.join(", "))
        };
        let sql = format!("SELECT {selected}{CALCULATED} FROM spans{filter}{by}");
        let fulfils = |row: &&Row| {
            conditions
                .iter()
                .all(|condition| CONDITIONS[*condition].1(row))
        };
        let mut groups: BTreeMap<Vec<String>, Vec<&Row>> = BTreeMap::new();
        if keys.is_empty() {
            groups.insert(Vec::new(), Vec::new());
        }
        for row in self.rows.iter().filter(fulfils) {
            let key = keys.iter().map(|key| KEYS[*key].1(row).unwrap_or_default());
            groups.entry(key.collect()).or_default().push(row);
        }
        let groups = groups.into_iter().map(|(mut key, rows)| {
            key.extend(calculated(&rows));
            key
        });
        let mut expected: Vec<Vec<String>> = groups.collect();
        expected.sort();
        let answer = apart::ask(&self.engine, &sql).await.unwrap();
        assert_eq!(found(&answer.batches), expected, "{sql}");
        assert!(self.plan(&sql).await.contains("GroupedPlan"), "{sql}");
    }

    async fn plan(&self, sql: &str) -> String {
        let over = Over {
            snapshot: self.engine.snapshot(),
            fresh: None,
        };
        let planned = self
            .engine
            .planned(&over, sql, &Asking::default())
            .await
            .unwrap();
        displayable(planned.plan.as_ref()).indent(false).to_string()
    }
}

#[test]
fn groups_by_codes_are_those_of_a_plain_loop() {
    runtime().block_on(async {
        let world = world().await;
        world.check(&[], &[]).await;
        for key in 0..KEYS.len() {
            world.check(&[key], &[]).await;
        }
        for condition in 0..CONDITIONS.len() {
            world.check(&[1], &[condition]).await;
        }
        let questions = (
            prop::sample::subsequence((0..KEYS.len()).collect::<Vec<_>>(), 0..4),
            prop::sample::subsequence((0..CONDITIONS.len()).collect::<Vec<_>>(), 0..3),
        );
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(40));
        let asked = runner.run(&questions, |(keys, conditions)| {
            tokio::task::block_in_place(|| {
                tokio::runtime::Handle::current().block_on(world.check(&keys, &conditions));
            });
            Ok(())
        });
        asked.unwrap();
    });
}

#[test]
fn the_newest_rows_by_codes_are_those_of_a_plain_loop() {
    runtime().block_on(async {
        let world = world().await;
        let conditions = (0..CONDITIONS.len()).map(Some).chain([None]);
        for (condition, count) in conditions.zip([1, 7, 20, 300, 1_000].into_iter().cycle()) {
            let (filter, fulfils): (String, fn(&Row) -> bool) = match condition {
                Some(condition) => {
                    let (text, fulfils) = CONDITIONS[condition];
                    (format!("WHERE {text}"), fulfils)
                }
                None => (String::new(), |_| true),
            };
            let sql = format!(
                "SELECT duration_ns, request, trace_id FROM spans {filter} ORDER BY time DESC, request LIMIT {count}"
            );
            let newest = world.rows.iter().rev().filter(|row| fulfils(row)).take(count);
            let expected = newest.map(|row| {
                let trace_id = format!("{:032x}", row.number + 1);
                vec![row.duration.to_string(), row.request.clone(), trace_id]
            });
            let mut expected: Vec<Vec<String>> = expected.collect();
            expected.sort();
            let answer = apart::ask(&world.engine, &sql).await.unwrap();
            assert_eq!(found(&answer.batches), expected, "{sql}");
            assert!(world.plan(&sql).await.contains("NewestPlan"), "{sql}");
        }
    });
}

#[test]
fn a_value_that_no_wanted_row_has_fails_no_question() {
    runtime().block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let lake = open(&directory).await;
        let mut builder = TableBuilder::new(Table::Spans);
        for (number, size) in (0..).zip(["12", "unknown", "30"]) {
            begin_span(&mut builder, number);
            builder.attribute("size", &Value::String(size));
            builder.end_row();
        }
        lake.publish(1, vec![(Table::Spans, builder.finish())]);
        lake.flush().await.unwrap();
        let engine = apart::engine(&lake);
        let sql = "SELECT sum(CAST(\"size\" AS DOUBLE)) FROM spans WHERE \"size\" <> 'unknown'";
        let answer = apart::ask(&engine, sql).await.unwrap();
        assert_eq!(found(&answer.batches), [["42.0"]]);
    });
}

#[test]
fn rows_of_one_time_are_all_looked_at() {
    runtime().block_on(async {
        let directory = tempfile::tempdir().unwrap();
        let lake = open(&directory).await;
        let mut builder = TableBuilder::new(Table::Spans);
        for number in 0..500 {
            begin_span(&mut builder, if number < 100 { 7 } else { 9 });
            builder.attribute("number", &Value::Int(number));
            builder.end_row();
        }
        lake.publish(1, vec![(Table::Spans, builder.finish())]);
        lake.flush().await.unwrap();
        let engine = apart::engine(&lake);
        let sql = "SELECT number FROM spans ORDER BY time DESC, number DESC LIMIT 3";
        let answer = apart::ask(&engine, sql).await.unwrap();
        assert_eq!(found(&answer.batches), [["497"], ["498"], ["499"]]);
    });
}

#[test]
fn what_is_about_several_columns_is_left_to_plans() {
    runtime().block_on(async {
        let world = world().await;
        for (sql, is_by_codes) in [
            ("SELECT lower(name), count(*) FROM spans GROUP BY 1", true),
            (
                "SELECT date_bin(INTERVAL '1 microsecond', time), count(*) FROM spans GROUP BY 1",
                true,
            ),
            (
                "SELECT count(*) FROM (SELECT name AS n FROM spans WHERE paid) GROUP BY n",
                true,
            ),
            ("SELECT count(DISTINCT shop) FROM spans", true),
            (
                "SELECT name, count(*) FROM spans GROUP BY ROLLUP (name)",
                false,
            ),
            (
                "SELECT concat(name, shop), count(*) FROM spans GROUP BY 1",
                false,
            ),
            (
                "SELECT count(*) FROM spans WHERE status > duration_ns",
                false,
            ),
            (
                "SELECT trace_id, count(*) FROM spans GROUP BY trace_id",
                false,
            ),
            ("SELECT random(), count(*) FROM spans GROUP BY 1", false),
            ("SELECT max(name) FROM spans", false),
            ("SELECT avg(status) FROM spans", true),
            (
                "SELECT bin_start(TRY_CAST(duration_ns AS DOUBLE), 1.0, 1.0, 9.0, 5, true), count(*) FROM spans GROUP BY 1",
                true,
            ),
            (
                "SELECT sum(CAST(shop AS DOUBLE)) FROM spans WHERE shop <> 'east'",
                false,
            ),
            (
                "SELECT 100 / status, count(*) FROM spans WHERE status > 0 GROUP BY 1",
                false,
            ),
            (
                "SELECT chr(status), count(*) FROM spans WHERE status > 0 GROUP BY 1",
                false,
            ),
            (
                "SELECT count(*) FROM (SELECT name FROM spans LIMIT 5)",
                false,
            ),
        ] {
            let plan = world.plan(sql).await;
            assert_eq!(plan.contains("GroupedPlan"), is_by_codes, "{sql}: {plan}");
        }
    });
}
