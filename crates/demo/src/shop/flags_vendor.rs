//! `flags.example`, the vendor of feature flags: not ours, not instrumented, and sometimes offline
//! for seconds.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use axum::routing::post;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::stop::{self, Stop};

/// The first time of service is short, so that whoever starts the demo soon has an outage to look
/// at.
const FIRST_UP_TIME: Duration = Duration::from_secs(3);
const UP_TIME: Duration = Duration::from_secs(20);
const DOWN_TIME: Duration = Duration::from_secs(2);

#[derive(Deserialize, Hash)]
struct Evaluation {
    key: String,
    user: String,
}

pub fn router() -> Router {
    Router::new().route("/v1/evaluate", post(evaluate))
}

/// Half of the users have a flag on, always the same half.
async fn evaluate(Json(evaluation): Json<Evaluation>) -> Json<Value> {
    let mut hasher = DefaultHasher::new();
    evaluation.hash(&mut hasher);
    Json(json!({ "on": hasher.finish().is_multiple_of(2) }))
}

/// Serves on the listener's address, but closes it from time to time, so that connections are
/// refused.
pub async fn serve_with_outages(
    listener: TcpListener,
    router: Router,
    stop: Stop,
) -> anyhow::Result<()> {
    let address = listener.local_addr()?;
    let mut listener = Some(listener);
    let mut up_time = FIRST_UP_TIME;
    while !*stop.borrow() {
        let open = match listener.take() {
            Some(open) => open,
            None => TcpListener::bind(address).await?,
        };
        let (close, closed) = watch::channel(false);
        let serving = super::serve_until(open, router.clone(), closed);
        let closing = async {
            wait(up_time, &stop).await;
            close.send_replace(true);
        };
        tokio::join!(serving, closing).0?;
        wait(DOWN_TIME, &stop).await;
        up_time = UP_TIME;
    }
    Ok(())
}

async fn wait(time: Duration, stop: &Stop) {
    tokio::select! {
        () = tokio::time::sleep(time) => {}
        () = stop::requested(stop.clone()) => {}
    }
}
