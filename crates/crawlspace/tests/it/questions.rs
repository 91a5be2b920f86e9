//! Twenty-five questions over the generator's corpus: the program against `DuckDB` over the
//! generator's own rows, and `DuckDB` over the program's live catalogue against the same, through
//! every state that data can be in.

mod generator;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::answers::check_same;
use crate::bucket::Bucket;
use crate::duck::Duck;
use crate::otlp::{attribute, request, span, text};
use crate::server::{Server, new_data_directory};
use generator::{Corpus, SPANS};

const SEED: u64 = 20_261_122;
const NOISE_PER_REQUEST: u64 = 50;

/// In every question, so that data of another service may arrive meanwhile.
const OURS: &str = "service.name <> 'noise'";

/// Names that the program takes bare and `DuckDB` wants quoted.
const DOTTED: [&str; 15] = [
    "service.name",
    "scope.name",
    "host.name",
    "event.name",
    "exception.type",
    "http.request.method",
    "http.response.status_code",
    "tenant.id",
    "user.id",
    "request.id",
    "cart.value",
    "cache.hit",
    "big.number",
    "late.key.8",
    "late.key.1",
];

/// As `DuckDB` understands them, but for bare names and for `percentile`, its `quantile_disc`: both
/// are the nearest rank. The program needs no `epoch_ns`: its times come as nanoseconds since 1970.
/// `{ours}` and `{trace}` are filled in.
const QUESTIONS: [&str; 25] = [
    "SELECT count(*), count(user.id), count(city), count(late.key.1) FROM spans WHERE {ours}",
    "SELECT count(*) FROM spans WHERE {ours} AND http.request.method = 'POST'",
    "SELECT count(*) FROM spans WHERE {ours} AND http.response.status_code >= 400
     AND http.response.status_code <> 500",
    "SELECT count(*), sum(cart.value) FROM spans WHERE {ours} AND cart.value BETWEEN 10.5
     AND 20.25",
    "SELECT cache.hit, count(*) FROM spans WHERE {ours} AND NOT cache.hit GROUP BY cache.hit",
    "SELECT service.name, count(*), sum(duration_ns), min(duration_ns), max(duration_ns) FROM spans
     WHERE {ours} GROUP BY service.name",
    "SELECT name, count(*), percentile(duration_ns, 0.5), percentile(duration_ns, 0.99) FROM spans
     WHERE {ours} GROUP BY name",
    "SELECT http.request.method, http.response.status_code, count(*) FROM spans
     WHERE {ours} GROUP BY 1, 2",
    "SELECT service.name, count(DISTINCT user.id), count(DISTINCT request.id),
     count(DISTINCT trace_id) FROM spans
     WHERE {ours} GROUP BY service.name",
    "SELECT percentile(duration_ns, 0.01), percentile(duration_ns, 0.57), percentile(duration_ns,
     0.999),
     percentile(cart.value, 0.5), percentile(cart.value, 1.0) FROM spans WHERE {ours}",
    "SELECT host.name, scope.name, avg(duration_ns), avg(cart.value), avg(late.key.1) FROM spans
     WHERE {ours} GROUP BY host.name, scope.name",
    "SELECT min(big.number), max(big.number), min(city), max(city), min(cart.value)
     FROM spans WHERE {ours}",
    "SELECT epoch_ns(date_trunc('minute', time)), count(*), count(DISTINCT tenant.id) FROM spans
     WHERE {ours} GROUP BY 1",
    "SELECT count(*) FROM spans WHERE {ours} AND http.request.method IS NULL
     AND cache.hit IS NOT NULL
     AND parent_span_id IS NULL",
    "SELECT city, upper(city), length(city), count(*) FROM spans
     WHERE {ours} AND (city LIKE '%ü%' OR city LIKE '東_' OR city LIKE '🚀%') GROUP BY city",
    "SELECT tenant.id, count(*) FROM spans WHERE {ours}
     AND tenant.id IN ('tenant-3', 'tenant-33', 'нет')
     AND http.request.method NOT IN ('GET', 'PUT') GROUP BY tenant.id",
    "SELECT tenant.id, count(*) AS n FROM spans WHERE {ours} AND status_code = 'error'
     GROUP BY tenant.id
     HAVING count(*) > 80 ORDER BY n DESC, tenant.id",
    "SELECT trace_id, span_id, epoch_ns(time), duration_ns, user.id FROM spans WHERE {ours}
     AND kind = 'server'
     ORDER BY duration_ns DESC, span_id LIMIT 20",
    "SELECT span_id, parent_span_id, name, kind, status_code FROM spans
     WHERE {ours} AND trace_id = '{trace}' ORDER BY time, span_id",
    "SELECT p.service.name, c.service.name, count(*), sum(c.duration_ns) FROM spans AS c
     JOIN spans AS p ON p.trace_id = c.trace_id AND p.span_id = c.parent_span_id
     WHERE p.{ours} AND c.{ours} GROUP BY 1, 2",
    "SELECT s.kind, l.exception.type, count(*), count(DISTINCT s.span_id),
     max(epoch_ns(l.time) - epoch_ns(s.time))
     FROM logs AS l JOIN spans AS s ON s.trace_id = l.trace_id AND s.span_id = l.span_id
     WHERE l.{ours} AND l.event.name = 'exception' GROUP BY 1, 2",
    "SELECT sum(duration_ns / 1e6), sum(duration_ns % 7),
     sum(CASE WHEN cache.hit THEN 2 ELSE -1 END),
     sum(coalesce(cart.value, 0.25) * 2) FROM spans WHERE {ours}",
    "SELECT epoch_ns(date_trunc('hour', time)), CAST(floor(duration_ns / 5e7) AS BIGINT),
     count(*) FROM spans
     WHERE {ours} AND time >= '2026-11-22 08:10:00'
     AND time < '2026-11-22 09:50:00.000000001' GROUP BY 1, 2",
    "SELECT mixed, count(*), sum(TRY_CAST(mixed AS BIGINT)) FROM spans
     WHERE {ours} AND (mixed = '7' OR mixed = 'n7' OR mixed LIKE '%1_' OR late.key.8 = 'значение 8') GROUP BY mixed",
    "WITH ranked AS (SELECT service.name, span_id, http.request.method AS method,
     row_number() OVER (
         PARTITION BY service.name ORDER BY http.request.method DESC, cart.value, span_id) AS place
       FROM spans WHERE {ours} AND status_code = 'error')
     SELECT service.name, place, method, span_id FROM ranked WHERE place <= 5
     ORDER BY service.name DESC, place",
];

#[test]
fn twenty_five_questions_answer_as_duckdb_does() {
    let (home, data) = new_data_directory();
    examine(home.path(), &data, &[], true);
}

#[test]
fn twenty_five_questions_answer_as_duckdb_does_from_a_bucket() {
    let (bucket, (home, data)) = (Bucket::start(), new_data_directory());
    examine(home.path(), &data, &bucket.flags("questions"), false);
}

/// Asks at every stage that rows go through; `DuckDB` over the live catalogue too, where it can attach.
fn examine(home: &Path, data: &Path, store: &[String], can_attach: bool) {
    let corpus = generator::generate(SEED, home);
    let mut duck = Duck::start();
    load_rows(&mut duck, home);
    let exam = Exam::new(&corpus, &mut duck);

    let flags = ["--flush-rows", "10000000", "--flush-age", "1h"];
    let store = store.iter().map(String::as_str);
    let flags: Vec<&str> = flags.into_iter().chain(store).collect();
    let server = Server::start_with(data, &flags);
    for (at, request) in corpus.requests.iter().enumerate() {
        server.send(request.clone());
        if at == corpus.requests.len() / 3 || at == corpus.requests.len() / 2 {
            server.flush();
        }
    }
    exam.check(&server, "before the last flush");
    exam.check_queries(&server, "before the last flush");
    server.flush();
    exam.check(&server, "after the flush");
    if can_attach {
        duck.attach(data);
        exam.check_live(&mut duck, "after the flush");
    }
    while_noise_arrives(&server, || exam.check(&server, "while data arrives"));
    server.compact();
    exam.check(&server, "after the compaction");
    exam.check_queries(&server, "after the compaction");
    if can_attach {
        exam.check_live(&mut duck, "after the compaction");
    }
    server.stop();
    let server = Server::start_with(data, &flags);
    exam.check(&server, "after the restart");
    exam.check_queries(&server, "after the restart");
    assert_eq!(
        server.number(&format!("SELECT count(*) FROM spans WHERE {OURS}")),
        SPANS.cast_signed()
    );
}

/// The questions with the answers that are right.
struct Exam {
    asked: Vec<(String, String, Vec<Vec<Value>>)>,
    queries: Vec<(Value, Vec<Vec<Value>>)>,
}

impl Exam {
    fn new(corpus: &Corpus, duck: &mut Duck) -> Self {
        duck.rows("USE memory.oracle");
        let ask = |question: &&str| {
            let filled = question
                .replace("{ours}", OURS)
                .replace("{trace}", &corpus.trace_id);
            let (bare, quoted) = (filled.replace("epoch_ns(", "("), quote(&filled));
            let rows = duck.rows(&quoted);
            assert!(!rows.is_empty(), "asks for nothing: {bare}");
            (bare, quoted, rows)
        };
        let asked = QUESTIONS.iter().map(ask).collect();
        let answer = |(query, sql): (Value, &str)| (query, duck.rows(&quote(sql)));
        Self {
            asked,
            queries: queries().into_iter().map(answer).collect(),
        }
    }

    fn check(&self, server: &Server, when: &str) {
        for (bare, _, expected) in &self.asked {
            check_same(
                &format!("{when}: {bare}"),
                &server.sql(bare).rows,
                expected,
                is_ordered(bare),
            );
        }
    }

    fn check_queries(&self, server: &Server, when: &str) {
        for (query, expected) in &self.queries {
            let ordered = query["order_by"].is_array();
            check_same(
                &format!("{when}: {query}"),
                &server.query(query).rows,
                expected,
                ordered,
            );
        }
    }

    /// A stranger's `DuckDB` over the catalogue of the running program.
    fn check_live(&self, duck: &mut Duck, when: &str) {
        view_live(duck, "spans", &generator::attribute_columns());
        view_live(duck, "logs", &[("exception.type".to_owned(), "VARCHAR")]);
        duck.rows("USE memory.live");
        for (bare, quoted, expected) in &self.asked {
            let what = format!("{when}, over the catalogue: {quoted}");
            check_same(&what, &duck.rows(quoted), expected, is_ordered(bare));
        }
    }
}

fn is_ordered(sql: &str) -> bool {
    sql.rfind("ORDER BY") > sql.rfind(')')
}

/// The same question as `DuckDB` wants it.
fn quote(bare: &str) -> String {
    let quoted = DOTTED.iter().fold(bare.to_owned(), |sql, name| {
        sql.replace(name, &format!("\"{name}\""))
    });
    quoted.replace("percentile(", "quantile_disc(")
}

/// Questions of the query API, each with the SQL that says the same.
fn queries() -> Vec<(Value, &'static str)> {
    let range = json!({"start": "2026-11-22T08:00:00Z", "end": "2026-11-22T10:00:10Z"});
    vec![
        (
            json!({"from": "spans", "range": range, "where": "service.name <> 'noise'", "calculate": ["count"]}),
            "SELECT count(*) FROM spans",
        ),
        (
            json!({"from": "spans", "range": range, "where": "service.name <> 'noise' AND status_code = 'error'",
                "group_by": ["service.name", "http.request.method"],
                "calculate": ["count", "sum(duration_ns)", "avg(cart.value)", "min(duration_ns)", "max(city)"]}),
            "SELECT service.name, http.request.method, count(*), sum(duration_ns), avg(cart.value),
             min(duration_ns), max(city) FROM spans WHERE status_code = 'error' GROUP BY 1, 2",
        ),
        (
            json!({"from": "spans", "range": range, "where": "service.name <> 'noise'", "group_by": ["name"],
                "calculate": ["p50(duration_ns)", "p99(duration_ns)", "count_distinct(user.id)"]}),
            "SELECT name, percentile(duration_ns, 0.5), percentile(duration_ns, 0.99),
             count(DISTINCT user.id)
             FROM spans GROUP BY name",
        ),
        (
            json!({"from": "spans", "range": {"start": "2026-11-22T08:30:00Z", "end": "2026-11-22T09:00:00Z"},
                "where": "service.name <> 'noise' AND city LIKE '%ü%'", "group_by": ["tenant.id"],
                "calculate": ["count"], "having": "count > 5", "order_by": ["-count", "tenant.id"], "limit": 7}),
            "SELECT tenant.id, count(*) AS n FROM spans WHERE city LIKE '%ü%'
             AND time >= '2026-11-22 08:30:00'
             AND time < '2026-11-22 09:00:00' GROUP BY 1 HAVING n > 5
             ORDER BY n DESC, tenant.id LIMIT 7",
        ),
    ]
}

/// The generator's rows as Parquet, in the schema `oracle`.
fn load_rows(duck: &mut Duck, directory: &Path) {
    let fixed = |names: &[&str]| -> Vec<(String, &'static str)> {
        names
            .iter()
            .map(|name| ((*name).to_owned(), "VARCHAR"))
            .collect()
    };
    let mut spans = fixed(&[
        "trace_id",
        "span_id",
        "parent_span_id",
        "name",
        "kind",
        "status_code",
    ]);
    spans.extend(fixed(&["service.name", "scope.name"]));
    spans.push(("duration_ns".to_owned(), "BIGINT"));
    spans.extend(generator::attribute_columns());
    let logs = fixed(&[
        "trace_id",
        "span_id",
        "service.name",
        "event.name",
        "exception.type",
    ]);
    duck.rows("CREATE SCHEMA oracle");
    for (table, columns) in [("spans", spans), ("logs", logs)] {
        let columns: Vec<String> = columns
            .iter()
            .map(|(name, of)| format!("'{name}': '{of}'"))
            .collect();
        let columns = columns.join(", ");
        let file = |ending: &str| {
            directory
                .join(format!("{table}.{ending}"))
                .display()
                .to_string()
        };
        let (rows, parquet) = (file("ndjson"), file("parquet"));
        duck.rows(&format!(
            "COPY (SELECT make_timestamp_ns(time_ns) AS time, * EXCLUDE time_ns
             FROM read_json('{rows}',
             format = 'newline_delimited', columns = {{'time_ns': 'BIGINT', {columns}}})) TO '{parquet}'"
        ));
        duck.rows(&format!("CREATE VIEW oracle.{table} AS FROM '{parquet}'"));
    }
}

/// A table of the catalogue in the schema `live`, in the shape of the generator's rows: ids as
/// hex, and each key
/// read from its column and from `overflow`, as the schema's description says.
fn view_live(duck: &mut Duck, table: &str, keys: &[(String, &'static str)]) {
    let described = duck.rows(&format!("DESCRIBE lake.{table}"));
    let stored: Vec<&str> = described
        .iter()
        .map(|row| row[0].as_str().unwrap())
        .collect();
    let of_key = |(key, of): &(String, &'static str)| {
        let rest = format!("CAST(json_extract_string(overflow['{key}'], '$') AS {of})");
        let column = if stored.contains(&key.as_str()) {
            format!("CAST(\"{key}\" AS {of})")
        } else {
            "NULL".into()
        };
        format!("coalesce({column}, {rest}) AS \"{key}\"")
    };
    let is_key = |name: &str| keys.iter().any(|(key, _)| key == name);
    let of_fixed = |name: &&str| {
        if name.ends_with("_id") {
            format!("lower(hex({name})) AS {name}")
        } else {
            format!("\"{name}\"")
        }
    };
    let fixed = stored
        .iter()
        .filter(|name| !is_key(name) && !name.contains("noise"))
        .map(of_fixed);
    let columns: Vec<String> = fixed.chain(keys.iter().map(of_key)).collect();
    duck.rows("CREATE SCHEMA IF NOT EXISTS memory.live");
    let columns = columns.join(", ");
    duck.rows(&format!(
        "CREATE OR REPLACE VIEW memory.live.{table} AS SELECT {columns} FROM lake.main.{table}"
    ));
}

/// Runs `check` while another service sends spans with keys of its own, which are flushed now and
/// then.
fn while_noise_arrives(server: &Server, check: impl FnOnce()) {
    let (noisy, sent) = (AtomicBool::new(true), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let _quiet = Quiet(&noisy);
        scope.spawn(|| {
            while noisy.load(Ordering::Relaxed) {
                let request_number = sent.fetch_add(1, Ordering::Relaxed);
                server.send(noise(request_number));
                if request_number % 50 == 49 {
                    server.flush();
                }
            }
        });
        check();
    });
    let expected = NOISE_PER_REQUEST * sent.load(Ordering::Relaxed);
    let found = server.number("SELECT count(*) FROM spans WHERE service.name = 'noise'");
    assert_eq!(found, expected.cast_signed());
}

/// Ends the noise when the check is done, also when it failed.
struct Quiet<'a>(&'a AtomicBool);

impl Drop for Quiet<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

fn noise(request_number: u64) -> Vec<u8> {
    let of_span = |id| {
        let key = format!("noise.{}", request_number % 40);
        let attributes = vec![attribute(&key, text("new")), attribute("mixed", text("7"))];
        span(u128::from(request_number + 1), id, "noise", attributes)
    };
    request("noise", (1..=NOISE_PER_REQUEST).map(of_span).collect())
}
