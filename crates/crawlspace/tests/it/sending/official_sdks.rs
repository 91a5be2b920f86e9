//! What the official SDKs for Python and Node send, by every protocol they have, is given out again as OTLP: each
//! resource, scope and record, with its attributes in their places.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::logs::v1::LogsData;
use opentelemetry_proto::tonic::metrics::v1::{MetricsData, metric};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;
use reqwest::blocking::RequestBuilder;
use serde_json::{Value, json};

use crate::duck::{node, python};
use crate::server::{PROTOBUF, Server, new_data_directory};

#[test]
fn what_official_sdks_send_is_given_out_again() {
    let (_home, data) = new_data_directory();
    let server = Server::start(&data);
    let clients = [
        ("python", "grpc"),
        ("python", "http/protobuf"),
        ("node", "grpc"),
        ("node", "http/protobuf"),
        ("node", "http/json"),
    ];
    let sent = clients.map(|(client, protocol)| {
        let service = format!("{client} by {protocol}");
        let sent = send(&server, client, &service, protocol);
        (service, sent)
    });
    for when in ["in memory", "after the flush"] {
        for (service, sent) in &sent {
            check(&server, service, sent, when);
        }
        server.flush();
    }
}

/// What the client's exporters were given.
fn send(server: &Server, client: &str, service: &str, protocol: &str) -> Value {
    let mut command: Command = match client {
        "python" => python("sdk_signals.py"),
        _ => node("sdk_signals.js"),
    };
    let endpoint = match protocol {
        "grpc" => server.otlp_grpc(),
        _ => server.otlp_http(),
    };
    let output = command
        .args([service, protocol, endpoint])
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{service}: {log}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// `…Data` is on the wire what `Export…ServiceRequest` is.
fn messages<M: Message + Default>(sent: &Value) -> Vec<M> {
    let bodies = sent.as_array().unwrap().iter();
    let bodies = bodies.map(|body| STANDARD.decode(body.as_str().unwrap()).unwrap());
    bodies.map(|body| M::decode(&body[..]).unwrap()).collect()
}

fn given<M: Message + Default>(request: RequestBuilder) -> Vec<M> {
    let response = request.header("accept", PROTOBUF).send().unwrap();
    assert_eq!(response.status(), 200, "{}", response.text().unwrap());
    vec![M::decode(response.bytes().unwrap()).unwrap()]
}

fn check(server: &Server, service: &str, sent: &Value, when: &str) {
    let of = |table: &str| {
        let condition = format!("service.name = '{service}'");
        server
            .post("/api/v1/query")
            .json(&json!({"from": table, "where": condition}))
    };
    let traces: Vec<TracesData> = messages(&sent["traces"]);
    let span = &traces[0].resource_spans[0].scope_spans[0].spans[0];
    let id = span.trace_id.iter().map(|byte| format!("{byte:02x}"));
    let path = format!("{}/api/v1/traces/{}", server.http(), id.collect::<String>());
    let found = lines_of_traces(given(server.client().get(path)));
    assert_eq!(
        found,
        lines_of_traces(given(of("spans"))),
        "{service}, {when}"
    );
    let checks = [
        (found, lines_of_traces(traces), 2),
        (
            lines_of_logs(given(of("logs"))),
            lines_of_logs(messages(&sent["logs"])),
            3,
        ),
        (
            lines_of_metrics(given(of("metrics"))),
            lines_of_metrics(messages(&sent["metrics"])),
            5,
        ),
    ];
    for (found, sent, count) in checks {
        assert_eq!(sent.len(), count, "{service}: the SDK left something out");
        assert_eq!(found, sent, "{service}, {when}");
    }
}

/// Each record with all that is around it, as a line; what OTLP gives no order is sorted.
fn lines_of_traces(messages: Vec<TracesData>) -> Vec<String> {
    let mut lines = Vec::new();
    for resource in messages
        .into_iter()
        .flat_map(|message| message.resource_spans)
    {
        for scope in resource.scope_spans {
            let around = around(resource.resource.clone(), scope.scope);
            for mut span in scope.spans {
                sort(&mut span.attributes);
                span.events
                    .iter_mut()
                    .for_each(|event| sort(&mut event.attributes));
                span.links
                    .iter_mut()
                    .for_each(|link| sort(&mut link.attributes));
                span.status = Some(span.status.unwrap_or_default());
                let urls = [&resource.schema_url, &scope.schema_url];
                lines.push(format!("{around} {urls:?} {span:?}"));
            }
        }
    }
    lines.sort();
    lines
}

fn lines_of_logs(messages: Vec<LogsData>) -> Vec<String> {
    let mut lines = Vec::new();
    for resource in messages
        .into_iter()
        .flat_map(|message| message.resource_logs)
    {
        for scope in resource.scope_logs {
            let around = around(resource.resource.clone(), scope.scope);
            for mut record in scope.log_records {
                sort(&mut record.attributes);
                record.body = record.body.filter(|body| body.value.is_some());
                lines.push(format!("{around} {record:?}"));
            }
        }
    }
    lines.sort();
    lines
}

fn lines_of_metrics(messages: Vec<MetricsData>) -> Vec<String> {
    let mut lines = Vec::new();
    for resource in messages
        .into_iter()
        .flat_map(|message| message.resource_metrics)
    {
        for scope in resource.scope_metrics {
            let around = around(resource.resource.clone(), scope.scope);
            for mut metric in scope.metrics {
                if let Some(metric::Data::Gauge(gauge)) = &mut metric.data {
                    gauge
                        .data_points
                        .iter_mut()
                        .for_each(|point| sort(&mut point.attributes));
                }
                lines.push(format!("{around} {metric:?}"));
            }
        }
    }
    lines.sort();
    lines
}

fn around(resource: Option<Resource>, scope: Option<InstrumentationScope>) -> String {
    let (mut resource, mut scope) = (resource.unwrap_or_default(), scope.unwrap_or_default());
    sort(&mut resource.attributes);
    sort(&mut scope.attributes);
    format!("{resource:?} {scope:?}")
}

fn sort(attributes: &mut [KeyValue]) {
    attributes.sort_by(|a, b| a.key.cmp(&b.key));
    for attribute in attributes {
        if let Some(Any::KvlistValue(map)) = attribute
            .value
            .as_mut()
            .and_then(|value| value.value.as_mut())
        {
            sort(&mut map.values);
        }
    }
}
