//! Requests of the three signals, built from the official messages.

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::AnyValue;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::metrics::v1::{
    Gauge, Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics,
    metric, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message as _;

use crate::otlp::{attribute, now, plain_spans, resource_spans, text};

#[derive(Debug, Clone, Copy)]
pub enum Signal {
    Traces,
    Logs,
    Metrics,
}

impl Signal {
    pub fn table(self) -> &'static str {
        match self {
            Self::Traces => "spans",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
        }
    }

    pub fn path(self) -> &'static str {
        match self {
            Self::Traces => "/v1/traces",
            Self::Logs => "/v1/logs",
            Self::Metrics => "/v1/metrics",
        }
    }

    pub fn method(self) -> String {
        let (package, service) = match self {
            Self::Traces => ("trace", "TraceService"),
            Self::Logs => ("logs", "LogsService"),
            Self::Metrics => ("metrics", "MetricsService"),
        };
        format!("/opentelemetry.proto.collector.{package}.v1.{service}/Export")
    }

    pub fn rejected_name(self) -> &'static str {
        match self {
            Self::Traces => "rejectedSpans",
            Self::Logs => "rejectedLogRecords",
            Self::Metrics => "rejectedDataPoints",
        }
    }
}

pub enum Request {
    Traces(ExportTraceServiceRequest),
    Logs(ExportLogsServiceRequest),
    Metrics(ExportMetricsServiceRequest),
}

impl Request {
    pub fn signal(&self) -> Signal {
        match self {
            Self::Traces(_) => Signal::Traces,
            Self::Logs(_) => Signal::Logs,
            Self::Metrics(_) => Signal::Metrics,
        }
    }

    pub fn to_protobuf(&self) -> Vec<u8> {
        match self {
            Self::Traces(request) => request.encode_to_vec(),
            Self::Logs(request) => request.encode_to_vec(),
            Self::Metrics(request) => request.encode_to_vec(),
        }
    }

    pub fn to_json(&self) -> Vec<u8> {
        match self {
            Self::Traces(request) => serde_json::to_vec(request).unwrap(),
            Self::Logs(request) => serde_json::to_vec(request).unwrap(),
            Self::Metrics(request) => serde_json::to_vec(request).unwrap(),
        }
    }
}

/// Good spans of one trace.
pub fn spans(service: &str, count: u64) -> Request {
    of_spans(service, plain_spans(1, count))
}

pub fn of_spans(service: &str, spans: Vec<Span>) -> Request {
    let resource_spans = vec![resource_spans(service, spans)];
    Request::Traces(ExportTraceServiceRequest { resource_spans })
}

/// Good spans, each changed.
pub fn changed_spans(service: &str, count: u64, change: fn(u64, &mut Span)) -> Request {
    let mut spans = plain_spans(1, count);
    (1..)
        .zip(&mut spans)
        .for_each(|(id, span)| change(id, span));
    of_spans(service, spans)
}

fn resource(service: &str) -> Option<Resource> {
    let attributes = vec![attribute("service.name", text(service))];
    Some(Resource {
        attributes,
        ..Resource::default()
    })
}

/// One log record, changed.
pub fn log(service: &str, change: fn(&mut LogRecord)) -> Request {
    let mut record = LogRecord {
        time_unix_nano: now(),
        severity_number: 9,
        body: Some(AnyValue {
            value: Some(text("said")),
        }),
        ..LogRecord::default()
    };
    change(&mut record);
    let scope_logs = vec![ScopeLogs {
        log_records: vec![record],
        ..ScopeLogs::default()
    }];
    let resource_logs = vec![ResourceLogs {
        resource: resource(service),
        scope_logs,
        ..ResourceLogs::default()
    }];
    Request::Logs(ExportLogsServiceRequest { resource_logs })
}

pub fn of_metric(service: &str, data: metric::Data) -> Request {
    let metric = Metric {
        name: "queue.length".to_owned(),
        data: Some(data),
        ..Metric::default()
    };
    let scope_metrics = vec![ScopeMetrics {
        metrics: vec![metric],
        ..ScopeMetrics::default()
    }];
    let resource_metrics = vec![ResourceMetrics {
        resource: resource(service),
        scope_metrics,
        ..ResourceMetrics::default()
    }];
    Request::Metrics(ExportMetricsServiceRequest { resource_metrics })
}

/// A gauge with one point, changed.
pub fn gauge(service: &str, change: fn(&mut NumberDataPoint)) -> Request {
    let mut point = NumberDataPoint {
        time_unix_nano: now(),
        value: Some(number_data_point::Value::AsInt(7)),
        ..NumberDataPoint::default()
    };
    change(&mut point);
    let data_points = vec![point];
    of_metric(service, metric::Data::Gauge(Gauge { data_points }))
}

/// A histogram with one point of these buckets.
pub fn histogram(service: &str, bounds: &[f64], counts: &[u64]) -> Request {
    let point = HistogramDataPoint {
        time_unix_nano: now(),
        count: counts.iter().sum(),
        explicit_bounds: bounds.to_vec(),
        bucket_counts: counts.to_vec(),
        ..HistogramDataPoint::default()
    };
    let histogram = Histogram {
        data_points: vec![point],
        aggregation_temporality: 2,
    };
    of_metric(service, metric::Data::Histogram(histogram))
}
