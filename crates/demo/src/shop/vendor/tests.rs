use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use opentelemetry::global;
use opentelemetry::trace::Status;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::Vendor;
use crate::shop::calls::Call;

#[derive(Debug, Clone, Default)]
struct Spans(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Spans {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(batch);
        Ok(())
    }
}

impl Spans {
    fn take_only(&self) -> SpanData {
        let mut spans = std::mem::take(&mut *self.0.lock().unwrap());
        assert_eq!(spans.len(), 1);
        spans.remove(0)
    }
}

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    let found = span
        .attributes
        .iter()
        .find(|attribute| attribute.key.as_str() == key)?;
    Some(found.value.to_string())
}

async fn serve_vendor() -> SocketAddr {
    let router = Router::new()
        .route("/good", post(async || Json(json!({ "answer": 42 }))))
        .route("/broken", post(async || StatusCode::SERVICE_UNAVAILABLE))
        .route("/silent", post(std::future::pending::<StatusCode>));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// One test for all outcomes, because the tracer provider is global.
#[tokio::test]
async fn every_call_says_how_it_ended_and_what_was_used_instead() {
    let spans = Spans::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(spans.clone())
        .build();
    global::set_tracer_provider(provider);
    let open = serve_vendor().await;
    let closed = {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        listener.local_addr().unwrap()
    };
    // The one that never answers is given up soon, the others have all the time that a slow machine takes.
    let (short, long) = (Duration::from_millis(50), Duration::from_secs(60));
    for (address, path, time_max, outcome, fallback, error_type) in [
        (open, "/good", long, "ok", "none", None),
        (open, "/broken", long, "error", "plan_b", Some("503")),
        (open, "/silent", short, "timeout", "plan_b", Some("Timeout")),
        (
            closed,
            "/good",
            long,
            "unreachable",
            "plan_b",
            Some("ConnectionRefused"),
        ),
    ] {
        let peers = [("vendor.example".to_owned(), address)];
        let vendor = Vendor::new("vendor.example", &peers, time_max).unwrap();
        let answer = vendor.call(Call::post(path, Value::Null), "plan_b").await;
        let span = spans.take_only();
        assert_eq!(answer.is_some(), outcome == "ok", "{path}");
        assert_eq!(
            attribute(&span, "app.vendor.outcome").as_deref(),
            Some(outcome)
        );
        assert_eq!(
            attribute(&span, "app.vendor.fallback").as_deref(),
            Some(fallback)
        );
        assert_eq!(attribute(&span, "error.type").as_deref(), error_type);
        assert_eq!(
            attribute(&span, "server.address").as_deref(),
            Some("vendor.example")
        );
        assert_eq!(span.status == Status::Unset, outcome == "ok");
        assert_eq!(
            span.events.iter().any(|event| event.name == "exception"),
            outcome != "ok"
        );
    }
}
