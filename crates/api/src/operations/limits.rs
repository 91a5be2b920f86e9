//! The limits: each with what happens beyond it, the metric that tells, and the setting that moves it, if there is one.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use crawlspace_lake::{FOLLOWERS_MAX, SEEN_LIFE};
use crawlspace_model::attribute::VALUE_DEPTH_MAX;
use crawlspace_query as query;
use crawlspace_wire::{batch, body, otlp};
use serde::Serialize;

use crate::{Dependencies, server};

/// A bound, and what becomes of what is beyond it.
#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Limit, example = json!({
    "name": "body", "value": 67_108_864, "unit": "bytes", "beyond": "413", "metric": "crawlspace_requests_total{reason=\"too_large\"}"
}))]
struct LimitAnswer {
    name: &'static str,
    value: u64,
    /// `bytes`, `seconds`, `bytes/second`, or what is counted.
    unit: &'static str,
    /// What happens beyond it: a status, or what is done instead.
    beyond: &'static str,
    /// Where to see how near it is, or how often it was met.
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<&'static str>,
    /// What `crawlspace serve` calls it, where it can be set.
    #[serde(skip_serializing_if = "Option::is_none")]
    setting: Option<&'static str>,
}

impl LimitAnswer {
    fn seen_in(mut self, metric: &'static str) -> Self {
        self.metric = Some(metric);
        self
    }

    fn set_by(mut self, setting: &'static str) -> Self {
        self.setting = Some(setting);
        self
    }
}

fn limit(
    name: &'static str,
    value: impl TryInto<u64>,
    unit: &'static str,
    beyond: &'static str,
) -> LimitAnswer {
    LimitAnswer {
        name,
        value: value.try_into().unwrap_or(u64::MAX),
        unit,
        beyond,
        metric: None,
        setting: None,
    }
}

const TOO_LARGE: &str = "crawlspace_requests_total{reason=\"too_large\"}";
const OVER_LIMIT: &str = "crawlspace_requests_total{reason=\"over_limit\"}";
const UNDECODABLE: &str = "crawlspace_requests_total{reason=\"undecodable\"}";
const INVALID: &str = "crawlspace_records_total{reason=\"invalid_record\"}";
const UNAVAILABLE: &str = "crawlspace_requests_total{reason=\"unavailable\"}";
const REPEATED: &str = "crawlspace_requests_total{outcome=\"deduplicated\"}";
/// What the API answers, by status.
const API_400: &str = "crawlspace_answers_total{door=\"api\",status=\"400\"}";
const API_413: &str = "crawlspace_answers_total{door=\"api\",status=\"413\"}";
const API_503: &str = "crawlspace_answers_total{door=\"api\",status=\"503\"}";
const BROKEN_TIME: &str = "crawlspace_connections_broken_total{reason=\"time\"}";
const BROKEN_HEAD: &str = "crawlspace_connections_broken_total{reason=\"head\"}";
const BROKEN_FLOOD: &str = "crawlspace_connections_broken_total{reason=\"flood\"}";
const REFUSED: &str = "crawlspace_connections_refused_total";
const SILENT: &str = "crawlspace_connections_silent_total";

/// The limits, and what happens beyond them
#[utoipa::path(get, path = "/api/v1/limits", tag = "operate", responses((status = 200, description = "All of them, as they are set.", body = Vec<LimitAnswer>)))]
pub(crate) async fn limits(State(dependencies): State<Dependencies>) -> Response {
    let mut limits = of_requests();
    limits.extend(of_store(&dependencies));
    limits.extend(of_connections());
    limits.extend(of_questions(&dependencies));
    Json(limits).into_response()
}

/// The client's fault: the same request is never taken.
fn of_requests() -> Vec<LimitAnswer> {
    vec![
        limit("body", body::BODY_BYTES_MAX, "bytes", "413").seen_in(TOO_LARGE),
        limit(
            "body_ratio",
            body::RATIO_MAX,
            "decompressed bytes per byte",
            "413",
        )
        .seen_in(TOO_LARGE),
        limit(
            "body_ratio_free",
            body::RATIO_FREE_BYTES,
            "bytes",
            "the ratio is looked at",
        ),
        limit("gzip_members", body::GZIP_MEMBERS_MAX, "members", "400").seen_in(UNDECODABLE),
        limit("decoded", otlp::DECODED_BYTES_MAX, "bytes", "413").seen_in(TOO_LARGE),
        limit(
            "value_depth",
            VALUE_DEPTH_MAX,
            "levels",
            "the record is refused",
        )
        .seen_in(INVALID),
        limit(
            "attributes",
            otlp::ATTRIBUTES_MAX,
            "attributes of a list",
            "left out, and told",
        )
        .seen_in("crawlspace_shortened_total{what=\"attributes\"}"),
        limit(
            "text",
            batch::TEXT_BYTES_MAX,
            "bytes of a value",
            "cut, and marked",
        )
        .seen_in("crawlspace_shortened_total{what=\"text\"}"),
        limit(
            "body_time",
            crate::body::READ_TIME_MAX.as_secs(),
            "seconds",
            "503",
        )
        .seen_in(UNAVAILABLE),
    ]
}

/// Our trouble: the same request is taken later.
fn of_store(dependencies: &Dependencies) -> Vec<LimitAnswer> {
    let ingest = &dependencies.ingest;
    let bounds = ingest.bounds();
    let disk = ingest.statistics().disk;
    let mut limits = vec![
        limit("in_flight", bounds.in_flight_bytes_max, "bytes", "503")
            .seen_in("crawlspace_in_flight_bytes"),
        limit("memory", bounds.memory_bytes_max, "bytes", "503")
            .seen_in("crawlspace_memory_bytes")
            .set_by("--memory-size"),
        limit("memory_slow", bounds.slow_bytes, "bytes", "waits")
            .seen_in("crawlspace_memory_bytes")
            .set_by("--memory-size"),
        limit("log", bounds.log_bytes_max, "bytes", "503")
            .seen_in("crawlspace_wal_bytes")
            .set_by("--memory-size"),
        limit("disk_free", disk.needed_bytes, "bytes, at least", "503")
            .seen_in("crawlspace_disk_free_bytes"),
        limit("repeat_age", SEEN_LIFE.as_secs(), "seconds", "stored again")
            .seen_in(REPEATED)
            .set_by("--dedup"),
    ];
    limits.extend(bounds.key_bytes_per_second.map(|bytes_per_second| {
        limit("key_rate", bytes_per_second, "bytes/second", "429")
            .seen_in(OVER_LIMIT)
            .set_by("--key-rate")
    }));
    limits
}

fn of_connections() -> Vec<LimitAnswer> {
    let first_request = server::FIRST_REQUEST_TIME_MAX.as_secs();
    let head = server::HEAD_TIME_MAX.as_secs();
    vec![
        limit(
            "connections",
            server::CONNECTIONS_MAX,
            "connections",
            "closed",
        )
        .seen_in(REFUSED),
        limit("first_request", first_request, "seconds", "closed").seen_in(SILENT),
        limit(
            "head_time",
            head,
            "seconds between requests of HTTP/1",
            "closed",
        )
        .seen_in(BROKEN_TIME),
        limit("head", server::HEAD_BYTES_MAX, "bytes", "431, or closed").seen_in(BROKEN_HEAD),
        limit(
            "streams",
            server::STREAMS_MAX,
            "requests of an HTTP/2 connection",
            "waits",
        ),
        limit(
            "resets",
            server::RESETS_MAX,
            "streams given up at once",
            "closed",
        )
        .seen_in(BROKEN_FLOOD),
    ]
}

fn of_questions(dependencies: &Dependencies) -> Vec<LimitAnswer> {
    let config = dependencies.engine.config();
    let (time, time_max) = (config.time_limit.as_secs(), config.time_limit_max.as_secs());
    let mut limits = vec![
        limit("question", query::TEXT_BYTES_MAX, "bytes", "413").seen_in(API_413),
        limit("question_tokens", query::TOKENS_MAX, "words", "413").seen_in(API_413),
        limit(
            "question_operators",
            query::OPERATORS_MAX,
            "operators",
            "413",
        )
        .seen_in(API_413),
        limit("question_joins", query::JOINS_MAX, "joins", "413").seen_in(API_413),
        limit(
            "question_unions",
            query::SET_OPERATIONS_MAX,
            "unions",
            "413",
        )
        .seen_in(API_413),
        limit("question_tables", query::SCANS_MAX, "tables of SQL", "413").seen_in(API_413),
        limit(
            "question_time",
            time,
            "seconds, unless it asks for more",
            "400",
        )
        .seen_in(API_400),
        limit("question_time_max", time_max, "seconds", "400").seen_in(API_400),
        limit(
            "answer_rows",
            config.rows_max,
            "rows, unless it asks for more",
            "left out, counted",
        ),
        limit("answer_rows_max", config.rows_limit_max, "rows", "400").seen_in(API_400),
        limit(
            "questions_running",
            config.running_max,
            "questions",
            "waits",
        )
        .seen_in("crawlspace_queries_running"),
        limit("questions_waiting", config.waiting_max, "questions", "503")
            .seen_in("crawlspace_queries_waiting"),
        limit(
            "question_wait",
            config.wait_time_max.as_secs(),
            "seconds",
            "503",
        )
        .seen_in(API_503),
        limit("tails", FOLLOWERS_MAX, "tails", "503").seen_in(API_503),
    ];
    limits.extend(dependencies.engine.sql_workers().map(|workers| {
        limit("sql_memory", workers.memory_bytes_max, "bytes", "413")
            .seen_in("crawlspace_sql_memory_bytes")
    }));
    limits
}
