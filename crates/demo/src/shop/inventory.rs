//! `inventory`: what is in stock, from a SQL store. Release 1.4.1 brought a lock that one look-up
//! in ten does not get.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use opentelemetry::trace::TraceContextExt;
use opentelemetry::{Context, KeyValue};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};

use super::store::{Statement, execute};
use super::telemetry::{Failure, instrumented};

pub const RELEASE_WITH_FAULT: &str = "1.4.1";
const FAULT_SHARE: f64 = 0.1;
const LOCK_TIME_MAX: Duration = Duration::from_millis(50);

const LOOK_UP: Statement = Statement {
    operation: "SELECT",
    table: "stock",
    text: "SELECT sku, quantity, price_cents FROM stock WHERE sku = $1 FOR UPDATE",
    time: Duration::from_millis(4),
};
const RESERVE: Statement = Statement {
    operation: "UPDATE",
    table: "stock",
    text: "UPDATE stock SET quantity = quantity - 1 WHERE sku = $1",
    time: Duration::from_millis(6),
};

#[derive(Clone)]
struct Inventory {
    fault_share: f64,
    random: Arc<Mutex<StdRng>>,
}

pub fn router(release: &str, instance: u32) -> Router {
    let fault_share = if release == RELEASE_WITH_FAULT {
        FAULT_SHARE
    } else {
        0.0
    };
    let random = Arc::new(Mutex::new(StdRng::seed_from_u64(u64::from(instance))));
    let routes = Router::new()
        .route("/stock/{sku}", get(look_up))
        .route("/stock/{sku}/reservations", post(reserve));
    instrumented(routes.with_state(Inventory {
        fault_share,
        random,
    }))
}

impl Inventory {
    async fn find(&self, sku: &str) -> Result<Json<Value>, Failure> {
        Context::current()
            .span()
            .set_attribute(KeyValue::new("app.product.sku", sku.to_owned()));
        let is_locked = {
            let mut random = self.random.lock().expect("no holder of the lock panics");
            random.random_bool(self.fault_share)
        };
        if is_locked {
            execute(
                "inventory",
                &Statement {
                    time: LOCK_TIME_MAX,
                    ..LOOK_UP
                },
            )
            .await;
            let message = format!("no lock on the stock row after {LOCK_TIME_MAX:?}");
            return Err(Failure::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "LockTimeout",
                message,
            ));
        }
        execute("inventory", &LOOK_UP).await;
        Ok(Json(json!({ "sku": sku, "price_cents": 1_900 })))
    }
}

async fn look_up(
    State(inventory): State<Inventory>,
    Path(sku): Path<String>,
) -> Result<Json<Value>, Failure> {
    inventory.find(&sku).await
}

async fn reserve(
    State(inventory): State<Inventory>,
    Path(sku): Path<String>,
) -> Result<Json<Value>, Failure> {
    let product = inventory.find(&sku).await?;
    execute("inventory", &RESERVE).await;
    Ok(product)
}
