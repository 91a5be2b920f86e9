//! The shop's instrumentation with the official OpenTelemetry SDK: set-up, the server span of each
//! request, child spans, and what a failure leaves on a span.

use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::extract::{MatchedPath, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use opentelemetry::baggage::BaggageExt;
use opentelemetry::propagation::TextMapCompositePropagator;
use opentelemetry::trace::{FutureExt, SpanKind, Status, TraceContextExt, Tracer};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::{BaggagePropagator, TraceContextPropagator};
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SdkTracerProvider};

use super::ServiceArguments;

/// How long a finished span may wait to be sent: short, so that a person sees it soon.
const EXPORT_DELAY_MAX: Duration = Duration::from_millis(500);

/// Who a request is for. Travels as baggage between our services and stands on every span of
/// theirs.
pub const IDENTITY_KEYS: [&str; 3] = ["tenant.id", "user.id", "session.id"];

/// Sends the spans of this process to the OTLP/HTTP endpoint `otlp_http`. Call outside an async
/// runtime.
pub fn start(service: &ServiceArguments, otlp_http: &str) -> anyhow::Result<SdkTracerProvider> {
    let exporter = SpanExporter::builder()
        .with_http()
        .with_endpoint(format!("{otlp_http}/v1/traces"))
        .build()
        .context("build the span exporter")?;
    let batches = BatchConfigBuilder::default()
        .with_scheduled_delay(EXPORT_DELAY_MAX)
        .build();
    let processor = BatchSpanProcessor::builder(exporter)
        .with_batch_config(batches)
        .build();
    let provider = SdkTracerProvider::builder()
        .with_resource(resource(service))
        .with_span_processor(processor)
        .build();
    global::set_tracer_provider(provider.clone());
    global::set_text_map_propagator(TextMapCompositePropagator::new(vec![
        Box::new(TraceContextPropagator::new()),
        Box::new(BaggagePropagator::new()),
    ]));
    Ok(provider)
}

fn resource(service: &ServiceArguments) -> Resource {
    let name = service.service.name();
    let instance = format!("{name}-{}", service.instance);
    Resource::builder()
        .with_service_name(name)
        .with_attributes([
            KeyValue::new("service.version", service.release.clone()),
            KeyValue::new("service.instance.id", instance.clone()),
            KeyValue::new("deployment.environment.name", "demo"),
            KeyValue::new("host.name", format!("{instance}.shop.internal")),
        ])
        .build()
}

/// Starts a child of the current span, with the identity attributes. Ends when its context is
/// dropped everywhere.
pub fn child_span(name: String, kind: SpanKind, attributes: Vec<KeyValue>) -> Context {
    let parent = Context::current();
    let tracer = global::tracer("accidental-shop");
    let identity = identity(&parent);
    let span = tracer
        .span_builder(name)
        .with_kind(kind)
        .with_attributes(attributes);
    let context = parent.with_span(tracer.build_with_context(span, &parent));
    context.span().set_attributes(identity);
    context
}

fn identity(context: &Context) -> Vec<KeyValue> {
    let value = |key| context.baggage().get(key).cloned();
    IDENTITY_KEYS
        .iter()
        .filter_map(|key| Some(KeyValue::new(*key, value(key)?)))
        .collect()
}

/// Why a request or a call failed: leaves an exception event on the span and an error status.
#[derive(Debug, Clone)]
pub struct Failure {
    pub status: StatusCode,
    /// The exception's type, of low cardinality.
    pub kind: &'static str,
    pub message: String,
}

impl Failure {
    pub fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            kind,
            message: message.into(),
        }
    }

    /// Marks the span of `context` as failed; `error_type` is the semantic convention's
    /// `error.type`.
    pub fn record(&self, context: &Context, error_type: String) {
        let span = context.span();
        let exception = vec![
            KeyValue::new("exception.type", self.kind),
            KeyValue::new("exception.message", self.message.clone()),
        ];
        span.add_event("exception", exception);
        span.set_attribute(KeyValue::new("error.type", error_type));
        span.set_status(Status::error(self.message.clone()));
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = (self.status, self.message.clone()).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives each request of the routes so far a server span, which is current while its handler runs.
pub fn instrumented(router: Router) -> Router {
    router.route_layer(from_fn(serve_in_span))
}

async fn serve_in_span(request: Request, next: Next) -> Response {
    let parent = global::get_text_map_propagator(|propagator| {
        propagator.extract(&HeaderExtractor(request.headers()))
    });
    let parent = with_identity_of_headers(parent, &request);
    let method = request.method().to_string();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or("unknown", MatchedPath::as_str);
    let attributes = vec![
        KeyValue::new("http.request.method", method.clone()),
        KeyValue::new("http.route", route.to_owned()),
        KeyValue::new("url.path", request.uri().path().to_owned()),
        KeyValue::new("url.scheme", "http"),
    ];
    let name = format!("{method} {route}");
    let context = {
        let _current = parent.attach();
        child_span(name, SpanKind::Server, attributes)
    };
    let response = next.run(request).with_context(context.clone()).await;
    let status = response.status();
    context.span().set_attribute(KeyValue::new(
        "http.response.status_code",
        i64::from(status.as_u16()),
    ));
    if let Some(failure) = response.extensions().get::<Failure>() {
        failure.record(&context, status.as_u16().to_string());
    }
    context.span().end();
    response
}

/// At the edge of the shop the identity comes in plain headers (`x-tenant-id`), in place of a
/// login.
fn with_identity_of_headers(parent: Context, request: &Request) -> Context {
    let given: Vec<KeyValue> = IDENTITY_KEYS
        .iter()
        .filter_map(|key| {
            let header = request
                .headers()
                .get(format!("x-{}", key.replace('.', "-")))?;
            Some(KeyValue::new(*key, header.to_str().ok()?.to_owned()))
        })
        .collect();
    if given.is_empty() {
        parent
    } else {
        parent.with_baggage(given)
    }
}
