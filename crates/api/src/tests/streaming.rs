//! Answers that stream: each form holds the same rows, and an asker who goes away frees the core.

use std::time::Duration;

use arrow::array::{AsArray as _, RecordBatch};
use arrow::datatypes::{Int64Type, TimestampNanosecondType};
use arrow::ipc::reader::StreamReader;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use bytes::Bytes;
use http_body::Body as _;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::{PROTOBUF, answer, otlp_post, spans, store};
use crate::{router, serve};

const DONE_WITHIN: Duration = Duration::from_secs(120);
/// Rows times rows times rows: hours of work that give no row before the end.
const ENDLESS: &str = "SELECT count(*) FROM spans AS a, spans AS b, spans AS c, spans AS d \
    WHERE a.duration_ns + b.duration_ns + c.duration_ns + d.duration_ns = 7";

async fn until(mut condition: impl FnMut() -> bool) {
    let holds = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    let within = tokio::time::timeout(DONE_WITHIN, holds).await;
    within.expect("the condition holds in time");
}

fn ask(accept: &str, sql: &str) -> Request<Body> {
    Request::post("/api/v1/sql")
        .header("accept", accept)
        .body(Body::from(json!({ "sql": sql }).to_string()))
        .unwrap()
}

fn check_rows(batches: &[RecordBatch], format: &str) {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    assert_eq!(rows, 2, "{format}");
    let row = &batches[0];
    let column = |name: &str| row.column_by_name(name).unwrap();
    assert_eq!(
        column("time")
            .as_primitive::<TimestampNanosecondType>()
            .value(0),
        1_700_000_000_000_000_000
    );
    assert_eq!(
        column("name").as_string::<i32>().value(0),
        "GET /",
        "{format}"
    );
    assert_eq!(
        column("duration_ns").as_primitive::<Int64Type>().value(0),
        100,
        "{format}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_the_same_in_every_form() {
    let store = store().await;
    let router = router(store.dependencies.clone());
    answer(
        &router,
        otlp_post(PROTOBUF, "", spans(&[vec![1; 16], vec![2; 16]])),
    )
    .await;
    let sql = "SELECT time, name, duration_ns, status_message FROM spans";
    let get = async |accept: &str| {
        let (status, headers, body) = answer(&router, ask(accept, sql)).await;
        assert_eq!(status, StatusCode::OK, "{accept}: {body:?}");
        assert_eq!(headers["trailer"], "crawlspace-footer", "{accept}");
        assert!(
            headers["content-type"]
                .to_str()
                .unwrap()
                .starts_with(accept)
        );
        body
    };
    let json: Value = serde_json::from_slice(&get("application/json").await).unwrap();
    let row = json!(["1700000000000000000", "GET /", 100, null]);
    assert_eq!(json["rows"], json!([row, row]));

    let text = String::from_utf8(get("application/x-ndjson").await.to_vec()).unwrap();
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(
        lines[0],
        json!({"time": "1700000000000000000", "name": "GET /", "duration_ns": 100})
    );
    assert_eq!((lines.len(), &lines[2]["$footer"]["rows"]), (3, &json!(2)));

    let text = String::from_utf8(get("text/csv").await.to_vec()).unwrap();
    let row = "2023-11-14T22:13:20.000000000Z,GET /,100,\r\n";
    assert_eq!(
        text,
        format!("time,name,duration_ns,status_message\r\n{row}{row}")
    );

    let bytes: Bytes = get("application/vnd.apache.arrow.stream").await;
    let batches: Vec<RecordBatch> = StreamReader::try_new(bytes.as_ref(), None)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    check_rows(&batches, "arrow");

    let bytes: Bytes = get("application/vnd.apache.parquet").await;
    let file = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    let metadata = file
        .metadata()
        .file_metadata()
        .key_value_metadata()
        .unwrap()
        .clone();
    let footer = metadata
        .iter()
        .find(|entry| entry.key == "crawlspace.footer")
        .unwrap();
    let footer: Value = serde_json::from_str(footer.value.as_ref().unwrap()).unwrap();
    assert_eq!(footer["rows"], 2);
    let batches: Vec<RecordBatch> = file.build().unwrap().map(Result::unwrap).collect();
    check_rows(&batches, "parquet");

    let (status, _, body) = answer(&router, ask("image/png", sql)).await;
    assert_eq!(status, StatusCode::NOT_ACCEPTABLE);
    let problem: Value = serde_json::from_slice(&body).unwrap();
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("text/csv (format=csv)"),
        "{problem}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_footer_comes_as_a_trailer_and_says_how_fresh_the_answer_is() {
    let store = store().await;
    let router = router(store.dependencies.clone());
    answer(&router, otlp_post(PROTOBUF, "", spans(&[vec![1; 16]]))).await;
    let response = tower::ServiceExt::oneshot(router, ask("text/csv", "SELECT name FROM spans"))
        .await
        .unwrap();
    let mut body = Box::pin(response.into_body());
    let mut trailers = None;
    while let Some(frame) = std::future::poll_fn(|context| body.as_mut().poll_frame(context)).await
    {
        trailers = frame.unwrap().into_trailers().ok();
    }
    let footer: Value =
        serde_json::from_slice(trailers.unwrap()["crawlspace-footer"].as_bytes()).unwrap();
    assert_eq!(
        (&footer["rows"], &footer["position"]),
        (&json!(1), &json!(1))
    );
    assert!(
        footer["newest_age_ms"].as_f64().unwrap() < 60_000.0,
        "{footer}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_that_a_question_may_not_have_are_refused_and_those_it_may_are_kept() {
    let store = store().await;
    let router = router(store.dependencies.clone());
    answer(
        &router,
        otlp_post(PROTOBUF, "", spans(&vec![vec![1; 16]; 300])),
    )
    .await;
    for (body, status, words) in [
        (json!({"sql": "SELECT 1", "timeout": "2h"}), 400, "600s"),
        (
            json!({"sql": "SELECT 1", "timeout": "soon"}),
            400,
            "length of time",
        ),
        (
            json!({"sql": "SELECT 1", "rows_max": 1_000_000_000}),
            400,
            "10000000",
        ),
        (json!({"sql": ENDLESS, "timeout": "1ms"}), 400, "timeout"),
        (
            json!({"sql": "SELECT name FROM spans", "rows_max": 2}),
            200,
            "\"rows_found\":300,\"cut\":true",
        ),
    ] {
        let request = Request::post("/api/v1/sql")
            .body(Body::from(body.to_string()))
            .unwrap();
        let (answered, _, text) = answer(&router, request).await;
        let text = String::from_utf8(text.to_vec()).unwrap();
        assert_eq!(answered.as_u16(), status, "{body}: {text}");
        assert!(text.contains(words), "{body}: {text}");
    }
    assert_eq!(store.dependencies.engine.running(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_goes_away_takes_the_query_along() {
    let store = store().await;
    let router = router(store.dependencies.clone());
    answer(
        &router,
        otlp_post(PROTOBUF, "", spans(&vec![vec![1; 16]; 600])),
    )
    .await;
    let engine = store.dependencies.engine.clone();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = tokio::spawn(serve(
        listener.into(),
        router,
        std::sync::Arc::default(),
        std::future::pending(),
    ));
    let broad = "SELECT a.name, b.name, c.name FROM spans AS a, spans AS b, spans AS c";
    for (sql, rows_max) in [(ENDLESS, 1), (broad, 10_000_000)] {
        let body = json!({"sql": sql, "timeout": "500s", "rows_max": rows_max}).to_string();
        let mut client = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /api/v1/sql HTTP/1.1\r\nhost: {address}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        client.write_all((head + &body).as_bytes()).await.unwrap();
        until(|| engine.running() == 1).await;
        if sql == broad {
            // In the middle of the answer.
            client.read_exact(&mut [0; 10_000]).await.unwrap();
        }
        drop(client);
        until(|| engine.running() == 0).await;
    }
    server.abort();
}
