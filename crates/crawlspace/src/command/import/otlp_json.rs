//! Requests in OTLP/JSON, a line each, as the Collector's file exporter writes them: which signal, how many records. They
//! go on as they are.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Signal;

#[derive(Deserialize)]
struct Request {
    #[serde(rename = "resourceSpans", alias = "resource_spans")]
    spans: Option<Vec<ResourceSpans>>,
    #[serde(rename = "resourceLogs", alias = "resource_logs")]
    logs: Option<Vec<ResourceLogs>>,
    #[serde(rename = "resourceMetrics", alias = "resource_metrics")]
    metrics: Option<Vec<ResourceMetrics>>,
}

#[derive(Deserialize)]
struct ResourceSpans {
    #[serde(default, rename = "scopeSpans", alias = "scope_spans")]
    scopes: Vec<ScopeSpans>,
}

#[derive(Deserialize)]
struct ScopeSpans {
    #[serde(default)]
    spans: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct ResourceLogs {
    #[serde(default, rename = "scopeLogs", alias = "scope_logs")]
    scopes: Vec<ScopeLogs>,
}

#[derive(Deserialize)]
struct ScopeLogs {
    #[serde(default, rename = "logRecords", alias = "log_records")]
    records: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct ResourceMetrics {
    #[serde(default, rename = "scopeMetrics", alias = "scope_metrics")]
    scopes: Vec<ScopeMetrics>,
}

#[derive(Deserialize)]
struct ScopeMetrics {
    #[serde(default)]
    metrics: Vec<Metric>,
}

#[derive(Deserialize)]
struct Metric {
    gauge: Option<Points>,
    sum: Option<Points>,
    histogram: Option<Points>,
    #[serde(rename = "exponentialHistogram", alias = "exponential_histogram")]
    exponential_histogram: Option<Points>,
    summary: Option<Points>,
}

#[derive(Deserialize)]
struct Points {
    #[serde(default, rename = "dataPoints", alias = "data_points")]
    points: Vec<IgnoredAny>,
}

/// The signal of a request and its records; `None` if it is JSON of another kind, and why if it is not JSON.
pub fn request(text: &[u8]) -> Result<Option<(Signal, u64)>, String> {
    let request: Request = match serde_json::from_slice(text) {
        Ok(request) => request,
        Err(error) => {
            return Err(format!(
                "this is neither OTLP/JSON nor a JSON object: {error}"
            ));
        }
    };
    let (signal, records) = if let Some(spans) = request.spans {
        let scopes = spans.iter().flat_map(|resource| &resource.scopes);
        (Signal::Traces, scopes.map(|scope| scope.spans.len()).sum())
    } else if let Some(logs) = request.logs {
        let scopes = logs.iter().flat_map(|resource| &resource.scopes);
        (Signal::Logs, scopes.map(|scope| scope.records.len()).sum())
    } else if let Some(metrics) = request.metrics {
        let scopes = metrics.iter().flat_map(|resource| &resource.scopes);
        let metrics = scopes.flat_map(|scope| &scope.metrics);
        (Signal::Metrics, metrics.map(Metric::points).sum::<usize>())
    } else {
        return Ok(None);
    };
    Ok(Some((signal, records as u64)))
}

impl Metric {
    fn points(&self) -> usize {
        let kinds = [
            &self.gauge,
            &self.sum,
            &self.histogram,
            &self.exponential_histogram,
            &self.summary,
        ];
        kinds
            .into_iter()
            .flatten()
            .map(|points| points.points.len())
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::{Signal, request};

    #[test]
    fn a_line_has_its_signal_and_its_records() {
        for (line, expected) in [
            (
                r#"{"resourceSpans":[{"scopeSpans":[{"spans":[{},{}]},{"spans":[{}]}]}]}"#,
                Ok(Some((Signal::Traces, 3))),
            ),
            (
                r#"{"resource_logs":[{"scope_logs":[{"log_records":[{}]}]}]}"#,
                Ok(Some((Signal::Logs, 1))),
            ),
            (
                r#"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"sum":{"dataPoints":[{},{}]}},{"gauge":{}}]}]}]}"#,
                Ok(Some((Signal::Metrics, 2))),
            ),
            (r#"{"resourceSpans":[]}"#, Ok(Some((Signal::Traces, 0)))),
            (r#"{"message":"hello"}"#, Ok(None)),
            ("hello", Err(())),
            (r#"{"resourceSpans":7}"#, Err(())),
        ] {
            assert_eq!(request(line.as_bytes()).map_err(|_| ()), expected, "{line}");
        }
    }
}
