//! What became of a request that was taken, as OTLP says it: nothing when all is well, else `partial_success`.

use crawlspace_ingest::Accepted;
use crawlspace_model::Signal;
use prost::Message as _;
use serde_json::{Value, json};

/// `Export…ServiceResponse`: the same fields for each signal, under other names.
#[derive(Clone, PartialEq, prost::Message)]
struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

impl PartialSuccess {
    fn of(accepted: &Accepted) -> Option<Self> {
        let is_full = accepted.rejected == 0 && accepted.messages.is_empty();
        (!is_full).then(|| Self {
            rejected: i64::try_from(accepted.rejected).unwrap_or(i64::MAX),
            error_message: accepted.messages.join("; "),
        })
    }
}

pub(super) fn to_protobuf(accepted: &Accepted) -> Vec<u8> {
    let partial_success = PartialSuccess::of(accepted);
    ExportResponse { partial_success }.encode_to_vec()
}

pub(super) fn to_json(signal: Signal, accepted: &Accepted) -> Vec<u8> {
    let rejected = match signal {
        Signal::Traces => "rejectedSpans",
        Signal::Logs => "rejectedLogRecords",
        Signal::Metrics => "rejectedDataPoints",
    };
    let answer: Value = match PartialSuccess::of(accepted) {
        None => json!({}),
        // 64-bit integers are strings in protobuf's JSON.
        Some(partial) => json!({"partialSuccess": {
            rejected: partial.rejected.to_string(),
            "errorMessage": partial.error_message,
        }}),
    };
    answer.to_string().into_bytes()
}
