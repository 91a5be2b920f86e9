mod streaming;

use std::io::{ErrorKind, Write as _};
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use bytes::Bytes;
use crawlspace_control::{Database, Keys, Notes, SavedQuestions};
use crawlspace_disk::{FileSystem, RealFs, SimFs};
use crawlspace_ingest::{Headroom, Ingest};
use crawlspace_insight::Insight;
use crawlspace_lake::backup::{Backups, Sources};
use crawlspace_lake::{Lake, LocalStore, SqliteCatalogue};
use crawlspace_model::{Clock, SystemClock};
use crawlspace_query::Engine;
use futures::stream;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;

use crate::otlp::{self, RpcStatus};
use crate::{Dependencies, Gate, otlp_router, problem, router};

/// A whole store behind the routes; its log is simulated, so that it can fail.
pub struct Store {
    pub dependencies: Dependencies,
    log: SimFs,
    _dir: TempDir,
}

/// Backups into directories.
fn backups(lake: &Arc<Lake>, dir: &std::path::Path) -> Arc<Backups> {
    let sources = Sources {
        scratch: dir.join("scratch"),
        databases: Vec::new(),
    };
    let open = |place: &str| {
        let files: Arc<dyn FileSystem> = Arc::new(RealFs);
        Ok(Arc::new(LocalStore::new(files, place.into())) as _)
    };
    Arc::new(Backups::new(Arc::clone(lake), sources, Box::new(open)))
}

pub async fn store() -> Store {
    let dir = tempfile::tempdir().unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let catalogue = SqliteCatalogue::open(
        &dir.path().join("catalogue.sqlite"),
        &dir.path().join("data"),
        Arc::clone(&clock),
    )
    .await
    .unwrap();
    let files: Arc<dyn FileSystem> = Arc::new(RealFs);
    let lake_dependencies = crawlspace_lake::Dependencies {
        store: Arc::new(LocalStore::new(files, dir.path().to_owned())),
        catalogue: Arc::new(catalogue),
        clock: Arc::clone(&clock),
    };
    let lake = Lake::open(crawlspace_lake::Config::default(), lake_dependencies)
        .await
        .unwrap();
    let log = SimFs::new(1);
    let ingest_dependencies = crawlspace_ingest::Dependencies {
        headroom: Headroom::new(Arc::new(log.clone()), std::path::Path::new("/")),
        fs: Arc::new(log.clone()),
        lake: Arc::clone(&lake),
        clock: Arc::clone(&clock),
    };
    let config = crawlspace_ingest::Config::new("/wal".into());
    let ingest = Ingest::open(config, ingest_dependencies).await.unwrap();
    let engine = Arc::new(Engine::new(
        Arc::clone(&lake),
        crawlspace_query::Config::default(),
    ));
    let control = Database::open(&dir.path().join("control.sqlite"))
        .await
        .unwrap();
    let keys = Keys::open(control.clone(), Arc::clone(&clock))
        .await
        .unwrap();
    let gate = Arc::new(Gate {
        keys: Arc::new(keys),
        key_required: false,
        hosts: vec!["crawlspace.example".to_owned()],
    });
    Store {
        dependencies: Dependencies {
            ingest,
            insight: Arc::new(Insight::new(Arc::clone(&engine))),
            engine,
            backups: backups(&lake, dir.path()),
            lake,
            saved: Arc::new(SavedQuestions::new(control.clone(), Arc::clone(&clock))),
            notes: Arc::new(Notes::new(control, Arc::clone(&clock))),
            clock,
            gate,
            window: Arc::default(),
            connections: Arc::default(),
        },
        log,
        _dir: dir,
    }
}

#[tokio::test]
async fn during_the_start_it_lives_and_is_not_ready() {
    let router = crate::starting_router();
    let ask = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        router.clone().oneshot(request).await.unwrap()
    };
    assert_eq!(ask("/livez").await.status(), StatusCode::OK);
    for path in ["/readyz", "/v1/traces", "/"] {
        let refused = ask(path).await;
        assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(refused.headers()["retry-after"], "1");
    }
}

async fn answer(router: &Router, request: Request<Body>) -> (StatusCode, HeaderMap, Bytes) {
    let response = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    (
        parts.status,
        parts.headers,
        to_bytes(body, 1 << 20).await.unwrap(),
    )
}

fn otlp_post(content_type: &str, encoding: &str, body: impl Into<Body>) -> Request<Body> {
    let mut request = Request::post("/v1/traces");
    for (name, value) in [
        ("content-type", content_type),
        ("content-encoding", encoding),
    ] {
        if !value.is_empty() {
            request = request.header(name, value);
        }
    }
    request.body(body.into()).unwrap()
}

pub(crate) fn spans(trace_ids: &[Vec<u8>]) -> Vec<u8> {
    let span = |trace_id: &Vec<u8>| Span {
        trace_id: trace_id.clone(),
        span_id: vec![2; 8],
        name: "GET /".to_owned(),
        start_time_unix_nano: 1_700_000_000_000_000_000,
        end_time_unix_nano: 1_700_000_000_000_000_100,
        ..Span::default()
    };
    let scope = ScopeSpans {
        spans: trace_ids.iter().map(span).collect(),
        ..ScopeSpans::default()
    };
    let resource = ResourceSpans {
        scope_spans: vec![scope],
        ..ResourceSpans::default()
    };
    ExportTraceServiceRequest {
        resource_spans: vec![resource],
    }
    .encode_to_vec()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const PROTOBUF: &str = "application/x-protobuf";

/// 65 MiB, in chunks that share their bytes.
fn too_large() -> Body {
    let chunk = Bytes::from(vec![0; 1 << 20]);
    Body::from_stream(stream::iter(
        std::iter::repeat_n(chunk, 65).map(Ok::<_, std::io::Error>),
    ))
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
async fn otlp_answers_follow_the_specification() {
    let store = store().await;
    let good = || spans(&[vec![1; 16]]);
    for router in [
        router(store.dependencies.clone()),
        otlp_router(store.dependencies.clone()),
    ] {
        for (case, request, rejected) in [
            ("plain", otlp_post(PROTOBUF, "", good()), None),
            (
                "identity",
                otlp_post("Application/X-Protobuf; charset=utf-8", "identity", good()),
                None,
            ),
            ("gzip", otlp_post(PROTOBUF, "gzip", gzip(&good())), None),
            ("empty", otlp_post(PROTOBUF, "", Body::empty()), None),
            (
                "one bad span",
                otlp_post(PROTOBUF, "", spans(&[vec![1; 16], vec![1; 3]])),
                Some(1),
            ),
        ] {
            let (status, headers, body) = answer(&router, request).await;
            assert_eq!(
                (status, &headers["content-type"]),
                (StatusCode::OK, &PROTOBUF.parse().unwrap()),
                "{case}"
            );
            let partial = ExportTraceServiceResponse::decode(body)
                .unwrap()
                .partial_success;
            assert_eq!(
                partial.as_ref().map(|partial| partial.rejected_spans),
                rejected,
                "{case}"
            );
            assert!(
                partial.is_none_or(|partial| !partial.error_message.is_empty()),
                "{case}"
            );
        }
        for (case, request, status, code, words) in [
            ("no type", otlp_post("", "", good()), 415, 12, PROTOBUF),
            ("br", otlp_post(PROTOBUF, "br", good()), 415, 12, "zstd"),
            (
                "no protobuf",
                otlp_post(PROTOBUF, "", "no protobuf"),
                400,
                3,
                "protobuf",
            ),
            (
                "no gzip",
                otlp_post(PROTOBUF, "gzip", good()),
                400,
                3,
                "gzip",
            ),
            (
                "bomb",
                otlp_post(PROTOBUF, "gzip", gzip(&vec![0; 65 << 20])),
                413,
                8,
                "decompresses",
            ),
            (
                "too large",
                otlp_post(PROTOBUF, "", too_large()),
                413,
                8,
                "67108864",
            ),
        ] {
            let (answered, headers, body) = answer(&router, request).await;
            let refusal = RpcStatus::decode(body).unwrap();
            assert_eq!(
                (answered.as_u16(), refusal.code),
                (status, code),
                "{case}: {}",
                refusal.message
            );
            assert!(
                refusal.message.contains(words),
                "{case}: {}",
                refusal.message
            );
            assert_eq!(headers["content-type"], PROTOBUF, "{case}");
            assert_eq!(
                headers.contains_key("accept-encoding"),
                status == 415,
                "{case}"
            );
            assert!(!headers.contains_key("retry-after"), "{case}");
        }
    }
    assert_eq!(
        store.dependencies.lake.memory_rows(),
        2,
        "only accepted spans are there, and those of repeated requests once"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_trouble_asks_otlp_clients_to_try_again() {
    let store = store().await;
    let router = router(store.dependencies.clone());
    let post = || otlp_post(PROTOBUF, "", spans(&[vec![1; 16]]));
    let ready = || Request::get("/readyz").body(Body::empty()).unwrap();

    store.log.fail_nth(1, ErrorKind::StorageFull);
    for (case, expected) in [("failing log", 503), ("working log", 200)] {
        let (status, headers, body) = answer(&router, post()).await;
        assert_eq!(status.as_u16(), expected, "{case}");
        if expected == 503 {
            assert_eq!(headers["retry-after"], "1");
            assert_eq!(RpcStatus::decode(body).unwrap().code, 14);
        }
        assert_eq!(
            answer(&router, ready()).await.0.as_u16(),
            expected,
            "{case}"
        );
    }
    assert_eq!(store.dependencies.lake.memory_rows(), 1);

    store.dependencies.ingest.shutdown().await.unwrap();
    let (status, headers, _) = answer(&router, post()).await;
    assert_eq!(
        (status.as_u16(), &headers["retry-after"]),
        (503, &"1".parse().unwrap())
    );
    let (status, _, body) = answer(&router, otlp_post("application/json", "", "{}")).await;
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status.as_u16(), &body["code"]), (503, &json!(14)));

    let call = Request::post("/opentelemetry.proto.collector.trace.v1.TraceService/Export")
        .header("content-type", "application/grpc");
    let call = call.body(Body::from(&b"\0\0\0\0\0"[..])).unwrap();
    let (status, headers, _) = answer(&router, call).await;
    assert_eq!(
        (status.as_u16(), &headers["grpc-status"]),
        (200, &"14".parse().unwrap())
    );
    let details = STANDARD_NO_PAD
        .decode(headers["grpc-status-details-bin"].as_bytes())
        .unwrap();
    let details = RpcStatus::decode(&details[..]).unwrap().details;
    assert!(details[0].type_url.ends_with("google.rpc.RetryInfo"));
}

#[tokio::test]
async fn panics_are_answered() {
    async fn panicking() -> &'static str {
        panic!("for the test")
    }
    let otlp = Router::new()
        .route("/", get(panicking))
        .layer(CatchPanicLayer::custom(otlp::panicked(
            otlp::Language::Protobuf,
        )));
    let (status, _, body) = answer(&otlp, Request::get("/").body(Body::empty()).unwrap()).await;
    let refusal = RpcStatus::decode(body).unwrap();
    assert_eq!((status.as_u16(), refusal.code), (503, 14));
    assert!(refusal.message.contains("for the test"));

    let other = Router::new()
        .route("/", get(panicking))
        .layer(CatchPanicLayer::custom(problem::panicked));
    let (status, headers, _) = answer(&other, Request::get("/").body(Body::empty()).unwrap()).await;
    assert_eq!(
        (status.as_u16(), &headers["content-type"]),
        (500, &"application/problem+json".parse().unwrap())
    );
}

#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::too_many_lines, reason = "one table of cases")]
async fn wrong_requests_get_problems_that_say_what_to_do() {
    let store = store().await;
    let router = router(store.dependencies.clone());
    answer(&router, otlp_post(PROTOBUF, "", spans(&[vec![1; 16]]))).await;
    let sql = |sql: &str| ("POST", "/api/v1/sql", json!({ "sql": sql }).to_string());
    let get = |path| ("GET", path, String::new());
    for ((method, path, body), status, member, words) in [
        (get("/nothing"), 404, "detail", "/nothing"),
        (get("/api/v1/sql"), 405, "detail", "GET"),
        (get("/v1/traces"), 405, "detail", "/v1/traces"),
        (get("/api/v1/traces/xyz"), 400, "detail", "32 hex digits"),
        (
            get("/api/v1/traces/01010101010101010101010101010102"),
            404,
            "detail",
            "no trace",
        ),
        (
            ("POST", "/api/v1/sql", "{".to_owned()),
            400,
            "detail",
            "JSON",
        ),
        (
            ("POST", "/api/v1/sql", r#"{"sq":"x"}"#.to_owned()),
            400,
            "detail",
            "`sql`",
        ),
        (
            ("POST", "/api/v1/sql", " ".repeat(2 << 20)),
            413,
            "detail",
            "1048576",
        ),
        (
            (
                "POST",
                "/api/v1/query",
                r#"{"from":"spans","wher":""}"#.to_owned(),
            ),
            400,
            "detail",
            "`where`",
        ),
        (
            sql("SELECT duration_n FROM spans"),
            400,
            "suggestion",
            "duration_ns",
        ),
        (sql("SELECT *\nFORM spans"), 400, "line", "2"),
    ] {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::from(body))
            .unwrap();
        let (answered, headers, body) = answer(&router, request).await;
        let problem: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(
            (answered.as_u16(), &problem["status"]),
            (status, &json!(status)),
            "{path}: {problem}"
        );
        assert_eq!(
            headers["content-type"], "application/problem+json",
            "{path}"
        );
        assert_eq!(problem["type"], "about:blank");
        assert!(
            problem[member].to_string().contains(words),
            "{path}: {problem}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn questions_and_maintenance_are_answered_in_json() {
    let store = store().await;
    let router = router(store.dependencies.clone());
    answer(&router, otlp_post(PROTOBUF, "", spans(&[vec![1; 16]]))).await;
    let ask = async |method: &str, path: &str, body: Value| {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .body(Body::from(body.to_string()))
            .unwrap();
        let (status, _, body) = answer(&router, request).await;
        let body: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(status, StatusCode::OK, "{body}");
        body
    };
    for round in ["from memory", "from parts"] {
        let rows = ask(
            "POST",
            "/api/v1/sql",
            json!({"sql": "SELECT time, name, duration_ns FROM spans"}),
        )
        .await;
        assert_eq!(
            rows["rows"],
            json!([["1700000000000000000", "GET /", 100]]),
            "{round}"
        );
        let types: Vec<&Value> = rows["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|column| &column["type"])
            .collect();
        assert_eq!(types, ["timestamp_ns", "string", "int64"], "{round}");
        let count = ask(
            "POST",
            "/api/v1/query",
            json!({"from": "spans", "calculate": ["count"]}),
        )
        .await;
        assert_eq!(count["rows"], json!([[1]]), "{round}");
        let trace = ask(
            "GET",
            &format!("/api/v1/traces/{}", "01".repeat(16)),
            Value::Null,
        )
        .await;
        assert_eq!(trace["spans"][0]["name"], "GET /", "{round}");
        if round == "from memory" {
            let flushed = ask("POST", "/api/v1/maintenance/flush", Value::Null).await;
            assert_eq!(
                (&flushed["rows"], &flushed["parts"]),
                (&json!(1), &json!(1))
            );
            let compacted = ask("POST", "/api/v1/maintenance/compact", Value::Null).await;
            assert_eq!(compacted, json!({"merged": 0, "into": 0}));
        }
    }
    let (status, _, text) = answer(&router, Request::get("/").body(Body::empty()).unwrap()).await;
    assert_eq!(status, StatusCode::OK);
    assert!(
        String::from_utf8(text.to_vec())
            .unwrap()
            .contains("/api/v1/sql")
    );
}
