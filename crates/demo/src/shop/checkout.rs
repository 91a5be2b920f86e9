//! `checkout`: turns a basket into an order. Reserves the stock, looks up the tenant's plug-ins,
//! and charges the card, or puts the charge off when the payment vendor does not answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Json, Router};
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, KeyValue};
use serde::Deserialize;
use serde_json::{Value, json};

use super::calls::{Call, Peer};
use super::flags::Flags;
use super::telemetry::{Failure, instrumented};
use super::vendor::Vendor;

const PAYMENT_TIME_MAX: Duration = Duration::from_secs(2);

struct Checkout {
    inventory: Peer,
    subscriptions: Peer,
    payments: Vendor,
    flags: Flags,
}

#[derive(Deserialize)]
struct Basket {
    tenant: String,
    sku: String,
    card_network: String,
}

pub fn router(peers: &[(String, SocketAddr)]) -> anyhow::Result<Router> {
    let checkout = Checkout {
        inventory: Peer::new("inventory", peers)?,
        subscriptions: Peer::new("subscriptions", peers)?,
        payments: Vendor::new("pay.example", peers, PAYMENT_TIME_MAX)?,
        flags: Flags::new(peers)?,
    };
    let routes = Router::new()
        .route("/orders", post(order))
        .with_state(Arc::new(checkout));
    Ok(instrumented(routes))
}

async fn order(
    State(checkout): State<Arc<Checkout>>,
    Json(basket): Json<Basket>,
) -> Result<Json<Value>, Failure> {
    let order_id = format!("ord-{:012x}", rand::random::<u64>() >> 16);
    Context::current().span().set_attributes([
        KeyValue::new("app.order.id", order_id.clone()),
        KeyValue::new("app.card_network", basket.card_network.clone()),
    ]);
    checkout.flags.is_on("express-checkout", false).await;
    checkout.reserve(&basket.sku).await?;
    checkout.plugins(&basket.tenant).await?;
    let is_paid = checkout.charge(&order_id, &basket.card_network).await;
    let payment = if is_paid { "charged" } else { "put_off" };
    Context::current()
        .span()
        .set_attribute(KeyValue::new("app.order.payment", payment));
    Ok(Json(json!({ "order_id": order_id, "payment": payment })))
}

impl Checkout {
    async fn reserve(&self, sku: &str) -> Result<(), Failure> {
        let path = format!("/stock/{sku}/reservations");
        let call = Call {
            url_template: "/stock/{sku}/reservations",
            ..Call::post(&path, json!({}))
        };
        self.inventory.call(call).await.map_err(|cause| {
            let message = format!("cannot reserve the stock: {}", cause.message);
            Failure::new(StatusCode::BAD_GATEWAY, "ReservationFailed", message)
        })?;
        Ok(())
    }

    async fn plugins(&self, tenant: &str) -> Result<Value, Failure> {
        let path = format!("/tenants/{tenant}/plugins");
        self.subscriptions
            .call(Call::get("/tenants/{tenant}/plugins", path))
            .await
    }

    async fn charge(&self, order_id: &str, card_network: &str) -> bool {
        let body = json!({ "order_id": order_id, "card_network": card_network });
        self.payments
            .call(Call::post("/v1/charges", body), "charge_later")
            .await
            .is_some()
    }
}
