//! SQL answered by a worker is the same SQL: rows, errors and what an answer rests on. Workers are threads here; what
//! becomes of them as processes is tested with the program.

use std::path::PathBuf;
use std::sync::Arc;

use crawlspace_lake::Lake;
use crawlspace_model::ErrorKind;

use super::{runtime, small_world};
use crate::{Answer, Asking, Config, Engine, Error, Footer, WorkerConfig};

/// An engine that can answer both ways.
pub(super) fn engine(lake: &Arc<Lake>) -> Engine {
    let config = WorkerConfig {
        program: PathBuf::new(),
        arguments: Vec::new(),
        environment: Vec::new(),
        memory_bytes_max: u64::MAX,
    };
    Engine::new(Arc::clone(lake), Config::default()).with_sql_workers(config, None)
}

/// Asks both ways, and holds the answers against each other.
pub(super) async fn ask(engine: &Engine, sql: &str) -> Result<Answer, Error> {
    let here = engine.sql(sql).await;
    let apart = match engine.stream_users_sql(sql, &Asking::default()).await {
        Ok(running) => running.collect().await,
        Err(error) => Err(error),
    };
    match (&here, &apart) {
        (Ok(here), Ok(apart)) => {
            assert_eq!(here.schema, apart.schema, "{sql}");
            assert_eq!(rows(here), rows(apart), "{sql}");
            assert_eq!(told(&here.footer), told(&apart.footer), "{sql}");
        }
        (Err(here), Err(apart)) => {
            assert_eq!(here.to_string(), apart.to_string(), "{sql}");
            assert_eq!(here.kind(), apart.kind(), "{sql}");
            assert_eq!(here.position(), apart.position(), "{sql}");
            assert_eq!(here.suggestion(), apart.suggestion(), "{sql}");
        }
        _ => panic!("{sql}: {here:?}, but apart {apart:?}"),
    }
    apart
}

/// In no order.
fn rows(answer: &Answer) -> Vec<String> {
    let mut rows = Vec::new();
    for batch in &answer.batches {
        for row in 0..batch.num_rows() {
            let text = arrow::util::pretty::pretty_format_batches(&[batch.slice(row, 1)]);
            rows.push(text.unwrap().to_string());
        }
    }
    rows.sort();
    rows
}

/// But for what no two answers have alike.
fn told(footer: &Footer) -> String {
    let footer = Footer {
        elapsed_ms: 0.0,
        bytes_scanned: 0,
        ..footer.clone()
    };
    format!("{footer:?}")
}

#[test]
fn a_worker_answers_as_the_server_itself_would() {
    runtime().block_on(async {
        let world = small_world().await;
        for sql in [
            "SELECT * FROM spans",
            "SELECT name, count(*), percentile(duration_ns, 0.9) FROM spans GROUP BY name",
            "SELECT a.span_id, b.duration_ns FROM spans a JOIN spans b ON a.span_id = b.span_id",
            "SELECT span_id FROM spans WHERE duration_ns >= 20 AND lower(name) = 'n' OR kind IN ('client', 'x')",
            "SELECT count(*) FROM spans WHERE trace_id = '07070707070707070707070707070702'",
            "SELECT count(*) FROM spans WHERE \"user.id\" IS NULL",
            "SELECT duration_ns FROM spans ORDER BY duration_ns DESC LIMIT 2",
            "SELECT duration_ns / 0 FROM spans",
            "SELECT count(*) FROM logs",
            "WITH s AS (SELECT name AS n FROM spans) SELECT n FROM s UNION ALL SELECT n FROM s",
            "SELECT 1",
            "SELECT arrow_cast('x', 'Dictionary(Int32, Utf8)')",
        ] {
            _ = ask(&world.engine, sql).await;
        }
    });
}

#[test]
fn answers_are_cut_and_counted_and_many_rows_come_in_pieces() {
    runtime().block_on(async {
        let world = small_world().await;
        let sql = format!("SELECT a.span_id FROM {}", joined(9));
        let answer = ask(&world.engine, &sql).await.unwrap();
        assert!(answer.batches.len() > 3, "{}", answer.batches.len());
        let asking = Asking {
            rows_max: Some(7),
            ..Asking::default()
        };
        let running = world.engine.stream_users_sql(&sql, &asking).await.unwrap();
        let cut = running.collect().await.unwrap();
        assert_eq!((cut.footer.rows, cut.footer.cut), (7, true));
        assert_eq!(cut.footer.rows_found, answer.footer.rows_found);
        let many = format!("SELECT count(*) FROM {}", joined(70));
        let refused = world
            .engine
            .stream_users_sql(&many, &Asking::default())
            .await;
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::TooLarge);
    });
}

/// So many tables, each with all of the others.
fn joined(count: usize) -> String {
    let names: Vec<String> = (0..count)
        .map(|number| format!("spans t{number}"))
        .collect();
    names.join(", ").replacen("t0", "a", 1)
}
