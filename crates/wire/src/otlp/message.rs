//! OTLP's messages as one table: field numbers, names in JSON, encodings. From it come the way from
//! JSON to protobuf and back, and the memory that a body's structs take.
//!
//! Source: opentelemetry-proto 1.x, `opentelemetry/proto/*/v1/*.proto`.

pub(super) mod footprint;

use std::mem::size_of;

use crawlspace_model::Signal;
use opentelemetry_proto::tonic::common::v1::{AnyValue, EntityRef, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::summary_data_point::ValueAtQuantile;
use opentelemetry_proto::tonic::metrics::v1::{
    Exemplar, ExponentialHistogramDataPoint, HistogramDataPoint, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, SummaryDataPoint,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};

/// One message type.
pub(super) struct Message {
    /// Of its generated struct, where that is an element of a list; 0 where another holds it.
    pub(super) struct_bytes: usize,
    pub(super) role: Role,
    pub(super) fields: &'static [Field],
}

/// What a fault in a message costs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// The message that it is in.
    Part,
    /// The records in it.
    Group,
    /// Itself: one record.
    Record,
}

pub(super) struct Field {
    pub(super) number: u32,
    /// Its name in OTLP/JSON.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) repeated: bool,
}

/// How a field's value is written.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Text,
    /// Bytes in base64.
    Bytes,
    /// An id: bytes in hex.
    Id,
    /// An id whose record stays without it when it is no hex.
    IdOrNone,
    Bool,
    Double,
    /// A varint of 32 bits: enums, too.
    Int32,
    Uint32,
    /// A zigzag varint.
    Sint32,
    Fixed32,
    Int64,
    Uint64,
    Fixed64,
    Sfixed64,
    Message(&'static Message),
}

/// The request, and the data of files and answers, of a signal: they have the same fields.
pub(super) fn of_signal(signal: Signal) -> &'static Message {
    match signal {
        Signal::Traces => &TRACES,
        Signal::Logs => &LOGS,
        Signal::Metrics => &METRICS,
    }
}

const fn one(number: u32, name: &'static str, kind: Kind) -> Field {
    Field {
        number,
        name,
        kind,
        repeated: false,
    }
}

const fn many(number: u32, name: &'static str, kind: Kind) -> Field {
    Field {
        number,
        name,
        kind,
        repeated: true,
    }
}

const fn part(struct_bytes: usize, fields: &'static [Field]) -> Message {
    Message {
        struct_bytes,
        role: Role::Part,
        fields,
    }
}

const fn group(struct_bytes: usize, fields: &'static [Field]) -> Message {
    Message {
        struct_bytes,
        role: Role::Group,
        fields,
    }
}

const fn record(struct_bytes: usize, fields: &'static [Field]) -> Message {
    Message {
        struct_bytes,
        role: Role::Record,
        fields,
    }
}

const fn attributes(number: u32, name: &'static str) -> Field {
    many(number, name, Kind::Message(&KEY_VALUE))
}

static ANY: Message = part(
    size_of::<AnyValue>(),
    &[
        one(1, "stringValue", Kind::Text),
        one(2, "boolValue", Kind::Bool),
        one(3, "intValue", Kind::Int64),
        one(4, "doubleValue", Kind::Double),
        one(5, "arrayValue", Kind::Message(&ARRAY)),
        one(6, "kvlistValue", Kind::Message(&MAP)),
        one(7, "bytesValue", Kind::Bytes),
    ],
);
pub(super) static ARRAY: Message = part(0, &[many(1, "values", Kind::Message(&ANY))]);
pub(super) static MAP: Message = part(0, &[attributes(1, "values")]);
static KEY_VALUE: Message = part(
    size_of::<KeyValue>(),
    &[
        one(1, "key", Kind::Text),
        one(2, "value", Kind::Message(&ANY)),
    ],
);
static SCOPE: Message = part(
    size_of::<InstrumentationScope>(),
    &[
        one(1, "name", Kind::Text),
        one(2, "version", Kind::Text),
        attributes(3, "attributes"),
        one(4, "droppedAttributesCount", Kind::Uint32),
    ],
);
static RESOURCE: Message = part(
    size_of::<Resource>(),
    &[
        attributes(1, "attributes"),
        one(2, "droppedAttributesCount", Kind::Uint32),
        many(3, "entityRefs", Kind::Message(&ENTITY)),
    ],
);
static ENTITY: Message = part(
    size_of::<EntityRef>(),
    &[
        one(1, "schemaUrl", Kind::Text),
        one(2, "type", Kind::Text),
        many(3, "idKeys", Kind::Text),
        many(4, "descriptionKeys", Kind::Text),
    ],
);

static TRACES: Message = part(
    0,
    &[many(1, "resourceSpans", Kind::Message(&RESOURCE_SPANS))],
);
static RESOURCE_SPANS: Message = group(
    size_of::<ResourceSpans>(),
    &[
        one(1, "resource", Kind::Message(&RESOURCE)),
        many(2, "scopeSpans", Kind::Message(&SCOPE_SPANS)),
        one(3, "schemaUrl", Kind::Text),
    ],
);
static SCOPE_SPANS: Message = group(
    size_of::<ScopeSpans>(),
    &[
        one(1, "scope", Kind::Message(&SCOPE)),
        many(2, "spans", Kind::Message(&SPAN)),
        one(3, "schemaUrl", Kind::Text),
    ],
);
static SPAN: Message = record(
    size_of::<Span>(),
    &[
        one(1, "traceId", Kind::Id),
        one(2, "spanId", Kind::Id),
        one(3, "traceState", Kind::Text),
        one(4, "parentSpanId", Kind::Id),
        one(16, "flags", Kind::Fixed32),
        one(5, "name", Kind::Text),
        one(6, "kind", Kind::Int32),
        one(7, "startTimeUnixNano", Kind::Fixed64),
        one(8, "endTimeUnixNano", Kind::Fixed64),
        attributes(9, "attributes"),
        one(10, "droppedAttributesCount", Kind::Uint32),
        many(11, "events", Kind::Message(&EVENT)),
        one(12, "droppedEventsCount", Kind::Uint32),
        many(13, "links", Kind::Message(&LINK)),
        one(14, "droppedLinksCount", Kind::Uint32),
        one(15, "status", Kind::Message(&STATUS)),
    ],
);
static EVENT: Message = part(
    size_of::<Event>(),
    &[
        one(1, "timeUnixNano", Kind::Fixed64),
        one(2, "name", Kind::Text),
        attributes(3, "attributes"),
        one(4, "droppedAttributesCount", Kind::Uint32),
    ],
);
static LINK: Message = part(
    size_of::<Link>(),
    &[
        one(1, "traceId", Kind::Id),
        one(2, "spanId", Kind::Id),
        one(3, "traceState", Kind::Text),
        attributes(4, "attributes"),
        one(5, "droppedAttributesCount", Kind::Uint32),
        one(6, "flags", Kind::Fixed32),
    ],
);
static STATUS: Message = part(
    0,
    &[one(2, "message", Kind::Text), one(3, "code", Kind::Int32)],
);

static LOGS: Message = part(0, &[many(1, "resourceLogs", Kind::Message(&RESOURCE_LOGS))]);
static RESOURCE_LOGS: Message = group(
    size_of::<ResourceLogs>(),
    &[
        one(1, "resource", Kind::Message(&RESOURCE)),
        many(2, "scopeLogs", Kind::Message(&SCOPE_LOGS)),
        one(3, "schemaUrl", Kind::Text),
    ],
);
static SCOPE_LOGS: Message = group(
    size_of::<ScopeLogs>(),
    &[
        one(1, "scope", Kind::Message(&SCOPE)),
        many(2, "logRecords", Kind::Message(&LOG_RECORD)),
        one(3, "schemaUrl", Kind::Text),
    ],
);
static LOG_RECORD: Message = record(
    size_of::<LogRecord>(),
    &[
        one(1, "timeUnixNano", Kind::Fixed64),
        one(11, "observedTimeUnixNano", Kind::Fixed64),
        one(2, "severityNumber", Kind::Int32),
        one(3, "severityText", Kind::Text),
        one(5, "body", Kind::Message(&ANY)),
        attributes(6, "attributes"),
        one(7, "droppedAttributesCount", Kind::Uint32),
        one(8, "flags", Kind::Fixed32),
        one(9, "traceId", Kind::IdOrNone),
        one(10, "spanId", Kind::IdOrNone),
        one(12, "eventName", Kind::Text),
    ],
);

static METRICS: Message = part(
    0,
    &[many(1, "resourceMetrics", Kind::Message(&RESOURCE_METRICS))],
);
static RESOURCE_METRICS: Message = group(
    size_of::<ResourceMetrics>(),
    &[
        one(1, "resource", Kind::Message(&RESOURCE)),
        many(2, "scopeMetrics", Kind::Message(&SCOPE_METRICS)),
        one(3, "schemaUrl", Kind::Text),
    ],
);
static SCOPE_METRICS: Message = group(
    size_of::<ScopeMetrics>(),
    &[
        one(1, "scope", Kind::Message(&SCOPE)),
        many(2, "metrics", Kind::Message(&METRIC)),
        one(3, "schemaUrl", Kind::Text),
    ],
);
static METRIC: Message = group(
    size_of::<Metric>(),
    &[
        one(1, "name", Kind::Text),
        one(2, "description", Kind::Text),
        one(3, "unit", Kind::Text),
        one(5, "gauge", Kind::Message(&GAUGE)),
        one(7, "sum", Kind::Message(&SUM)),
        one(9, "histogram", Kind::Message(&HISTOGRAM)),
        one(10, "exponentialHistogram", Kind::Message(&EXPONENTIAL)),
        one(11, "summary", Kind::Message(&SUMMARY)),
        attributes(12, "metadata"),
    ],
);
static GAUGE: Message = part(0, &[many(1, "dataPoints", Kind::Message(&NUMBER_POINT))]);
static SUM: Message = part(
    0,
    &[
        many(1, "dataPoints", Kind::Message(&NUMBER_POINT)),
        one(2, "aggregationTemporality", Kind::Int32),
        one(3, "isMonotonic", Kind::Bool),
    ],
);
static HISTOGRAM: Message = part(
    0,
    &[
        many(1, "dataPoints", Kind::Message(&HISTOGRAM_POINT)),
        one(2, "aggregationTemporality", Kind::Int32),
    ],
);
static EXPONENTIAL: Message = part(
    0,
    &[
        many(1, "dataPoints", Kind::Message(&EXPONENTIAL_POINT)),
        one(2, "aggregationTemporality", Kind::Int32),
    ],
);
static SUMMARY: Message = part(0, &[many(1, "dataPoints", Kind::Message(&SUMMARY_POINT))]);
static NUMBER_POINT: Message = record(
    size_of::<NumberDataPoint>(),
    &[
        one(2, "startTimeUnixNano", Kind::Fixed64),
        one(3, "timeUnixNano", Kind::Fixed64),
        one(4, "asDouble", Kind::Double),
        many(5, "exemplars", Kind::Message(&EXEMPLAR)),
        one(6, "asInt", Kind::Sfixed64),
        attributes(7, "attributes"),
        one(8, "flags", Kind::Uint32),
    ],
);
static HISTOGRAM_POINT: Message = record(
    size_of::<HistogramDataPoint>(),
    &[
        one(2, "startTimeUnixNano", Kind::Fixed64),
        one(3, "timeUnixNano", Kind::Fixed64),
        one(4, "count", Kind::Fixed64),
        one(5, "sum", Kind::Double),
        many(6, "bucketCounts", Kind::Fixed64),
        many(7, "explicitBounds", Kind::Double),
        many(8, "exemplars", Kind::Message(&EXEMPLAR)),
        attributes(9, "attributes"),
        one(10, "flags", Kind::Uint32),
        one(11, "min", Kind::Double),
        one(12, "max", Kind::Double),
    ],
);
static EXPONENTIAL_POINT: Message = record(
    size_of::<ExponentialHistogramDataPoint>(),
    &[
        attributes(1, "attributes"),
        one(2, "startTimeUnixNano", Kind::Fixed64),
        one(3, "timeUnixNano", Kind::Fixed64),
        one(4, "count", Kind::Fixed64),
        one(5, "sum", Kind::Double),
        one(6, "scale", Kind::Sint32),
        one(7, "zeroCount", Kind::Fixed64),
        one(8, "positive", Kind::Message(&BUCKETS)),
        one(9, "negative", Kind::Message(&BUCKETS)),
        one(10, "flags", Kind::Uint32),
        many(11, "exemplars", Kind::Message(&EXEMPLAR)),
        one(12, "min", Kind::Double),
        one(13, "max", Kind::Double),
        one(14, "zeroThreshold", Kind::Double),
    ],
);
static BUCKETS: Message = part(
    size_of::<Buckets>(),
    &[
        one(1, "offset", Kind::Sint32),
        many(2, "bucketCounts", Kind::Uint64),
    ],
);
static SUMMARY_POINT: Message = record(
    size_of::<SummaryDataPoint>(),
    &[
        one(2, "startTimeUnixNano", Kind::Fixed64),
        one(3, "timeUnixNano", Kind::Fixed64),
        one(4, "count", Kind::Fixed64),
        one(5, "sum", Kind::Double),
        many(6, "quantileValues", Kind::Message(&QUANTILE)),
        attributes(7, "attributes"),
        one(8, "flags", Kind::Uint32),
    ],
);
static QUANTILE: Message = part(
    size_of::<ValueAtQuantile>(),
    &[
        one(1, "quantile", Kind::Double),
        one(2, "value", Kind::Double),
    ],
);
static EXEMPLAR: Message = part(
    size_of::<Exemplar>(),
    &[
        one(2, "timeUnixNano", Kind::Fixed64),
        one(3, "asDouble", Kind::Double),
        one(4, "spanId", Kind::Id),
        one(5, "traceId", Kind::Id),
        one(6, "asInt", Kind::Sfixed64),
        attributes(7, "filteredAttributes"),
    ],
);
