//! A simulated SQL store: each statement is a client span that takes a little while.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::{FutureExt, SpanKind, TraceContextExt};

use super::telemetry::child_span;

/// A statement as the store's driver sees it.
pub struct Statement {
    pub operation: &'static str,
    pub table: &'static str,
    pub text: &'static str,
    pub time: Duration,
}

/// Runs the statement on the store called `namespace`.
pub async fn execute(namespace: &'static str, statement: &Statement) {
    let context = child_span(
        format!("{} {}", statement.operation, statement.table),
        SpanKind::Client,
        vec![
            KeyValue::new("db.system.name", "postgresql"),
            KeyValue::new("db.namespace", namespace),
            KeyValue::new("db.operation.name", statement.operation),
            KeyValue::new("db.collection.name", statement.table),
            KeyValue::new("db.query.text", statement.text),
            KeyValue::new("server.address", format!("{namespace}-db.shop.internal")),
            KeyValue::new("server.port", 5432),
        ],
    );
    tokio::time::sleep(statement.time)
        .with_context(context.clone())
        .await;
    context.span().end();
}
