//! `storefront`: what the browser talks to. Pages and the checkout button.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::calls::{Call, Peer};
use super::flags::Flags;
use super::telemetry::{Failure, instrumented};

struct Storefront {
    checkout: Peer,
    inventory: Peer,
    subscriptions: Peer,
    flags: Flags,
}

pub fn router(peers: &[(String, SocketAddr)]) -> anyhow::Result<Router> {
    let storefront = Storefront {
        checkout: Peer::new("checkout", peers)?,
        inventory: Peer::new("inventory", peers)?,
        subscriptions: Peer::new("subscriptions", peers)?,
        flags: Flags::new(peers)?,
    };
    let routes = Router::new()
        .route("/", get(home))
        .route("/products/{sku}", get(product))
        .route("/accounts/{tenant}", get(account))
        .route("/checkout", post(checkout));
    Ok(instrumented(routes.with_state(Arc::new(storefront))))
}

async fn home(State(shop): State<Arc<Storefront>>) -> Json<Value> {
    let has_new_gallery = shop.flags.is_on("new-gallery", false).await;
    Json(json!({ "page": "home", "new_gallery": has_new_gallery }))
}

async fn product(
    State(shop): State<Arc<Storefront>>,
    Path(sku): Path<String>,
) -> Result<Json<Value>, Failure> {
    let call = Call::get("/stock/{sku}", format!("/stock/{sku}"));
    shop.inventory
        .call(call)
        .await
        .map(Json)
        .map_err(|cause| failed("show the product", &cause))
}

async fn account(
    State(shop): State<Arc<Storefront>>,
    Path(tenant): Path<String>,
) -> Result<Json<Value>, Failure> {
    let call = Call::get(
        "/tenants/{tenant}/plugins",
        format!("/tenants/{tenant}/plugins"),
    );
    shop.subscriptions
        .call(call)
        .await
        .map(Json)
        .map_err(|cause| failed("show the account", &cause))
}

async fn checkout(
    State(shop): State<Arc<Storefront>>,
    Json(basket): Json<Value>,
) -> Result<Json<Value>, Failure> {
    let order = shop.checkout.call(Call::post("/orders", basket)).await;
    order
        .map(Json)
        .map_err(|cause| failed("place the order", &cause))
}

fn failed(what: &str, cause: &Failure) -> Failure {
    let message = format!("cannot {what}: {}", cause.message);
    Failure::new(StatusCode::BAD_GATEWAY, "PageFailed", message)
}
