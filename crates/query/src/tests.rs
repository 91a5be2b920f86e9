//! A model of the whole read side: rows with wild attributes are published, flushed, compacted and reopened in any
//! order, and every question is answered as the plain list of rows would.

mod apart;
mod grouping;
mod limits;
mod merging;
mod relations;
mod scan;
mod search;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type};
use crawlspace_disk::RealFs;
use crawlspace_lake::{Config as LakeConfig, Dependencies, Lake, LocalStore, SqliteCatalogue};
use crawlspace_model::attribute::{Kinds, Value};
use crawlspace_model::id::{TraceId, hex};
use crawlspace_model::names::column_of_key;
use crawlspace_model::{Clock, SystemClock, Table};
use crawlspace_wire::batch::{Cell, TableBuilder};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::{Answer, Engine, Error, QueryRequest};

mod keeping;

const KEYS: [&str; 8] = [
    "user.id",
    "User.id",
    "late.key.3",
    "name",
    "",
    "select",
    "http.method",
    "http.request.method",
];

#[derive(Debug, Clone)]
struct Row {
    attributes: Vec<(&'static str, Item)>,
    duration: i64,
}

#[derive(Debug, Clone, PartialEq)]
enum Item {
    Text(String),
    Int(i64),
    Double(f64),
    Bool(bool),
    List(Vec<i64>),
}

impl Item {
    fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::String(text),
            Self::Int(number) => Value::Int(*number),
            Self::Double(number) => Value::Double(*number),
            Self::Bool(flag) => Value::Bool(*flag),
            Self::List(items) => Value::List(items.iter().map(|item| Value::Int(*item)).collect()),
        }
    }

    /// What a query reads of it where its key's values are all of that kind, as text.
    fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            other => other.value().to_json(),
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Publish(Vec<Row>),
    Flush,
    Compact,
    Reopen,
}

fn item() -> impl Strategy<Value = Item> {
    prop_oneof![
        3 => "[a-zé\"%]{0,6}".prop_map(Item::Text),
        3 => any::<i64>().prop_map(Item::Int),
        1 => (-1e6..1e6f64).prop_map(Item::Double),
        1 => any::<bool>().prop_map(Item::Bool),
        1 => prop::collection::vec(any::<i64>(), 0..3).prop_map(Item::List),
    ]
}

fn row() -> impl Strategy<Value = Row> {
    let attribute = (prop::sample::select(&KEYS[..]), item());
    (prop::collection::vec(attribute, 0..4), 0i64..1_000_000).prop_map(
        |(mut attributes, duration)| {
            attributes.sort_by_key(|(key, _)| *key);
            attributes.dedup_by_key(|(key, _)| *key);
            Row {
                attributes,
                duration,
            }
        },
    )
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec(row(), 1..20).prop_map(Step::Publish),
        2 => Just(Step::Flush),
        1 => Just(Step::Compact),
        1 => Just(Step::Reopen),
    ]
}

struct World {
    directory: TempDir,
    lake: Arc<Lake>,
    engine: Engine,
    /// By span id.
    rows: BTreeMap<[u8; 8], Row>,
}

fn trace_of(number: u64) -> [u8; 16] {
    let mut id = [7; 16];
    id[15] = (number % 5) as u8 + 1;
    id
}

impl World {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let lake = open(&directory).await;
        let engine = apart::engine(&lake);
        Self {
            directory,
            lake,
            engine,
            rows: BTreeMap::new(),
        }
    }

    async fn take(&mut self, step: &Step) {
        match step {
            Step::Publish(rows) => self.publish(rows),
            Step::Flush => _ = self.lake.flush().await.unwrap(),
            Step::Compact => _ = self.lake.compact(Some(2)).await.unwrap(),
            Step::Reopen => {
                self.lake.flush().await.unwrap();
                self.lake = open(&self.directory).await;
                self.engine = apart::engine(&self.lake);
            }
        }
    }

    fn publish(&mut self, rows: &[Row]) {
        let mut builder = TableBuilder::new(Table::Spans);
        for row in rows {
            let number = self.rows.len() as u64 + 1;
            let (span, trace) = (number.to_be_bytes(), trace_of(number));
            builder.set("time", Cell::Time(number.cast_signed() * 1_000));
            builder.set("received_at", Cell::Time(number.cast_signed()));
            builder.set("duration_ns", Cell::Int(row.duration));
            builder.set("trace_id", Cell::Bytes(&trace));
            builder.set("span_id", Cell::Bytes(&span));
            for (column, text) in [("name", "n"), ("kind", "server"), ("status_code", "unset")] {
                builder.set(column, Cell::Text(text));
            }
            builder.set("sample_weight", Cell::Double(1.0));
            for (key, item) in &row.attributes {
                builder.attribute(&column_of_key(Table::Spans, key), &item.value());
            }
            builder.end_row();
            self.rows.insert(span, row.clone());
        }
        let end = self.rows.len() as u64;
        self.lake
            .publish(end, vec![(Table::Spans, builder.finish())]);
    }

    async fn check(&self) {
        assert_eq!(
            self.number("SELECT count(*) FROM spans").await,
            self.rows.len() as i64
        );
        let sum: i64 = self.rows.values().map(|row| row.duration).sum();
        if !self.rows.is_empty() {
            assert_eq!(self.number("SELECT sum(duration_ns) FROM spans").await, sum);
        }
        for key in KEYS {
            self.check_key(key).await;
        }
        for number in 1..=5u64 {
            self.check_trace(trace_of(number)).await;
        }
    }

    /// Each row's value of a key, read through SQL.
    async fn check_key(&self, key: &str) {
        // A stable name reads the older one too.
        let keys = if key == "http.request.method" {
            vec![key, "http.method"]
        } else {
            vec![key]
        };
        let value_in = |row: &Row| {
            keys.iter().find_map(|key| {
                row.attributes
                    .iter()
                    .find(|(k, _)| k == key)
                    .map(|(_, item)| item.clone())
            })
        };
        let items: Vec<Item> = self
            .rows
            .values()
            .flat_map(|row| {
                keys.iter()
                    .filter_map(|key| {
                        row.attributes
                            .iter()
                            .find(|(k, _)| k == key)
                            .map(|(_, item)| item.clone())
                    })
                    .collect::<Vec<_>>()
            })
            .collect();
        let column = column_of_key(Table::Spans, key);
        let sql = format!("SELECT span_id, \"{column}\" FROM spans WHERE \"{column}\" IS NOT NULL");
        if items.is_empty() {
            assert!(
                matches!(
                    apart::ask(&self.engine, &sql).await,
                    Err(Error::UnknownField { .. } | Error::Plan { .. })
                ),
                "{key}"
            );
            return;
        }
        let kinds = items.iter().fold(Kinds::default(), |kinds, item| {
            kinds.union(Kinds::of(item.value().kind()))
        });
        let found = texts(&apart::ask(&self.engine, &sql).await.unwrap());
        let expected: BTreeMap<String, String> = self
            .rows
            .iter()
            .filter_map(|(span, row)| {
                let item = value_in(row)?;
                let text = match (kinds.reads_as(), &item) {
                    (crawlspace_model::attribute::Kind::Double, Item::Int(number)) => {
                        format!("{:?}", *number as f64)
                    }
                    _ => item.text(),
                };
                Some((hex(span), text))
            })
            .collect();
        assert_eq!(found, expected, "key {key:?}");
    }

    /// Each span of a trace with its attributes, read by its id.
    async fn check_trace(&self, id: [u8; 16]) {
        let found = self.engine.trace(TraceId(id), None).await.unwrap();
        let found: BTreeMap<String, BTreeMap<String, serde_json::Value>> = found
            .map_or_else(Vec::new, |trace| trace.spans)
            .into_iter()
            .map(|span| (span.span_id, span.attributes.into_iter().collect()))
            .collect();
        let of_trace = self
            .rows
            .iter()
            .filter(|(span, _)| trace_of(u64::from_be_bytes(**span)) == id);
        let expected: BTreeMap<String, BTreeMap<String, serde_json::Value>> = of_trace
            .map(|(span, row)| {
                let attributes = row
                    .attributes
                    .iter()
                    .map(|(key, item)| ((*key).to_owned(), json(item)));
                (hex(span), attributes.collect())
            })
            .collect();
        assert_eq!(found, expected);
    }

    async fn number(&self, sql: &str) -> i64 {
        let answer = apart::ask(&self.engine, sql).await.unwrap();
        answer.batches[0]
            .column(0)
            .as_primitive::<Int64Type>()
            .value(0)
    }
}

fn json(item: &Item) -> serde_json::Value {
    match item {
        Item::Int(number) if number.unsigned_abs() > 1 << 53 => number.to_string().into(),
        Item::Double(number) if number.is_finite() => (*number).into(),
        other => serde_json::from_str(&other.value().to_json()).unwrap(),
    }
}

/// Two text columns as a map.
fn texts(answer: &Answer) -> BTreeMap<String, String> {
    let text = |rows: &RecordBatch, column: usize, row: usize| match rows.column(column).data_type()
    {
        DataType::Float64 => format!(
            "{:?}",
            rows.column(column)
                .as_primitive::<arrow::datatypes::Float64Type>()
                .value(row)
        ),
        _ => {
            let column = arrow::compute::cast(rows.column(column), &DataType::Utf8).unwrap();
            column.as_string::<i32>().value(row).to_owned()
        }
    };
    let rows = |rows: &RecordBatch| {
        (0..rows.num_rows())
            .map(|row| (text(rows, 0, row), text(rows, 1, row)))
            .collect::<Vec<_>>()
    };
    answer.batches.iter().flat_map(rows).collect()
}

/// A span that is alone in its trace, without its attributes.
fn begin_span(builder: &mut TableBuilder, number: i64) {
    builder.set("time", Cell::Time(number));
    builder.set("received_at", Cell::Time(number));
    builder.set("trace_id", Cell::Bytes(&(number as u128 + 1).to_be_bytes()));
    builder.set("span_id", Cell::Bytes(&(number + 1).to_be_bytes()));
    for (column, text) in [("name", "n"), ("kind", "server"), ("status_code", "unset")] {
        builder.set(column, Cell::Text(text));
    }
    builder.set("sample_weight", Cell::Double(1.0));
}

async fn open(directory: &TempDir) -> Arc<Lake> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let root = directory.path().join("lake");
    std::fs::create_dir_all(&root).unwrap();
    let catalogue = SqliteCatalogue::open(
        &root.join("catalogue.sqlite"),
        &root.join("data"),
        Arc::clone(&clock),
    )
    .await
    .unwrap();
    let store = Arc::new(LocalStore::new(Arc::new(RealFs), root));
    let config = LakeConfig {
        flush_age: Duration::from_secs(3_600),
        ..LakeConfig::default()
    };
    Lake::open(
        config,
        Dependencies {
            store,
            catalogue: Arc::new(catalogue),
            clock,
        },
    )
    .await
    .unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_stack_size(8 << 20)
        .enable_all()
        .build()
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 200, ..ProptestConfig::default() })]
    #[test]
    fn every_row_is_there_once_whatever_happens_to_the_lake(steps in prop::collection::vec(step(), 1..8)) {
        runtime().block_on(async {
            let mut world = World::new().await;
            for step in &steps {
                world.take(step).await;
                world.check().await;
            }
        });
    }
}

async fn small_world() -> World {
    let mut world = World::new().await;
    let row = |duration, attributes: &[(&'static str, Item)]| Row {
        duration,
        attributes: attributes.to_vec(),
    };
    let text = |text: &str| Item::Text(text.to_owned());
    let rows = [
        row(
            10,
            &[("user.id", text("ada")), ("late.key.3", Item::Int(5))],
        ),
        row(20, &[("user.id", text("bob")), ("late.key.3", text("7"))]),
        row(30, &[("user.id", text("ada")), ("late.key.3", text("x"))]),
    ];
    world.take(&Step::Publish(rows.to_vec())).await;
    world
}

#[test]
fn questions_are_read_as_people_write_them() {
    runtime().block_on(async {
        let world = small_world().await;
        for (sql, expected) in [
            ("SELECT count(*) FROM spans WHERE user.id = 'ada'", 2),
            ("SELECT COUNT (*) FROM spans AS s WHERE s.user.id = 'ada'", 2),
            ("select count(*) from spans where \"user.id\" in ('ada','bob')", 3),
            ("SELECT CAST(sum(late.key.3) AS BIGINT) FROM spans", 12),
            ("SELECT count(*) FROM spans WHERE late.key.3 > 4", 2),
            ("SELECT count(*) FROM spans WHERE time < now() - INTERVAL '1 hour'", 3),
            ("SELECT count(*) FROM spans WHERE late.key.3 + 1 = 8", 1),
            ("SELECT percentile(duration_ns, 0.5) FROM spans", 20),
            ("SELECT count(*) FROM spans WHERE trace_id = '07070707070707070707070707070703'", 1),
            ("SELECT max(n) FROM (SELECT user.id, count(*) AS n FROM spans GROUP BY user.id)", 2),
            ("WITH t AS (SELECT * FROM spans) SELECT count(*) FROM t WHERE \"user.id\" = 'ada'", 2),
            ("SELECT count(*) FROM spans a JOIN spans b ON a.user.id = b.user.id AND a.span_id <> b.span_id", 2),
            ("SELECT count(*) FROM spans WHERE time >= TIMESTAMP '1970-01-01 00:00:00.000002'", 2),
        ] {
            assert_eq!(world.number(sql).await, expected, "{sql}");
        }
    });
}

#[test]
fn wrong_questions_are_told_what_is_wrong() {
    runtime().block_on(async {
        let world = small_world().await;
        for (sql, expected) in [
            ("SELECT user.ids FROM spans", "did you mean `user.id`?"),
            (
                "SELECT durationns FROM spans",
                "did you mean `duration_ns`?",
            ),
            ("SELECT count(*) FROM spams", "unknown table `spams`"),
            ("SELECT count(* FROM spans", "line 1, column 16"),
            ("SELECT 'a", "Unterminated"),
            ("DELETE FROM spans", "only SELECT"),
            ("SELECT 1; SELECT 2", "several statements"),
            ("", "there is no statement"),
            ("COPY spans TO '/tmp/x'", "only SELECT"),
            ("SELECT * FROM '/etc/passwd'", "unknown table"),
            ("SELECT * FROM read_csv('/etc/passwd')", ""),
            ("SELECT repeat('x', 2000000000)", "repeat"),
        ] {
            let error = apart::ask(&world.engine, sql).await.expect_err(sql);
            assert!(error.to_string().contains(expected), "{sql}: {error}");
            assert_eq!(
                error.kind(),
                crawlspace_model::ErrorKind::BadInput,
                "{sql}: {error}"
            );
        }
        let chain = format!("SELECT {}1", "1+".repeat(1_000));
        assert_eq!(
            apart::ask(&world.engine, &chain).await.unwrap_err().kind(),
            crawlspace_model::ErrorKind::TooLarge
        );
    });
}

#[test]
fn the_query_api_groups_filters_and_orders() {
    runtime().block_on(async {
        let world = small_world().await;
        let ask = async |json: serde_json::Value| {
            let request: QueryRequest = serde_json::from_value(json).unwrap();
            world.engine.query(&request, SystemClock.now()).await
        };
        let answer = ask(serde_json::json!({
            "from": "spans", "group_by": ["user.id"], "calculate": ["count", "p99(duration_ns)"],
            "having": "count > 1 AND p99(duration_ns) >= 30", "order_by": ["-p99(duration_ns)"]
        }));
        assert_eq!(texts(&answer.await.unwrap()), BTreeMap::from([("ada".to_owned(), "2".to_owned())]));
        let answer = ask(serde_json::json!({"from": "spans", "where": "late.key.3 > 4", "calculate": ["count", "count_distinct(user.id)"]}));
        assert_eq!(texts(&answer.await.unwrap()), BTreeMap::from([("2".to_owned(), "2".to_owned())]));
        let events = ask(serde_json::json!({"from": "spans", "limit": 2})).await.unwrap();
        assert_eq!((events.footer.rows, events.footer.cut), (2, true));
        for (json, expected) in [
            (serde_json::json!({"from": "spans", "where": "1=1) UNION SELECT (1"}), "unexpected"),
            (serde_json::json!({"from": "spans", "group_by": ["usr.id"]}), "did you mean `user.id`?"),
            (serde_json::json!({"from": "spans", "calculate": ["count", "count"]}), "asked for twice"),
            (serde_json::json!({"from": "spans", "calculate": ["p99"]}), "unknown calculation"),
            (serde_json::json!({"from": "spans", "range": {"last": "soon"}}), "no length of time"),
            (serde_json::json!({"from": "spams"}), "unknown table"),
        ] {
            let error = ask(json).await.unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    });
}
