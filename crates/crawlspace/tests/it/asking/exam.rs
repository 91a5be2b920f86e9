//! Further questions, each with the SQL by which `DuckDB` answers it from the corpus' own rows: weights, steps, series,
//! heatmaps, relations, counters and histograms; through every state that data can be in.

mod corpus;

use std::path::Path;

use crawlspace_model::Signal;
use crawlspace_wire::otlp::{ContentType, encode};
use serde_json::{Value, json};

use crate::answers::{check_same, integer};
use crate::bucket::Bucket;
use crate::duck::Duck;
use crate::server::{PROTOBUF, Server, new_data_directory};
use corpus::{MINUTE_NS, START_NS};

#[test]
fn further_questions_answer_as_duckdb_does() {
    let (home, data) = new_data_directory();
    examine(home.path(), &data, &[]);
}

#[test]
fn further_questions_answer_as_duckdb_does_from_a_bucket() {
    let (bucket, (home, data)) = (Bucket::start(), new_data_directory());
    examine(home.path(), &data, &bucket.flags("exam"));
}

fn examine(home: &Path, data: &Path, store: &[String]) {
    let store: Vec<&str> = store.iter().map(String::as_str).collect();
    let [first, second] = corpus::spans(home);
    let [first_points, second_points] = points(home);
    let server = Server::start_with(data, &store);
    server.send(first);
    send_points(&server, first_points);
    server.stop();

    let mut duck = Duck::start();
    load(&mut duck, home);
    let exam = Exam::new(&mut duck);
    let flags = ["--flush-rows", "10000000", "--flush-age", "1h"];
    let server = Server::start_with(data, &[&flags[..], &store].concat());
    server.send(second);
    send_points(&server, second_points);
    exam.check(&server, &mut duck, "half in memory");
    server.flush();
    exam.check(&server, &mut duck, "after the flush");
    server.compact();
    exam.check(&server, &mut duck, "after the compaction");
    server.stop();
    let server = Server::start_with(data, &store);
    exam.check(&server, &mut duck, "after the restart");
    server.stop();
}

/// The corpus' metrics, as two requests.
fn points(home: &Path) -> [Vec<u8>; 2] {
    let rows = corpus::metrics(home);
    let half = rows.num_rows() / 2;
    [(0, half), (half, rows.num_rows() - half)].map(|(start, count)| {
        let rows = [rows.slice(start, count)];
        encode(Signal::Metrics, ContentType::Protobuf, &rows, &[])
    })
}

fn send_points(server: &Server, body: Vec<u8>) {
    let post = server
        .client()
        .post(format!("{}/v1/metrics", server.otlp_http()));
    let taken = post
        .header("content-type", PROTOBUF)
        .body(body)
        .send()
        .unwrap();
    assert_eq!(taken.status(), 200);
    assert_eq!(taken.bytes().unwrap().len(), 0, "something was refused");
}

/// The corpus' rows as views, with what relations and increases are in `DuckDB`'s own words.
fn load(duck: &mut Duck, home: &Path) {
    for (view, file, columns) in [
        ("spans", "sampled", "'time_ns': 'BIGINT', 'trace_id': 'VARCHAR', 'span_id': 'VARCHAR', 'parent_span_id': 'VARCHAR',
          'name': 'VARCHAR', 'service': 'VARCHAR', 'status': 'VARCHAR', 'duration': 'BIGINT', 'weight': 'DOUBLE',
          'size': 'DOUBLE', 'route': 'VARCHAR'"),
        ("failures", "failures", "'span_id': 'VARCHAR', 'of': 'VARCHAR'"),
        ("points", "points", "'time_ns': 'BIGINT', 'host': 'VARCHAR', 'delta': 'BOOLEAN', 'value': 'DOUBLE',
          'counts': 'BIGINT[]', 'powers': 'BIGINT[]', 'restart': 'BOOLEAN'"),
    ] {
        let path = home.join(format!("{file}.ndjson"));
        duck.rows(&format!(
            "CREATE TABLE {view} AS FROM read_json('{}', format = 'newline_delimited', columns = {{{columns}}})",
            path.display()
        ));
    }
    // Each event as often as it stands for.
    duck.rows("CREATE VIEW each AS SELECT *, unnest(range(CAST(weight AS BIGINT))) FROM spans");
    duck.rows(
        "CREATE VIEW related AS SELECT s.*, p.span_id IS NOT NULL AS has_parent, p.name AS p_name, p.service AS p_service,
           p.status AS p_status, p.duration AS p_duration, r.span_id AS r_id, r.name AS r_name, r.route AS r_route
         FROM spans s LEFT JOIN spans p ON p.trace_id = s.trace_id AND p.span_id = s.parent_span_id
         LEFT JOIN spans r ON r.trace_id = s.trace_id AND r.parent_span_id IS NULL",
    );
    duck.rows(&format!(
        "CREATE VIEW added AS SELECT *, CASE WHEN delta OR restart THEN value
           WHEN lag(value) OVER w IS NULL THEN CASE WHEN time_ns >= {START_NS} THEN value END
           ELSE value - lag(value) OVER w END AS up,
           CASE WHEN delta OR restart OR lag(counts) OVER w IS NULL THEN counts
           ELSE list_transform(list_zip(counts, lag(counts) OVER w), lambda x: x[1] - x[2]) END AS more,
           CASE WHEN delta OR restart OR lag(powers) OVER w IS NULL THEN powers
           ELSE list_transform(list_zip(powers, lag(powers) OVER w), lambda x: x[1] - x[2]) END AS more_powers
         FROM points WINDOW w AS (PARTITION BY host ORDER BY time_ns)"
    ));
}

/// A percentile of merged buckets: `lower + (upper - lower) * (rank - below) / count`.
fn bucket_percentile(counts: &str, bounds: &str, fraction: f64, filter: &str) -> String {
    format!(
        "WITH b AS (SELECT i, sum(({counts})[i]) AS n FROM added, unnest(range(1, 6)) t(i) WHERE {filter} GROUP BY i),
         c AS (SELECT *, sum(n) OVER (ORDER BY i) AS upto, sum(n) OVER () * {fraction} AS rank FROM b)
         SELECT CASE WHEN isinf(({bounds})[i + 1]) THEN ({bounds})[i] ELSE
           ({bounds})[i] + (({bounds})[i + 1] - ({bounds})[i]) * (rank - (upto - n)) / n END
         FROM c WHERE upto >= rank ORDER BY i LIMIT 1"
    )
}

const EXPLICIT: &str = "[0.0, 1.0, 5.0, 20.0, 100.0, 'inf'::DOUBLE]";
const POWERS: &str = "[1.0, 2.0, 4.0, 8.0, 16.0, 32.0]";

struct Exam {
    asked: Vec<(Value, Vec<Vec<Value>>)>,
}

impl Exam {
    fn new(duck: &mut Duck) -> Self {
        let all = weights()
            .into_iter()
            .chain(steps())
            .chain(relations())
            .chain(metrics());
        let asked = all.map(|(query, sql)| {
            let rows = duck.rows(&sql);
            assert!(!rows.is_empty(), "asks for nothing: {query}");
            (query, rows)
        });
        Self {
            asked: asked.collect(),
        }
    }

    fn check(&self, server: &Server, duck: &mut Duck, when: &str) {
        for (query, expected) in &self.asked {
            let found = server.query(query).rows;
            check_same(
                &format!("{when}: {query}"),
                &found,
                expected,
                query["order_by"].is_array(),
            );
        }
        for query in heatmaps() {
            check_heatmap(server, duck, &query, when);
        }
        check_logs(server, duck, when);
        check_events(server, duck, when);
        check_fields(server, duck, when);
        let footer = json!({"from": "spans", "range": range(), "group_by": ["name"], "granularity": "1h", "limit": 2});
        let answer: Value = server
            .post("/api/v1/query")
            .json(&footer)
            .send()
            .unwrap()
            .json()
            .unwrap();
        assert_eq!(answer["footer"]["groups"], 5, "{when}");
    }
}

fn range() -> Value {
    json!({"start": "2026-11-22T08:00:00Z", "end": "2026-11-22T10:00:00Z"})
}

fn question(members: Value) -> Value {
    let mut query = json!({"from": "spans", "range": range()});
    query
        .as_object_mut()
        .unwrap()
        .extend(members.as_object().unwrap().clone());
    query
}

/// The end of the last span's step is in the range, so that all rows are.
fn weights() -> Vec<(Value, String)> {
    let inside = format!("time_ns < {}", START_NS + 120 * MINUTE_NS);
    [
        (
            json!({"calculate": ["count", "count(size)", "sum(size)", "avg(size)", "count_distinct(service.name)"]}),
            "SELECT sum(weight), sum(weight) FILTER (size IS NOT NULL), sum(size * weight),
             sum(size * weight) / sum(weight) FILTER (size IS NOT NULL), count(DISTINCT service) FROM spans WHERE {in}",
        ),
        (
            json!({"group_by": ["service.name"], "calculate": ["p50(duration_ns)", "p99(duration_ns)", "p90(size)"]}),
            "SELECT service, quantile_disc(duration, 0.5), quantile_disc(duration, 0.99), quantile_disc(size, 0.9)
             FROM each WHERE {in} GROUP BY 1",
        ),
        (
            json!({"group_by": ["name"], "calculate": ["stddev(size)", "min(size)", "max(duration_ns)"]}),
            "SELECT name, stddev_samp(size), min(size), max(duration) FROM each WHERE {in} GROUP BY 1",
        ),
        (
            json!({"calculate": ["rate", "rate(size)"]}),
            "SELECT sum(weight) / 7200, sum(size * weight) / 7200 FROM spans WHERE {in}",
        ),
        (
            json!({"group_by": ["service.name"], "calculate": ["first(http.route)", "last(size)"]}),
            "SELECT service, arg_min(route, time_ns) FILTER (route IS NOT NULL),
             arg_max(size, time_ns) FILTER (size IS NOT NULL) FROM spans WHERE {in} GROUP BY 1",
        ),
        (
            json!({"group_by": ["http.route"], "calculate": ["avg(size)", "rate"], "having": "rate > 0.01 AND avg(size) > 3",
                "order_by": ["-avg(size)"], "limit": 3}),
            "SELECT route, sum(size * weight) / sum(weight) FILTER (size IS NOT NULL) AS a, sum(weight) / 7200 AS r
             FROM spans WHERE {in} GROUP BY 1 HAVING r > 0.01 AND a > 3 ORDER BY a DESC LIMIT 3",
        ),
    ]
    .into_iter()
    .map(|(members, sql)| (question(members), sql.replace("{in}", &inside)))
    .collect()
}

/// Steps of time, series, and gaps.
fn steps() -> Vec<(Value, String)> {
    let minute = MINUTE_NS;
    let inside = format!("time_ns < {}", START_NS + 120 * minute);
    let step = |minutes: i64| format!("time_ns // {} * {}", minutes * minute, minutes * minute);
    let grid = |minutes: i64| {
        let (from, to) = (START_NS / minute, START_NS / minute + 120);
        format!("unnest(range({from}, {to}, {minutes})) t(m)")
    };
    let top = format!(
        "(SELECT name FROM spans WHERE {inside} GROUP BY name ORDER BY sum(weight) DESC, name LIMIT 2)"
    );
    vec![
        (
            question(json!({"granularity": "10m", "calculate": ["count", "rate(size)"]})),
            format!("SELECT {}, sum(weight), sum(size * weight) / 600 FROM spans WHERE {inside} GROUP BY 1", step(10)),
        ),
        (
            json!({"from": "spans", "range": {"start": "2026-11-22T08:05:00Z", "end": "2026-11-22T08:23:00Z"},
                "granularity": "10m", "calculate": ["rate"]}),
            format!(
                "SELECT {step} AS s, sum(weight) * 1e9 /
                 (least(s + {ten}, {end}) - greatest(s, {start}))
                 FROM spans WHERE time_ns >= {start} AND time_ns < {end} GROUP BY 1",
                step = step(10), ten = 10 * minute, start = START_NS + 5 * minute, end = START_NS + 23 * minute
            ),
        ),
        (
            question(json!({"granularity": "1h", "utc_offset": "+05:30"})),
            format!(
                "SELECT (time_ns + {half}) // {hour} * {hour} - {half}, sum(weight) FROM spans WHERE {inside} GROUP BY 1",
                half = 330 * minute, hour = 60 * minute
            ),
        ),
        (
            json!({"from": "spans", "granularity": "1w"}),
            format!("SELECT {}, sum(weight) FROM spans", 1_794_787_200_i64 * 1_000_000_000),
        ),
        (
            question(json!({"where": "size > 49 AND status_code = 'error'", "granularity": "2m", "fill": "zero",
                "calculate": ["count", "sum(size)"]})),
            format!(
                "SELECT m * {minute}, coalesce(sum(weight), 0), coalesce(sum(size * weight), 0) FROM {}
                 LEFT JOIN spans ON {} = m * {minute} AND size > 49 AND status = 'error' GROUP BY 1",
                grid(2), step(2)
            ),
        ),
        (
            question(json!({"where": "status_code = 'error'", "granularity": "15m", "group_by": ["service.name"],
                "calculate": ["max(size)"], "fill": "null"})),
            format!(
                "SELECT m * {minute}, g.service, max(size) FROM {}
                 CROSS JOIN (SELECT DISTINCT service FROM spans WHERE status = 'error' AND {inside}) g
                 LEFT JOIN spans s ON {} = m * {minute} AND s.service = g.service AND status = 'error' GROUP BY 1, 2",
                grid(15), step(15)
            ),
        ),
        (
            question(json!({"granularity": "30m", "group_by": ["name"], "limit": 2})),
            format!("SELECT {}, name, sum(weight) FROM spans WHERE {inside} AND name IN {top} GROUP BY 1, 2", step(30)),
        ),
        (
            question(json!({"granularity": "30m", "group_by": ["service.name", "http.route"], "limit": 1000})),
            format!(
                "SELECT {}, service, route, sum(weight) FROM spans WHERE {inside} GROUP BY 1, 2, 3",
                step(30)
            ),
        ),
        (
            question(json!({"granularity": "30m", "group_by": ["name"], "calculate": ["count", "p90(duration_ns)"],
                "limit": 2, "other": true})),
            format!(
                "SELECT {}, CASE WHEN name IN {top} THEN name END, name NOT IN {top},
                 CAST(count(*) AS DOUBLE), quantile_disc(duration, 0.9) FROM each WHERE {inside} GROUP BY 1, 2, 3",
                step(30)
            ),
        ),
        (
            question(json!({"granularity": "1h", "group_by": ["http.route"], "calculate": ["sum(duration_ns)"],
                "having": "sum(duration_ns) > 1000", "order_by": ["-time", "sum(duration_ns)"], "limit": 3})),
            format!(
                "WITH top AS (SELECT route, sum(duration * weight) AS total FROM spans WHERE {inside} GROUP BY 1
                   HAVING total > 1000 ORDER BY 2 LIMIT 3)
                 SELECT {} AS s, top.route, sum(duration * weight) FROM spans JOIN top ON spans.route IS NOT DISTINCT FROM top.route
                 WHERE {inside} GROUP BY s, top.route, total ORDER BY s DESC, total",
                step(60)
            ),
        ),
        (
            question(json!({"granularity": "1h", "group_by": ["root.http.route"], "where": "status_code = 'error'", "limit": 1})),
            format!(
                "WITH top AS (SELECT r_route FROM related WHERE {inside} AND status = 'error' GROUP BY 1
                   ORDER BY sum(weight) DESC, 1 LIMIT 1)
                 SELECT {}, r_route, sum(weight) FROM related JOIN top USING (r_route)
                 WHERE {inside} AND status = 'error' GROUP BY 1, 2",
                step(60)
            ),
        ),
    ]
}

fn relations() -> Vec<(Value, String)> {
    let inside = format!("s.time_ns < {}", START_NS + 120 * MINUTE_NS);
    [
        (
            json!({"group_by": ["root.http.route"], "calculate": ["count", "avg(size)"], "where": "service.name = 'mail'"}),
            "SELECT r_route, sum(weight), sum(size * weight) / sum(weight) FILTER (size IS NOT NULL)
             FROM related s WHERE service = 'mail' AND {in} GROUP BY 1",
        ),
        (
            json!({"group_by": ["parent.service.name", "service.name"], "calculate": ["count", "max(parent.duration_ns)"]}),
            "SELECT p_service, service, sum(weight), max(p_duration) FROM related s WHERE {in} GROUP BY 1, 2",
        ),
        (
            json!({"where": "parent.status_code = 'error' AND status_code <> 'error'", "group_by": ["parent.name"]}),
            "SELECT p_name, sum(weight) FROM related s WHERE p_status = 'error' AND status <> 'error' AND {in} GROUP BY 1",
        ),
        (
            json!({"where": "duration_ns > parent.duration_ns * 2 AND root.name = 'op-0'",
                "calculate": ["count", "sum(parent.duration_ns)", "p50(duration_ns)"]}),
            "SELECT count(*)::DOUBLE, sum(p_duration)::DOUBLE, quantile_disc(duration, 0.5)
             FROM (SELECT *, unnest(range(CAST(weight AS BIGINT))) FROM related) s
             WHERE duration > p_duration * 2 AND r_name = 'op-0' AND {in}",
        ),
        (
            json!({"where": "parent.span_id IS NULL AND parent_span_id IS NOT NULL OR root.span_id IS NULL", "group_by": ["name"]}),
            "SELECT name, sum(weight) FROM related s
             WHERE (NOT has_parent AND parent_span_id IS NOT NULL OR r_id IS NULL) AND {in} GROUP BY 1",
        ),
        (
            json!({"where": "any.status_code = 'error' AND any.service.name = 'pay'", "group_by": ["name"],
                "calculate": ["count", "p99(duration_ns)"]}),
            "SELECT name, count(*)::DOUBLE, quantile_disc(duration, 0.99) FROM each s WHERE {in} AND EXISTS
             (FROM spans a WHERE a.trace_id = s.trace_id AND a.status = 'error' AND a.service = 'pay') GROUP BY 1",
        ),
        (
            json!({"where": "service.name = 'shop' AND (any.duration_ns > duration_ns * 100 OR any.size = size + 1)", "calculate": ["count"]}),
            "SELECT sum(weight) FROM spans s WHERE service = 'shop' AND {in} AND EXISTS (FROM spans a
             WHERE a.trace_id = s.trace_id AND (a.duration > s.duration * 100 OR a.size = s.size + 1))",
        ),
        (
            json!({"where": "name = 'op-1'", "group_by": ["any.service.name"], "calculate": ["count", "sum(size)"]}),
            "SELECT a.service, sum(weight), sum(size * weight) FROM spans s
             JOIN (SELECT DISTINCT trace_id, service FROM spans) a USING (trace_id) WHERE name = 'op-1' AND {in} GROUP BY 1",
        ),
        (
            json!({"where": "parent_span_id IS NULL AND any.status_code = 'error'", "group_by": ["http.route"],
                "calculate": ["count", "max(any.duration_ns)", "min(any.size)", "count(any.size)"]}),
            "SELECT route, sum(weight), max(d), min(z), sum(weight) FILTER (z IS NOT NULL) FROM spans s
             JOIN (SELECT trace_id, max(duration) AS d, min(size) AS z, bool_or(status = 'error') AS e FROM spans GROUP BY 1) a
             USING (trace_id) WHERE parent_span_id IS NULL AND e AND {in} GROUP BY 1",
        ),
    ]
    .into_iter()
    .map(|(members, sql)| (question(members), sql.replace("{in}", &inside)))
    .collect()
}

fn metrics() -> Vec<(Value, String)> {
    let question = |range: Value, members: Value| {
        let mut query = json!({"from": "metrics", "range": range});
        query
            .as_object_mut()
            .unwrap()
            .extend(members.as_object().unwrap().clone());
        query
    };
    let late = json!({"start": "2026-11-22T08:30:00Z", "end": "2026-11-22T09:30:00Z"});
    let since = START_NS + 30 * MINUTE_NS;
    let is_late = format!(
        "time_ns >= {since} AND time_ns < {}",
        since + 60 * MINUTE_NS
    );
    let requests = "name = 'requests'";
    let percentiles = |counts: &str, bounds: &str, filter: &str| {
        let of = |fraction| bucket_percentile(counts, bounds, fraction, filter);
        format!("SELECT ({}), ({})", of(0.5), of(0.99))
    };
    let both = json!(["p50(histogram)", "p99(histogram)"]);
    vec![
        (
            question(
                range(),
                json!({"where": requests, "group_by": ["host.name"], "calculate": ["increase(value)", "rate(value)"]}),
            ),
            "SELECT host, sum(up), sum(up) / 7200 FROM added GROUP BY 1".to_owned(),
        ),
        (
            question(
                late.clone(),
                json!({"where": requests, "calculate": ["increase(value)"], "granularity": "10m"}),
            ),
            format!(
                "SELECT time_ns // {ten} * {ten}, sum(up) FROM added WHERE {is_late} GROUP BY 1",
                ten = 10 * MINUTE_NS
            ),
        ),
        (
            question(
                late.clone(),
                json!({"where": "name = 'latency' AND host.name <> 'host-1'", "calculate": ["increase(count)"]}),
            ),
            format!(
                "SELECT sum(list_sum(more))::DOUBLE FROM added WHERE {is_late} AND host <> 'host-1'"
            ),
        ),
        (
            question(
                range(),
                json!({"where": "name = 'latency'", "calculate": both}),
            ),
            percentiles("more", EXPLICIT, "true"),
        ),
        (
            question(
                late.clone(),
                json!({"where": "name = 'latency' AND host.name = 'host-0'", "calculate": both}),
            ),
            percentiles("more", EXPLICIT, &format!("{is_late} AND host = 'host-0'")),
        ),
        (
            question(late, json!({"where": "name = 'sizes'", "calculate": both})),
            percentiles("more_powers", POWERS, &is_late),
        ),
    ]
}

fn heatmaps() -> [Value; 3] {
    [
        question(json!({"calculate": ["heatmap(duration_ns)"]})),
        question(
            json!({"calculate": ["heatmap(size)"], "granularity": "20m", "where": "size > 10"}),
        ),
        question(json!({"calculate": ["heatmap(parent.duration_ns)"], "granularity": "1h"})),
    ]
}

/// Each cell is counted anew by its bounds, and no event is in none.
fn check_heatmap(server: &Server, duck: &mut Duck, query: &Value, when: &str) {
    let cells = server.query(query).rows;
    let field = query["calculate"][0].as_str().unwrap();
    let value = match field {
        "heatmap(size)" => "CASE WHEN size > 10 THEN size END",
        "heatmap(parent.duration_ns)" => "p_duration",
        _ => "duration",
    };
    let step = match query["granularity"].as_str() {
        Some("20m") => 20,
        Some(_) => 60,
        None => 1,
    } * MINUTE_NS;
    let greatest = format!(
        "(SELECT max({value}) FROM related WHERE time_ns < {})",
        START_NS + 120 * MINUTE_NS
    );
    let listed: Vec<String> = cells
        .iter()
        .map(|cell| {
            let number = |at: usize| cell[at].as_f64().unwrap();
            format!(
                "({}, {:?}, {:?})",
                integer(&cell[0]).unwrap(),
                number(1),
                number(2)
            )
        })
        .collect();
    let expected = duck.rows(&format!(
        "SELECT t, a, b, sum(weight) FROM (VALUES {}) c(t, a, b) JOIN related ON time_ns // {step} * {step} = t
         AND {value} >= a AND ({value} < b OR {value} = b AND b = {greatest}) AND time_ns < {} GROUP BY 1, 2, 3 ORDER BY 1, 2",
        listed.join(", "),
        START_NS + 120 * MINUTE_NS
    ));
    check_same(&format!("{when}: {query}"), &cells, &expected, true);
    let all = duck.rows(&format!(
        "SELECT sum(weight) FROM related WHERE {value} IS NOT NULL AND time_ns < {}",
        START_NS + 120 * MINUTE_NS
    ));
    let sum: f64 = cells.iter().map(|cell| cell[3].as_f64().unwrap()).sum();
    assert_eq!(
        Some(sum),
        all[0][0].as_f64(),
        "{when}: {query}: an event is in no cell"
    );
}

fn check_logs(server: &Server, duck: &mut Duck, when: &str) {
    let found = server.sql(
        "SELECT s.service.name, l.exception.type, sum(s.sample_weight), count(*) FROM logs AS l
         JOIN spans AS s ON s.trace_id = l.trace_id AND s.span_id = l.span_id GROUP BY 1, 2",
    );
    let expected = duck.rows(
        "SELECT service, f.of, sum(weight), count(*) FROM failures f JOIN spans USING (span_id) GROUP BY 1, 2",
    );
    check_same(
        &format!("{when}: logs joined to spans"),
        &found.rows,
        &expected,
        false,
    );
}

fn check_events(server: &Server, duck: &mut Duck, when: &str) {
    let query = question(
        json!({"where": "root.http.route = '/r3' AND any.status_code = 'error' AND parent.size > 1",
        "order_by": ["time"], "limit": 12}),
    );
    let found = server.query(&query);
    let at = found
        .columns
        .iter()
        .position(|name| name == "span_id")
        .unwrap();
    assert!(
        !found.columns.iter().any(|name| name.starts_with('$')),
        "{:?}",
        found.columns
    );
    let found: Vec<Vec<Value>> = found.rows.iter().map(|row| vec![row[at].clone()]).collect();
    let expected = duck.rows(&format!(
        "SELECT s.span_id FROM related s JOIN spans p ON p.trace_id = s.trace_id AND p.span_id = s.parent_span_id
         WHERE r_route = '/r3' AND p.size > 1 AND s.time_ns < {}
         AND EXISTS (FROM spans a WHERE a.trace_id = s.trace_id AND a.status = 'error') ORDER BY s.time_ns LIMIT 12",
        START_NS + 120 * MINUTE_NS
    ));
    assert!(!expected.is_empty());
    check_same(&format!("{when}: {query}"), &found, &expected, true);
}

fn check_fields(server: &Server, duck: &mut Duck, when: &str) {
    let found: Value = server
        .get("/api/v1/fields/http.route?limit=3")
        .json()
        .unwrap();
    let values = found["values"].as_array().unwrap().iter();
    let values: Vec<Vec<Value>> = values
        .map(|value| vec![value["value"].clone(), value["events"].clone()])
        .collect();
    let expected = duck.rows(
        "SELECT route, sum(weight) FROM spans WHERE route IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 3",
    );
    check_same(
        &format!("{when}: the values of a field"),
        &values,
        &expected,
        true,
    );
    let list: Value = server.get("/api/v1/fields?q=size").json().unwrap();
    let size = &list["fields"][0];
    let counted = duck.rows("SELECT count(size), count(*), count(DISTINCT size) FROM spans");
    let detail: Value = server.get("/api/v1/fields/size").json().unwrap();
    let found = vec![
        size["events"].clone(),
        list["events"].clone(),
        detail["distinct"].clone(),
    ];
    check_same(
        &format!("{when}: the count of a field"),
        &[found],
        &counted,
        true,
    );
}
