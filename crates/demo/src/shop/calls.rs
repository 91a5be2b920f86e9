//! Calls over HTTP: one client span each, with the trace context in the headers, bounded in time.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::ensure;
use axum::http::StatusCode;
use opentelemetry::baggage::BaggageExt;
use opentelemetry::trace::{FutureExt, SpanKind, TraceContextExt};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_http::HeaderInjector;
use reqwest::{Client, Method};
use serde_json::Value;

use super::telemetry::{Failure, child_span};

/// How long a call between our own services may take: longer than any vendor's time-out within it.
const CALL_TIME_MAX: Duration = Duration::from_secs(5);

/// One HTTP request. `url_template` is its path with placeholders, for the span's name.
pub struct Call<'a> {
    pub method: Method,
    pub url_template: &'a str,
    pub path: String,
    pub body: Value,
    pub timeout: Duration,
}

impl<'a> Call<'a> {
    pub fn get(url_template: &'a str, path: String) -> Self {
        Self {
            method: Method::GET,
            url_template,
            path,
            body: Value::Null,
            timeout: CALL_TIME_MAX,
        }
    }

    pub fn post(path: &'a str, body: Value) -> Self {
        let method = Method::POST;
        Self {
            method,
            url_template: path,
            path: path.to_owned(),
            body,
            timeout: CALL_TIME_MAX,
        }
    }

    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }
}

/// Another service, in one or several instances that are called in turn.
pub struct Peer {
    name: String,
    client: Client,
    instances: Vec<Instance>,
    next: AtomicUsize,
}

struct Instance {
    host: String,
    port: u16,
}

impl Peer {
    /// The peer `name` among `peers`. Its instances are called by name, as in a real network: the
    /// name (with a number, when there are several) resolves to the given address.
    pub fn new(name: &str, peers: &[(String, SocketAddr)]) -> anyhow::Result<Self> {
        let addresses: Vec<SocketAddr> = peers
            .iter()
            .filter(|(peer, _)| peer == name)
            .map(|(_, address)| *address)
            .collect();
        ensure!(
            !addresses.is_empty(),
            "no `--peer {name}=address` was given"
        );
        let mut client = Client::builder();
        let mut instances = Vec::new();
        for (index, address) in addresses.iter().enumerate() {
            let host = if addresses.len() == 1 {
                name.to_owned()
            } else {
                format!("{name}-{}", index + 1)
            };
            client = client.resolve(&host, *address);
            instances.push(Instance {
                host,
                port: address.port(),
            });
        }
        let client = client.build()?;
        Ok(Self {
            name: name.to_owned(),
            client,
            instances,
            next: AtomicUsize::new(0),
        })
    }

    /// Calls another service of ours and answers with its JSON; a failure is recorded on the call's
    /// span.
    pub async fn call(&self, call: Call<'_>) -> Result<Value, Failure> {
        let span = self.start_span(&call);
        let outcome = self.send(call, &span).with_context(span.clone()).await;
        span.span().end();
        outcome
    }

    /// The client span of one call. The caller ends it.
    pub fn start_span(&self, call: &Call<'_>) -> Context {
        let method = call.method.to_string();
        child_span(
            format!("{method} {}", call.url_template),
            SpanKind::Client,
            vec![
                KeyValue::new("http.request.method", method),
                KeyValue::new("url.template", call.url_template.to_owned()),
            ],
        )
    }

    /// Sends one call within the span of `context`, and records the outcome there.
    pub async fn send(&self, call: Call<'_>, context: &Context) -> Result<Value, Failure> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        let instance = &self.instances[turn % self.instances.len()];
        let url = format!("http://{}:{}{}", instance.host, instance.port, call.path);
        context.span().set_attributes([
            KeyValue::new("server.address", instance.host.clone()),
            KeyValue::new("server.port", i64::from(instance.port)),
            KeyValue::new("url.full", url.clone()),
        ]);
        let mut request = self.client.request(call.method, url).timeout(call.timeout);
        if !call.body.is_null() {
            request = request.json(&call.body);
        }
        let exchange = self.exchange(request, context).await;
        if let Err(failure) = &exchange {
            failure.record(context, error_type(failure));
        }
        exchange
    }

    async fn exchange(
        &self,
        request: reqwest::RequestBuilder,
        context: &Context,
    ) -> Result<Value, Failure> {
        let response = request
            .headers(propagation_headers(context, self.is_vendor()))
            .send()
            .await
            .map_err(|error| self.failure_of(&error))?;
        let status = response.status();
        let status_code = KeyValue::new("http.response.status_code", i64::from(status.as_u16()));
        context.span().set_attribute(status_code);
        if !status.is_success() {
            let message = format!("{} answered {}", self.name, status.as_u16());
            return Err(Failure::new(status, "UnexpectedStatus", message));
        }
        response
            .json()
            .await
            .map_err(|error| self.failure_of(&error))
    }

    fn failure_of(&self, error: &reqwest::Error) -> Failure {
        let name = &self.name;
        if error.is_timeout() {
            let message = format!("{name} did not answer in time");
            Failure::new(StatusCode::GATEWAY_TIMEOUT, "Timeout", message)
        } else if error.is_connect() {
            let message = format!("cannot connect to {name}: connection refused");
            Failure::new(StatusCode::BAD_GATEWAY, "ConnectionRefused", message)
        } else {
            let message = format!("the answer of {name} broke off or is not JSON");
            Failure::new(StatusCode::BAD_GATEWAY, "BadAnswer", message)
        }
    }

    /// Vendors have names with a dot, our services have not.
    fn is_vendor(&self) -> bool {
        self.name.contains('.')
    }
}

/// The semantic conventions want a status code when the peer answered, else the kind of trouble.
fn error_type(failure: &Failure) -> String {
    match failure.kind {
        "UnexpectedStatus" => failure.status.as_u16().to_string(),
        kind => kind.to_owned(),
    }
}

/// The headers that continue the trace. A vendor is not told who our users are.
fn propagation_headers(context: &Context, is_vendor: bool) -> reqwest::header::HeaderMap {
    let context = if is_vendor {
        context.with_cleared_baggage()
    } else {
        context.clone()
    };
    let mut headers = reqwest::header::HeaderMap::new();
    global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&context, &mut HeaderInjector(&mut headers));
    });
    headers
}
