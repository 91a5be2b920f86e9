//! The questions that are timed, and the timing: once cold, then warm, with the server's CPU time.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::corpus::Sample;
use crate::http::Connection;
use crate::peers::{self, Best};
use crate::server::{self, Server};

/// CPU time comes in ticks of 10 ms: the mean over this many is exact to half a millisecond.
const SQL_REPEATS: usize = 20;
const TRACE_REPEATS: usize = 200;
const COMPARISON_REPEATS: usize = 10;
const HEATMAP_COLUMNS: u64 = 120;
/// It reads every span, so few will do.
const MAP_REPEATS: usize = 3;
pub const MAP: &str = "map of all spans";
/// A few users: each is another question.
const ENTITY_REPEATS: usize = 20;
const ODD_REPEATS: usize = 10;

struct Question {
    label: &'static str,
    sql: String,
    peer: Best,
}

/// The time that one question took.
pub struct Timing {
    pub label: &'static str,
    /// The first time it was asked: caches of the server are cold, the operating system's are not.
    pub cold: Duration,
    pub warm_p50: Duration,
    pub warm_p99: Duration,
    /// Of the server, per warm answer.
    pub cpu: Duration,
    pub peer: Best,
}

fn questions(user: &str, first: u64, last: u64) -> Vec<Question> {
    let question = |label, sql: &str, peer| Question {
        label,
        sql: sql.to_owned(),
        peer,
    };
    let aggregates = "count(*), percentile(duration_ns, 0.5), percentile(duration_ns, 0.99)";
    let newest = "SELECT time, trace_id, span_id, name, duration_ns FROM spans";
    vec![
        question(
            "count, p50, p99 by service",
            &format!("SELECT service.name, {aggregates} FROM spans GROUP BY service.name"),
            peers::BY_SERVICE,
        ),
        question(
            "count, p50, p99 by name",
            &format!("SELECT name, {aggregates} FROM spans GROUP BY name"),
            peers::BY_NAME,
        ),
        question(
            "p99 by `tenant.id`",
            "SELECT tenant.id, percentile(duration_ns, 0.99) FROM spans GROUP BY tenant.id",
            peers::BY_TENANT,
        ),
        question(
            "top 10 `user.id` by errors",
            "SELECT user.id, count(*) AS errors FROM spans WHERE status_code = 'error' \
             GROUP BY user.id ORDER BY errors DESC, user.id LIMIT 10",
            peers::NONE,
        ),
        question(
            "`user.id` = x, count",
            &format!("SELECT count(*) FROM spans WHERE user.id = '{user}'"),
            peers::ONE_USER,
        ),
        question(
            "service, > 100 ms, newest 20",
            &format!(
                "{newest} WHERE service.name = 'checkout' AND duration_ns > 100000000 \
                 ORDER BY time DESC LIMIT 20"
            ),
            peers::SLOW_IN_SERVICE,
        ),
        question(
            "status 500, newest 20",
            &format!("{newest} WHERE http.response.status_code = 500 ORDER BY time DESC LIMIT 20"),
            peers::STATUS_500,
        ),
        question(
            "heatmap of duration, 120 × 60, in SQL",
            &heatmap(first, last),
            peers::NONE,
        ),
    ]
}

/// The least width at which `HEATMAP_COLUMNS` columns hold `first..=last`.
fn column_width(first: u64, last: u64) -> u64 {
    (last - first) / HEATMAP_COLUMNS + 1
}

/// Columns of equal time over `first..=last` (nanoseconds), 60 rows of equal ratio from 1 µs to 100 s.
fn heatmap(first: u64, last: u64) -> String {
    let step = column_width(first, last);
    format!(
        "SELECT CAST(floor((CAST(time AS BIGINT) - {first}) / {step}.0) AS BIGINT) AS x, \
         least(59, greatest(0, CAST(floor(log10(duration_ns / 1000.0) * 7.5) AS BIGINT))) AS y, \
         count(*) FROM spans GROUP BY x, y"
    )
}

/// Asks everything. `samples` are traces that the server must have whole; `range` is when spans start, in nanoseconds.
pub fn run(server: &Server, samples: &[Sample], range: (u64, u64)) -> Result<Vec<Timing>> {
    let sample = samples.first().context("the corpus has no sampled trace")?;
    let mut connection = Connection::open(&server.http)?;
    let mut timings = vec![time_traces(server, &mut connection, samples)?];
    for question in questions(&sample.user, range.0, range.1) {
        let ask = |_| server::query(&mut connection, &question.sql);
        let check = |_, answer: &Value| {
            let is_empty = answer["rows"].as_array().is_none_or(Vec::is_empty);
            ensure!(!is_empty, "nothing found by: {}", question.sql);
            Ok(())
        };
        let (label, peer) = (question.label, question.peer);
        timings.push(time(server, (label, peer), SQL_REPEATS, ask, check)?);
    }
    timings.push(time_heatmap(server, &mut connection, range)?);
    timings.push(time_entities(server, &mut connection, samples)?);
    timings.push(time_odd(server, &mut connection, range)?);
    timings.push(time_map(server, &mut connection, range)?);
    timings.push(time_comparison(server, &mut connection)?);
    Ok(timings)
}

fn time_map(
    server: &Server,
    connection: &mut Connection,
    (first, last): (u64, u64),
) -> Result<Timing> {
    let path = format!("/api/v1/map?start={first}&end={}", last + 1);
    let ask = |_| connection.get(&path)?.success();
    let check = |_, answer: &Value| {
        let edges = answer["edges"].as_array().map_or(0, Vec::len);
        ensure!(edges >= 6, "the map has {edges} edges");
        Ok(())
    };
    time(server, (MAP, peers::NONE), MAP_REPEATS, ask, check)
}

/// All fields of the errors against those of the rest.
fn time_comparison(server: &Server, connection: &mut Connection) -> Result<Timing> {
    let question = json!({"from": "spans", "selection": {"where": "status_code = 'error'"}});
    let question = question.to_string();
    let ask = |_| {
        let headers = "Content-Type: application/json\r\n";
        connection
            .post("/api/v1/compare", headers, question.as_bytes())?
            .success()
    };
    let check = |_, answer: &Value| {
        ensure!(
            answer["footer"]["fields_tested"].as_u64() > Some(0),
            "nothing was compared: {answer}"
        );
        Ok(())
    };
    let label = "compare errors with the rest";
    time(server, (label, peers::NONE), COMPARISON_REPEATS, ask, check)
}

/// The heatmap of the window: bins of equal ratio that reach from the least duration to the greatest.
fn time_heatmap(
    server: &Server,
    connection: &mut Connection,
    (first, last): (u64, u64),
) -> Result<Timing> {
    let step = column_width(first, last);
    let question = json!({
        "from": "spans",
        "range": {"start": first.to_string(), "end": (last + 1).to_string()},
        "calculate": ["heatmap(duration_ns)"],
        "granularity": format!("{}ms", step.div_ceil(1_000_000)),
    });
    let question = question.to_string();
    let ask = |_| {
        let headers = "Content-Type: application/json\r\n";
        connection
            .post("/api/v1/query", headers, question.as_bytes())?
            .success()
    };
    let check = |_, answer: &Value| {
        let rows = answer["rows"].as_array().map_or(0, Vec::len);
        ensure!(rows > 100, "the heatmap has {rows} cells");
        Ok(())
    };
    let label = "heatmap of duration, 120 × 60";
    time(server, (label, peers::NONE), SQL_REPEATS, ask, check)
}

/// One user among all.
fn time_entities(
    server: &Server,
    connection: &mut Connection,
    samples: &[Sample],
) -> Result<Timing> {
    let step = (samples.len() / ENTITY_REPEATS).max(1);
    let ask = |turn: usize| {
        let user = &samples[turn * step % samples.len()].user;
        connection
            .get(&format!("/api/v1/entity?field=user.id&value={user}"))?
            .success()
    };
    let check = |_, answer: &Value| {
        let traces = answer["traces"].as_array().map_or(0, Vec::len);
        ensure!(
            traces > 0 && !answer["everyone"].is_null(),
            "the entity has no trace, or no others: {}",
            answer["statement"]
        );
        Ok(())
    };
    let label = "one `user.id` among all";
    time(server, (label, peers::NONE), ENTITY_REPEATS, ask, check)
}

/// What is odd in the hour in which all spans are.
fn time_odd(server: &Server, connection: &mut Connection, (_, last): (u64, u64)) -> Result<Timing> {
    let path = format!("/api/v1/odd?at={}", last + 1);
    let ask = |_| connection.get(&path)?.success();
    let check = |_, answer: &Value| {
        let flows = answer["flows"].as_u64().unwrap_or_default();
        ensure!(flows >= 5, "there are {flows} flows");
        Ok(())
    };
    time(server, ("odd now", peers::NONE), ODD_REPEATS, ask, check)
}

fn time_traces(server: &Server, connection: &mut Connection, samples: &[Sample]) -> Result<Timing> {
    let step = (samples.len() / TRACE_REPEATS).max(1);
    let sample = |turn: usize| &samples[turn * step % samples.len()];
    let ask = |turn| {
        connection
            .get(&format!("/api/v1/traces/{}", sample(turn).trace_id))?
            .success()
    };
    let check = |turn, answer: &Value| {
        let Sample {
            trace_id, spans, ..
        } = sample(turn);
        let found = answer["spans"].as_array().map_or(0, Vec::len);
        ensure!(
            found == *spans,
            "trace {trace_id} has {found} spans instead of {spans}"
        );
        Ok(())
    };
    time(
        server,
        ("trace by id", peers::TRACE_BY_ID),
        TRACE_REPEATS,
        ask,
        check,
    )
}

/// Times `ask`, not what `check` makes of the answer. Both are told the turn: 0 is the cold one.
pub fn time(
    server: &Server,
    (label, peer): (&'static str, Best),
    repeats: usize,
    mut ask: impl FnMut(usize) -> Result<Vec<u8>>,
    check: impl Fn(usize, &Value) -> Result<()>,
) -> Result<Timing> {
    let mut timed = |turn| -> Result<Duration> {
        let began = Instant::now();
        let answer = ask(turn).context(label)?;
        let duration = began.elapsed();
        check(turn, &serde_json::from_slice(&answer)?)?;
        Ok(duration)
    };
    let cold = timed(0)?;
    let cpu_before = server.cpu_seconds()?;
    let mut warm = (1..=repeats).map(timed).collect::<Result<Vec<_>>>()?;
    let cpu = (server.cpu_seconds()? - cpu_before) / repeats as f64;
    warm.sort();
    Ok(Timing {
        label,
        cold,
        warm_p50: nearest_rank(&warm, 50),
        warm_p99: nearest_rank(&warm, 99),
        cpu: Duration::from_secs_f64(cpu),
        peer,
    })
}

/// The smallest of the sorted values that `percent` of all do not exceed; zero when there are none.
pub fn nearest_rank(sorted: &[Duration], percent: usize) -> Duration {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{HEATMAP_COLUMNS, column_width, nearest_rank};

    #[test]
    fn nearest_rank_is_one_of_the_values() {
        let values: Vec<Duration> = (1..=20).map(Duration::from_millis).collect();
        assert_eq!(nearest_rank(&values, 50), Duration::from_millis(10));
        assert_eq!(nearest_rank(&values, 99), Duration::from_millis(20));
        assert_eq!(nearest_rank(&values[..1], 50), Duration::from_millis(1));
        assert_eq!(nearest_rank(&[], 50), Duration::ZERO);
    }

    #[test]
    fn heatmap_columns_hold_the_range_and_are_no_wider_than_they_have_to() {
        for length in [1, 119, 120, 121, 999_999_999] {
            let (first, last) = (7, 7 + length - 1);
            let width = column_width(first, last);
            assert!((last - first) / width < HEATMAP_COLUMNS, "{length}");
            assert!(
                width == 1 || (width - 1) * HEATMAP_COLUMNS < length,
                "{length}"
            );
        }
    }
}
