//! Rows back to OTLP: resources, in them scopes, in those records, with every attribute in the list
//! that it came in.
//!
//! What comes out is what came in, but for what the tables don't keep: which records shared a
//! message of a resource, scope or metric (equal ones share one now), the order of records beyond
//! that of the rows, the order of a record's own attributes (by key now), of a repeated key all but
//! the last value, and whether what is empty was there.

mod cells;
mod group;
mod log;
mod metric;
mod origin;
mod trace;
pub(super) mod tree;
mod value;

use arrow::record_batch::RecordBatch;
use crawlspace_model::Signal;
use opentelemetry_proto::tonic::logs::v1::LogsData;
use opentelemetry_proto::tonic::metrics::v1::MetricsData;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message as _;

use super::ContentType;
use super::json::to_json;
use super::message::of_signal;

/// One `TracesData`, `LogsData` or `MetricsData` of rows of `spans`, `logs` or `metrics`, with all
/// their columns under the names that queries use; what OTLP's export requests hold, too.
///
/// Spans take their events from `events`, rows of `logs`. Those are left out of logs: they are
/// their spans' matter.
#[must_use]
pub fn encode(
    signal: Signal,
    content_type: ContentType,
    rows: &[RecordBatch],
    events: &[RecordBatch],
) -> Vec<u8> {
    let protobuf = match signal {
        Signal::Traces => TracesData {
            resource_spans: trace::encode(rows, events),
        }
        .encode_to_vec(),
        Signal::Logs => LogsData {
            resource_logs: log::encode(rows),
        }
        .encode_to_vec(),
        Signal::Metrics => MetricsData {
            resource_metrics: metric::encode(rows),
        }
        .encode_to_vec(),
    };
    match content_type {
        ContentType::Protobuf => protobuf,
        ContentType::Json => {
            let mut text = Vec::with_capacity(protobuf.len() * 2);
            to_json(of_signal(signal), &protobuf, &mut text);
            text
        }
    }
}
