//! `subscriptions`: which plug-ins of the shop a tenant has paid for.

use std::time::Duration;

use axum::extract::Path;
use axum::routing::get;
use axum::{Json, Router};
use serde_json::{Value, json};

use super::store::{Statement, execute};
use super::telemetry::instrumented;

const FIND_PLUGINS: Statement = Statement {
    operation: "SELECT",
    table: "plugins",
    text: "SELECT name FROM plugins WHERE tenant = $1 AND paid_until > now()",
    time: Duration::from_millis(5),
};

pub fn router() -> Router {
    instrumented(Router::new().route("/tenants/{tenant}/plugins", get(plugins)))
}

async fn plugins(Path(tenant): Path<String>) -> Json<Value> {
    execute("subscriptions", &FIND_PLUGINS).await;
    Json(json!({ "tenant": tenant, "plugins": ["gift-wrap", "loyalty"] }))
}
